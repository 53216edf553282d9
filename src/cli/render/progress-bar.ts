// Progress on a terminal: one line that is redrawn and never wraps, however narrow the terminal is. What does
// not fit is left out, the least needed first.
import type { Writable } from "node:stream";
import cliProgress from "cli-progress";
import { formatBytes, formatRate } from "../../core/units.js";
import { columnsOf } from "./palette.js";
import { cellWidth, fitCells } from "./printable.js";
import { type ProgressDisplay, type ProgressState, percentOf, remainingText } from "./reporter.js";

const REDRAWS_PER_SECOND = 8;
const GAP = "  ";
const NAME_MIN_CELLS = 8;
const NAME_MAX_CELLS = 32;
const BAR_MIN_CELLS = 8;
const BAR_MAX_CELLS = 30;

interface Payload {
  readonly state?: ProgressState;
}

export class ProgressBar implements ProgressDisplay {
  readonly #bar: cliProgress.SingleBar;
  #shown = false;

  constructor(stream: Writable) {
    this.#bar = new cliProgress.SingleBar(
      {
        // cli-progress leaves the terminal's own wrapping alone where it is told that lines may wrap; ours never do.
        linewrap: true,
        fps: REDRAWS_PER_SECOND,
        barsize: BAR_MAX_CELLS,
        clearOnComplete: true,
        hideCursor: true,
        stream: writeStream(stream),
        format: (options, _params, payload: Payload) =>
          payload.state === undefined ? "" : barLine(payload.state, columnsOf(stream) - 1, barOf(options)),
      },
      cliProgress.Presets.shades_classic,
    );
  }

  show(state: ProgressState): void {
    const payload: Payload = { state };
    if (this.#shown) {
      this.#bar.update(state.bytesDone, payload);
      return;
    }
    this.#shown = true;
    this.#bar.start(state.bytesTotal, state.bytesDone, payload);
  }

  clear(): void {
    if (!this.#shown) return;
    this.#shown = false;
    this.#bar.stop();
  }
}

/** The types of cli-progress ask for more than it uses: it writes, and asks isTTY and columns. */
function writeStream(stream: Writable): NodeJS.WritableStream {
  return stream;
}

type DrawBar = (fraction: number, cells: number) => string;

function barOf(options: cliProgress.Options): DrawBar {
  return (fraction, cells) => cliProgress.Format.BarFormat(fraction, { ...options, barsize: cells });
}

/** One line of at most `columns` cells. */
export function barLine(state: ProgressState, columns: number, drawBar: DrawBar): string {
  const percent = `${String(percentOf(state)).padStart(3)}%`;
  // The most needed first: what still fits is taken.
  const offers: readonly [position: number, text: string][] = [
    [4, state.stall],
    [3, formatRate(state.bytesPerSecond)],
    [4, remainingText(state)],
    [2, bytesText(state)],
    [5, state.peers === undefined ? "" : `${state.peers} ${state.peers === 1 ? "peer" : "peers"}`],
  ];
  const taken: [position: number, text: string][] = [];
  let left = columns - cellWidth(percent) - GAP.length - Math.min(NAME_MIN_CELLS, cellWidth(state.name));
  for (const [position, text] of offers) {
    const cells = cellWidth(text) + GAP.length;
    if (text === "" || cells > left) continue;
    taken.push([position, text]);
    left -= cells;
  }
  const name = fitCells(state.name, Math.min(NAME_MAX_CELLS, NAME_MIN_CELLS + Math.max(0, left)));
  left -= Math.max(0, cellWidth(name) - NAME_MIN_CELLS);
  const barCells = Math.min(BAR_MAX_CELLS, left - GAP.length);
  const bar = barCells >= BAR_MIN_CELLS ? drawBar(percentOf(state) / 100, barCells) : "";
  const rest = taken.sort(([a], [b]) => a - b).map(([, text]) => text);
  const line = [name, bar, percent, ...rest].filter((part) => part !== "").join(GAP);
  return fitCells(line, columns);
}

function bytesText(state: ProgressState): string {
  return state.bytesTotal > 0
    ? `${formatBytes(state.bytesDone)}/${formatBytes(state.bytesTotal)}`
    : formatBytes(state.bytesDone);
}

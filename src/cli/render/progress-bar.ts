// Progress on a terminal: one line that is redrawn and never wraps, however narrow the terminal is. What does
// not fit is left out, the least needed first.
import type { Writable } from "node:stream";
import cliProgress from "cli-progress";
import { formatBytes, formatRate } from "../../core/units.js";
import { BarTerminal } from "./bar-terminal.js";
import { columnsOf } from "./palette.js";
import { cellWidth, fitCells } from "./printable.js";
import {
  type ProgressDisplay,
  type ProgressState,
  peersText,
  percentOf,
  rateText,
  remainingText,
  type ServingState,
  type TransferState,
} from "./reporter.js";

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
  readonly #terminal: BarTerminal;
  #shown = false;
  #wasShown = false;

  constructor(stream: Writable) {
    this.#terminal = new BarTerminal(stream);
    // The types of cli-progress do not know that it takes a terminal.
    const options: cliProgress.Options & { readonly terminal: BarTerminal } = {
      terminal: this.#terminal,
      // cli-progress leaves the terminal's own wrapping alone when it is told that lines may wrap; ours never do.
      linewrap: true,
      fps: REDRAWS_PER_SECOND,
      // The next frame replaces what others write over the bar, even if nothing has changed.
      forceRedraw: true,
      barsize: BAR_MAX_CELLS,
      clearOnComplete: true,
      format: (options, _params, payload: Payload) =>
        payload.state === undefined ? "" : lineOf(payload.state, columnsOf(stream) - 1, barOf(options)),
    };
    this.#bar = new cliProgress.SingleBar(options, cliProgress.Presets.shades_classic);
  }

  show(state: ProgressState): void {
    const payload: Payload = { state };
    const [done, total] = state.verb === "sharing" ? [0, 1] : [state.bytesDone, state.bytesTotal];
    if (this.#shown) {
      this.#bar.update(done, payload);
      return;
    }
    this.#shown = true;
    this.#wasShown = true;
    this.#bar.start(total, done, payload);
  }

  clear(): void {
    if (this.#shown) this.#bar.stop();
    // Somebody may have typed since.
    else if (this.#wasShown) this.#terminal.clearLine();
    this.#shown = false;
  }
}

type DrawBar = (fraction: number, cells: number) => string;

function barOf(options: cliProgress.Options): DrawBar {
  return (fraction, cells) => cliProgress.Format.BarFormat(fraction, { ...options, barsize: cells });
}

function lineOf(state: ProgressState, columns: number, drawBar: DrawBar): string {
  return state.verb === "sharing" ? servingLine(state, columns) : barLine(state, columns, drawBar);
}

/** One line of at most `columns` cells: who takes how much of what is shared here. */
export function servingLine(state: ServingState, columns: number): string {
  const { taken } = whatFits(columns + GAP.length, [
    [1, `↑ ${formatRate(state.bytesPerSecond)}`],
    [3, peersText(state.peers)],
    [0, fitCells(state.name, NAME_MAX_CELLS)],
    [2, `sent ${formatBytes(state.bytesSent)}`],
    ...state.percents.map((percent, index): Offer => [4 + index, `${percent}%`]),
  ]);
  return fitCells(taken.join(GAP), columns);
}

type Offer = readonly [position: number, text: string];

/** Of `offers`, the most needed first, the texts that fit into `cells` with a gap before each, in the order of their
 * positions. */
function whatFits(cells: number, offers: readonly Offer[]): { taken: readonly string[]; left: number } {
  const taken: Offer[] = [];
  let left = cells;
  for (const [position, text] of offers) {
    const needed = cellWidth(text) + GAP.length;
    if (text === "" || needed > left) continue;
    taken.push([position, text]);
    left -= needed;
  }
  return { taken: taken.sort(([a], [b]) => a - b).map(([, text]) => text), left };
}

/** One line of at most `columns` cells. */
export function barLine(state: TransferState, columns: number, drawBar: DrawBar): string {
  const percent = `${String(percentOf(state)).padStart(3)}%`;
  const forName = GAP.length + Math.min(NAME_MIN_CELLS, cellWidth(state.name));
  const { taken, left: leftOver } = whatFits(columns - cellWidth(percent) - forName, [
    [4, state.stall],
    [3, rateText(state)],
    [4, remainingText(state)],
    [2, bytesText(state)],
    [5, state.peers === undefined ? "" : peersText(state.peers)],
  ]);
  let left = leftOver;
  // A long name is cut before the bar is left out.
  const forBar = left < GAP.length + BAR_MIN_CELLS ? 0 : GAP.length + BAR_MIN_CELLS;
  const name = fitCells(state.name, Math.min(NAME_MAX_CELLS, NAME_MIN_CELLS + Math.max(0, left - forBar)));
  left -= Math.max(0, cellWidth(name) - NAME_MIN_CELLS);
  const barCells = Math.min(BAR_MAX_CELLS, left - GAP.length);
  const bar = barCells >= BAR_MIN_CELLS ? drawBar(percentOf(state) / 100, barCells) : "";
  const line = [name, bar, percent, ...taken].filter((part) => part !== "").join(GAP);
  return fitCells(line, columns);
}

function bytesText(state: TransferState): string {
  return state.bytesTotal > 0
    ? `${formatBytes(state.bytesDone)}/${formatBytes(state.bytesTotal)}`
    : formatBytes(state.bytesDone);
}

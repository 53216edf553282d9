// Progress where nobody can watch a bar (logs, pipes): a line for every 10 %, and one at least every 10 s.
import type { Writable } from "node:stream";
import type { Clock } from "../../core/clock.js";
import { formatBytes, formatRate } from "../../core/units.js";
import { isUnread } from "../../core/unread.js";
import { folded } from "./fold.js";
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

const STEP_PERCENT = 10;
const LONGEST_SILENCE_MS = 10_000;

export class ProgressLines implements ProgressDisplay {
  readonly #stream: Writable;
  readonly #clock: Clock;
  #subject = "";
  #step = 0;
  #writtenMs = 0;

  constructor(stream: Writable, clock: Clock) {
    this.#stream = stream;
    this.#clock = clock;
  }

  show(state: ProgressState): void {
    const nowMs = this.#clock.nowMs();
    const step = state.verb === "sharing" ? 0 : Math.floor(percentOf(state) / STEP_PERCENT);
    const subject = subjectOf(state);
    if (subject !== this.#subject) {
      this.#subject = subject;
      this.#step = 0;
      this.#writtenMs = nowMs;
    }
    if (step <= this.#step && nowMs - this.#writtenMs < LONGEST_SILENCE_MS) return;
    if (isUnread(this.#stream)) return;
    this.#step = step;
    this.#writtenMs = nowMs;
    const line = state.verb === "sharing" ? servingLine(state) : progressLine(state);
    this.#stream.write(`${folded(this.#stream, line)}\n`);
  }

  clear(): void {}
}

function subjectOf({ verb, name }: ProgressState): string {
  return verb === "" ? name : `${verb} ${name}`;
}

function servingLine({ name, peers, percents, bytesPerSecond, bytesSent }: ServingState): string {
  const have = percents.length === 0 ? "" : ` (${percents.map((percent) => `${percent}%`).join(" ")})`;
  return `sharing ${name}: ${peersText(peers)}${have}, ${formatRate(bytesPerSecond)}, sent ${formatBytes(bytesSent)}`;
}

function progressLine(state: TransferState): string {
  const parts = [`${subjectOf(state)}: ${percentOf(state)}%`];
  parts.push(
    state.bytesTotal > 0
      ? `${formatBytes(state.bytesDone)} of ${formatBytes(state.bytesTotal)}`
      : formatBytes(state.bytesDone),
  );
  parts.push(...[rateText(state), remainingText(state)].filter((text) => text !== ""));
  if (state.peers !== undefined) parts.push(peersText(state.peers));
  if (state.stall !== "") parts.push(state.stall);
  return parts.join(", ");
}

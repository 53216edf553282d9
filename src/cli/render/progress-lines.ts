// Progress where nobody can watch a bar (logs, pipes): a line for every 10 %, and one at least every 10 s.
import type { Writable } from "node:stream";
import type { Clock } from "../../core/clock.js";
import { formatBytes, formatRate } from "../../core/units.js";
import { type ProgressDisplay, type ProgressState, percentOf, remainingText } from "./reporter.js";

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
    const step = Math.floor(percentOf(state) / STEP_PERCENT);
    const subject = `${state.verb} ${state.name}`;
    if (subject !== this.#subject) {
      this.#subject = subject;
      this.#step = 0;
      this.#writtenMs = nowMs;
    }
    if (step <= this.#step && nowMs - this.#writtenMs < LONGEST_SILENCE_MS) return;
    this.#step = step;
    this.#writtenMs = nowMs;
    this.#stream.write(`${progressLine(state)}\n`);
  }

  clear(): void {}
}

function progressLine(state: ProgressState): string {
  const parts = [`${state.verb} ${state.name}: ${percentOf(state)}%`];
  parts.push(
    state.bytesTotal > 0
      ? `${formatBytes(state.bytesDone)} of ${formatBytes(state.bytesTotal)}`
      : formatBytes(state.bytesDone),
  );
  parts.push(formatRate(state.bytesPerSecond));
  const remaining = remainingText(state);
  if (remaining !== "") parts.push(remaining);
  if (state.peers !== undefined) parts.push(`${state.peers} ${state.peers === 1 ? "peer" : "peers"}`);
  if (state.stall !== "") parts.push(state.stall);
  return parts.join(", ");
}

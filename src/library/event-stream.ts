// Events as async iterables: every loop over a stream sees what happens from the moment it began, at its own pace.
// Bounded: if a reader does not keep up, the oldest progress events are dropped, then whatever is oldest, but never the
// last event.
import { GoshareError } from "../core/errors.js";
import type { EventObserver, GoshareEvent } from "../events/event.js";

/** Events kept for one reader. */
const MAX_KEPT = 1_000;

/** Each of these events replaces what the one before it said. */
const PROGRESS: readonly GoshareEvent["type"][] = ["hashing", "progress", "serving"];

export class EventStream implements AsyncIterable<GoshareEvent> {
  readonly #readers = new Set<Reader>();
  #hasEnded = false;

  readonly observe: EventObserver = (event) => {
    if (!this.#hasEnded) for (const reader of this.#readers) reader.put(event);
  };

  /** No more events come: loops end when they have seen all. */
  end(last?: GoshareEvent): void {
    if (last !== undefined) this.observe(last);
    this.#hasEnded = true;
    for (const reader of this.#readers) reader.end();
  }

  [Symbol.asyncIterator](): AsyncIterator<GoshareEvent, undefined> {
    const reader = new Reader(() => this.#readers.delete(reader));
    this.#readers.add(reader);
    if (this.#hasEnded) reader.end();
    return reader;
  }
}

/** What was thrown, as an error of goshare: any reason that a program aborts with is an interruption. */
export function goshareError(thrown: unknown, signal: AbortSignal): GoshareError {
  if (thrown instanceof GoshareError || !signal.aborted || thrown !== signal.reason)
    return GoshareError.from(thrown);
  return new GoshareError("INTERRUPTED", thrown instanceof Error ? thrown.message : String(thrown));
}

/** The last event of something that did not reach its end. */
export function failedEvent(thrown: unknown, signal: AbortSignal): GoshareEvent {
  const { code, exitCode, message, hint } = goshareError(thrown, signal);
  return { type: "failed", code, exitCode, message, hint };
}

class Reader implements AsyncIterator<GoshareEvent, undefined> {
  readonly #gone: () => void;
  #kept: GoshareEvent[] = [];
  #hasEnded = false;
  /** Resolvers of waiting calls of next(). */
  #waiting: (() => void)[] = [];

  constructor(gone: () => void) {
    this.#gone = gone;
  }

  put(event: GoshareEvent): void {
    if (this.#kept.length >= MAX_KEPT) this.#kept.splice(this.#leastNeeded(), 1);
    this.#kept.push(event);
    this.#wake();
  }

  end(): void {
    this.#hasEnded = true;
    this.#wake();
  }

  async next(): Promise<IteratorResult<GoshareEvent, undefined>> {
    while (this.#kept.length === 0) {
      if (this.#hasEnded) return { done: true, value: undefined };
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    const [value] = this.#kept.splice(0, 1);
    return value === undefined ? { done: true, value } : { done: false, value };
  }

  /** The loop was left. */
  async return(): Promise<IteratorResult<GoshareEvent, undefined>> {
    this.#gone();
    this.#kept = [];
    this.end();
    return { done: true, value: undefined };
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }

  #leastNeeded(): number {
    const oldest = this.#kept.findIndex(({ type }) => PROGRESS.includes(type));
    return Math.max(0, oldest);
  }
}

// share() for programs: begins at once, reports what happens, ends when it is closed or aborted.
import { untilAborted } from "../core/clock.js";
import { GoshareError } from "../core/errors.js";
import type { GoshareEvent } from "../events/event.js";
import { type RunningShare, share as shareFlow } from "../flows/share.js";
import { EventStream, failedEvent } from "./event-stream.js";
import { type ShareCallOptions, shareOptions } from "./options.js";

/** What others need to know of a share. */
export type Sharing = Omit<Extract<GoshareEvent, { type: "sharing" }>, "type">;

/** A share from its first byte read to its end. A loop over it sees its events; the last one is `stopped` or `failed`. */
export interface Share extends AsyncIterable<GoshareEvent>, AsyncDisposable {
  /** Resolves, with the ticket and more, when others can download. Rejects if it does not come to that. */
  readonly ready: Promise<Sharing>;
  /** Resolves when it was closed or aborted; rejects with the error that kept it from being served. */
  readonly ended: Promise<void>;
  /** Resolves when so many peers have had all of it, each counted once; rejects if it ends before. Until then there is
   * one promise for each number. */
  untilCopies(count: number): Promise<void>;
  /** Stops serving when running replies are out. */
  close(): Promise<void>;
}

/** Shares a file or folder. Every rejection is a GoshareError or the reason of `signal`. */
export function share(path: string, options: ShareCallOptions = {}): Share {
  return new LibraryShare(path, options);
}

class LibraryShare implements Share {
  readonly ready: Promise<Sharing>;
  readonly ended: Promise<void>;
  readonly #events = new EventStream();
  readonly #closing = new AbortController();
  readonly #running: Promise<RunningShare>;
  readonly #untilCopies = new Map<number, Promise<void>>();
  #sharing: Sharing | undefined;

  constructor(path: string, options: ShareCallOptions) {
    const signals = [this.#closing.signal, ...(options.signal === undefined ? [] : [options.signal])];
    const stop = AbortSignal.any(signals);
    // Gives the caller a chance to begin a loop first.
    this.#running = Promise.resolve().then(() =>
      shareFlow(shareOptions(path, options), (event) => this.#observe(event), stop),
    );
    this.ready = this.#running.then(() => {
      if (this.#sharing === undefined) throw new Error("a share that runs has told of it");
      return this.#sharing;
    });
    this.ended = this.#run(stop);
    // A caller that does not await one of them must not be ended by an unhandled rejection.
    for (const promise of [this.ready, this.ended]) promise.catch(() => undefined);
  }

  untilCopies(count: number): Promise<void> {
    const known = this.#untilCopies.get(count);
    if (known !== undefined) return known;
    const until = this.#copiesBeforeEnd(count).finally(() => this.#untilCopies.delete(count));
    until.catch(() => undefined);
    this.#untilCopies.set(count, until);
    return until;
  }

  async #copiesBeforeEnd(count: number): Promise<void> {
    const running = await this.#running;
    const tooEarly = this.ended.then(() => {
      throw new GoshareError("INTERRUPTED", "the share was closed");
    });
    await Promise.race([running.untilCopies(count), tooEarly]);
  }

  async close(): Promise<void> {
    this.#closing.abort(new GoshareError("INTERRUPTED", "the share was closed"));
    await this.ended.catch(() => undefined);
  }

  [Symbol.asyncIterator](): AsyncIterator<GoshareEvent> {
    return this.#events[Symbol.asyncIterator]();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #run(stop: AbortSignal): Promise<void> {
    let running: RunningShare | undefined;
    let failed: unknown;
    try {
      running = await this.#running;
      await Promise.race([untilAborted(stop), running.failed]);
    } catch (thrown) {
      failed = thrown;
    }
    await running?.close();
    if (failed === undefined || stop.aborted) {
      this.#events.end({ type: "stopped", signal: "", bytesSent: running?.bytesSent ?? 0 });
      return;
    }
    this.#events.end(failedEvent(failed, stop));
    throw failed;
  }

  #observe(event: GoshareEvent): void {
    if (event.type === "sharing") {
      const { type: _type, ...sharing } = event;
      this.#sharing = sharing;
    }
    this.#events.observe(event);
  }
}

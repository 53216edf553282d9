// Several downloads at once: one process, one port, and limits for all of them together. Each goes its own way: if one
// fails, the others still reach their end. Prints nothing.
import { GoshareError } from "../core/errors.js";
import type { EventObserver, GoshareEvent } from "../events/event.js";
import { downloadAt } from "./download.js";
import { type DownloadOptions, takesOffers } from "./downloading/download-options.js";
import { DownloadPort } from "./downloading/download-port.js";
import type { RunningSeed } from "./downloading/serving-download.js";
import { failureOfSeveral, OneOfSeveral } from "./one-of-several.js";

/** Each takes memory for arriving chunks, and threads. */
const MAX_AT_ONCE = 4;

type Done = Extract<GoshareEvent, { type: "done" }>;

export interface SeveralResult {
  /** The `done` of the download that ended last, if it succeeded. It has not been emitted. */
  readonly last: Done | undefined;
  /** The first failure so far, for all of them; undefined if there was none. */
  readonly failure: GoshareError | undefined;
  /** Resolves when all seeds have failed, so that nothing is served any more; undefined if nothing ever was. */
  readonly unserved: Promise<void> | undefined;
  /** Payload bytes that seeds have sent so far. */
  readonly bytesSent: number;
  /** Closes the seeds, and the port. */
  close(): Promise<void>;
}

/** Downloads all of `whats` with the same options. Emits `done` or `failed` for each as it ends, except a `done` of the
 * last one, and `failed` for a seed that can no longer be served; the others go on. Throws ADDRESS_IN_USE, or the
 * reason of `signal`. */
export async function downloadSeveral(
  whats: readonly string[],
  options: Omit<DownloadOptions, "what" | "output">,
  observe: EventObserver,
  signal: AbortSignal,
): Promise<SeveralResult> {
  const common = { ...options, output: undefined };
  const port = await DownloadPort.listen(options, takesOffers(common), true, observe);
  const seeds: RunningSeed[] = [];
  const failures: GoshareError[] = [];
  const ends: Promise<void>[] = [];
  let unfinished = whats.length;
  let last: Done | undefined;
  const runOne = async (what: string) => {
    const one = new OneOfSeveral(what, observe);
    try {
      const { seed, isCutShort, ...result } = await downloadAt(
        port,
        { ...common, what },
        one.observe,
        signal,
        (name) => one.named(name),
      );
      const done: Done = { type: "done", ...result };
      if (seed !== undefined) {
        seeds.push(seed);
        ends.push(
          seed.failed.catch((thrown: unknown) => {
            failures.push(one.failed(GoshareError.from(thrown)));
            return seed.close();
          }),
        );
      }
      if (--unfinished === 0) last = done;
      else observe(done);
    } catch (thrown) {
      unfinished--;
      // A download that was told to stop has not failed.
      if (!signal.aborted) failures.push(one.failed(GoshareError.from(thrown)));
    }
  };
  const close = async () => {
    await Promise.all(seeds.map((seed) => seed.close()));
    port.close();
  };
  const waiting = [...whats];
  const lane = async () => {
    for (let what = waiting.shift(); what !== undefined && !signal.aborted; what = waiting.shift())
      await runOne(what);
  };
  await Promise.all(Array.from({ length: MAX_AT_ONCE }, lane));
  if (signal.aborted || seeds.length === 0) await close();
  signal.throwIfAborted();
  return {
    last,
    get failure() {
      return failureOfSeveral(failures, whats.length, "downloads");
    },
    unserved: ends.length === 0 ? undefined : Promise.all(ends).then(() => undefined),
    get bytesSent() {
      return seeds.reduce((sum, seed) => sum + seed.bytesSent, 0);
    },
    close,
  };
}

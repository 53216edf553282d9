// What a download gives to others, from the first verified chunk on: while it runs, and as a seed when it is done.
// Knows neither where chunks come from nor how a download ends.
import type { Bitfield } from "../../core/bitfield.js";
import { pause } from "../../core/clock.js";
import { GoshareError } from "../../core/errors.js";
import type { EventObserver } from "../../events/event.js";
import type { Selection } from "../../manifest/selection.js";
import { finishedFiles } from "../../storage/final/finished-files.js";
import type { SourceFiles } from "../../storage/source/share-source.js";
import type { DownloadSwarm } from "../../swarm/download-swarm.js";
import { ServedDownload } from "../../swarm/uploading/served-download.js";
import { failure } from "../peers/failure.js";
import type { DownloadPresence } from "./download-presence.js";

/** Peers that have just come have not said what they have yet; a wait that ends before this is not reported. */
const MENTIONED_MS = 500;

/** A finished download that is served. */
export interface RunningSeed {
  /** Payload bytes sent so far. */
  readonly bytesSent: number;
  /** Rejects when it can no longer be served. */
  readonly failed: Promise<never>;
  /** Withdraws, says goodbye and stops. */
  close(): Promise<void>;
}

export class ServingDownload {
  readonly share: ServedDownload;
  /** Rejects when it can no longer be served. */
  readonly failed: Promise<never>;
  readonly #swarm: DownloadSwarm;
  readonly #observe: EventObserver;
  readonly #selection: Selection;

  /** `held`: the selection's chunks that can be read from `files` by now; it grows. */
  constructor(
    swarm: DownloadSwarm,
    selection: Selection,
    held: Bitfield,
    files: SourceFiles,
    observe: EventObserver,
  ) {
    this.#swarm = swarm;
    this.#observe = observe;
    this.#selection = selection;
    const { failed, fail } = failure();
    this.failed = failed;
    this.share = new ServedDownload(selection.manifest, held, files, (error) => {
      // The download itself goes on: it may still be able to write.
      if (!held.isFull) observe({ type: "warning", code: error.code, message: error.message, path: "" });
      swarm.stopServing();
      fail(toldToDownloader(error));
    });
  }

  /** The files are now at `targetPath`, and are served from there; for long if `isSeed`. */
  async committed(targetPath: string, isSeed: boolean): Promise<void> {
    this.share.moved({ rootPath: targetPath, identities: undefined });
    // Other programs may change files that are served for long.
    if (isSeed || this.#swarm.hasDependants)
      this.share.moved(await finishedFiles(targetPath, this.#selection));
  }

  /** Resolves when no peer depends on it any more, or `signal` aborts. At once if it lacks something itself: two
   * downloads with different selections would wait for each other in vain. */
  async release(presence: DownloadPresence, signal: AbortSignal): Promise<void> {
    if (!this.#selection.hasAllChunks || !this.#swarm.hasDependants) return;
    presence.announceNow();
    const over = new AbortController();
    const released = Promise.race([this.#swarm.released(signal), this.failed.catch(() => undefined)]);
    const ended = released.finally(() => over.abort());
    await pause(MENTIONED_MS, over.signal);
    if (!over.signal.aborted) {
      const { contentId } = this.share.manifest.root;
      this.#observe({ type: "waiting", contentId, waitingFor: "others", slowReason: "" });
    }
    await ended;
  }

  /** Goes on serving until it is closed. */
  seed(presence: DownloadPresence): RunningSeed {
    const { failed, share } = this;
    const swarm = this.#swarm;
    swarm.seed();
    presence.announceNow();
    return {
      failed,
      get bytesSent() {
        return swarm.bytesSent;
      },
      async close() {
        await Promise.all([presence.close(), swarm.close("finished")]);
        share.close();
      },
    };
  }
}

/** A downloader cannot share the content anew as it was, but can repair it. */
function toldToDownloader(error: GoshareError): GoshareError {
  if (error.code !== "SOURCE_CHANGED") return error;
  const hint = "run the same command again to check whether what is there is what was shared";
  return new GoshareError(error.code, error.message, { hint, cause: error });
}

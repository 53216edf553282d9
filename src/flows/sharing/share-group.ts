// What the shares of one command have together: a port, the threads that hash, and an account of what is shared. Reads
// and serves nothing itself.
import type { ContentId } from "../../core/ids.js";
import type { EventObserver } from "../../events/event.js";
import { takePool } from "../../workers/early-pool.js";
import type { WorkerPool } from "../../workers/worker-pool.js";
import type { AnnouncedShares, AnnouncementOptions } from "./announced-shares.js";
import { SharePort, type SharePortOptions } from "./share-port.js";

export class ShareGroup {
  /** Contents that are, or will be, served. */
  readonly contentIds = new Set<ContentId>();
  readonly #observe: EventObserver;
  #port: SharePort | undefined;
  #pool: WorkerPool | undefined;
  #isComplete = false;

  /** `observe` is told of what is not about one share alone. */
  constructor(observe: EventObserver) {
    this.#observe = observe;
  }

  /** The port, joined once more; the first share opens it, and it stays open for the next, whatever happens to the
   * first. Throws ADDRESS_IN_USE or PERMISSION_DENIED. */
  async join(options: SharePortOptions): Promise<SharePort> {
    this.#port ??= (await SharePort.open(options, this.#observe)).join();
    return this.#port.join();
  }

  /** What trackers are told of the shares at `port`, as the first of them wants it. */
  announced(port: SharePort, options: AnnouncementOptions): AnnouncedShares {
    return port.announced(options, this.#observe);
  }

  /** The threads, started for the first share that is read. */
  get pool(): WorkerPool {
    this.#pool ??= takePool();
    return this.#pool;
  }

  /** All shares have been read: ends the threads, and the port is closed when all shares have left it. */
  async complete(): Promise<void> {
    if (this.#isComplete) return;
    this.#isComplete = true;
    await Promise.all([this.#port?.leave(), this.#endThreads()]);
  }

  /** Ends what is left, whoever uses it. */
  async close(): Promise<void> {
    await Promise.all([this.#port?.close(), this.#endThreads()]);
  }

  async #endThreads(): Promise<void> {
    const pool = this.#pool;
    this.#pool = undefined;
    await pool?.close();
  }
}

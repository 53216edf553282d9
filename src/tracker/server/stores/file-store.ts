// The memory of one tracker process, which outlives it: leases in a snapshot every half minute and at the end, roots
// and the secret of lease tokens in files as they come. If the disk fails, this is lost with a restart, but no call
// fails.
import { rename } from "node:fs/promises";
import path from "node:path";
import type { Clock } from "../../../core/clock.js";
import { type ErrorCode, GoshareError, isErrno } from "../../../core/errors.js";
import type { ContentId } from "../../../core/ids.js";
import { removeUnfinished } from "../../../storage/files/replace-file.js";
import { Lock, WATCHED_LOCK_MS } from "../../../storage/part/lock.js";
import { makeFolders } from "../../../storage/part/part-files.js";
import { MAX_LEASE_MS } from "../../limits.js";
import type { StoreLimits } from "../store.js";
import { RootFiles } from "./file/root-files.js";
import { secretIn } from "./file/secret.js";
import { readSnapshot, SnapshotError, writeSnapshot } from "./file/snapshot.js";
import { MemoryStore } from "./memory-store.js";

/** Less than half a minute, so that no more than that is lost, the time for writing included. */
const SNAPSHOT_INTERVAL_MS = 25_000;

const FILE_NAMES = { lock: "lock", leases: "leases", secret: "secret", manifests: "manifests" } as const;
/** Added to the name of a snapshot that could not be read. */
const ASIDE = ".unreadable";

/** Told of failures that do not stop the tracker. */
export type StoreWarning = (code: ErrorCode, message: string, path: string) => void;

/** The settings of a store in files. */
export interface FileStoreSetting {
  readonly directory: string;
  readonly limits: StoreLimits;
  readonly clock: Clock;
  readonly warn: StoreWarning;
  readonly random?: () => number;
  /** Ends the wait for a lock whose holder may be gone. */
  readonly signal?: AbortSignal | undefined;
}

export class FileStore extends MemoryStore {
  readonly #directory: string;
  readonly #warn: StoreWarning;
  readonly #lock: Lock;
  readonly #roots: RootFiles;
  /** Roots found at the start on which no peer had a lease: a peer that has the share is yet to announce it. */
  readonly #unclaimed = new Set<ContentId>();
  readonly #openedMs: number;
  #snapshotMs: number;
  #writing: Promise<void> | undefined;
  #hasFailed = false;
  /** Whether another process has the folder now. */
  #isLost = false;
  /** Whether there are no leases in the snapshot, or no snapshot. */
  #isSnapshotEmpty = true;

  private constructor(setting: FileStoreSetting, lock: Lock, secret: Uint8Array, roots: RootFiles) {
    super(setting.limits, setting.clock, setting.random, { roots, secret });
    this.#directory = setting.directory;
    this.#warn = setting.warn;
    this.#lock = lock;
    this.#roots = roots;
    this.#openedMs = setting.clock.nowMs();
    this.#snapshotMs = this.#openedMs;
  }

  /** Opens the store in a folder, which it makes if there is none. Throws STORE_BUSY if another process has it open, or
   * a disk error. */
  static async open(setting: FileStoreSetting): Promise<FileStore> {
    const { directory, warn, signal } = setting;
    makeFolders(directory, 0o700);
    const lockPath = path.join(directory, FILE_NAMES.lock);
    // After a power cut a tracker starts with its machine, and must not give up on a lock that nobody holds.
    const lock = await Lock.acquire(lockPath, storeBusy(directory), {
      ...{ watchMs: WATCHED_LOCK_MS, signal },
      watching: (message) => warn("STORE_BUSY", message, directory),
    });
    try {
      await removeUnfinished(directory);
      const secretPath = path.join(directory, FILE_NAMES.secret);
      const secret = await secretIn(secretPath, () =>
        warn("DISK_FAILED", "the secret for lease tokens was damaged, and a new one was made", secretPath),
      );
      const rootsPath = path.join(directory, FILE_NAMES.manifests);
      const roots = new RootFiles(rootsPath, {
        mayWrite: () => store.#isOwn(),
        failed: (thrown) => store.#warnOnce(thrown, rootsPath),
      });
      const store = new FileStore(setting, lock, secret, roots);
      await store.#restoreLeases();
      await store.#adoptRoots();
      return store;
    } catch (thrown) {
      lock.release();
      throw thrown;
    }
  }

  async #restoreLeases(): Promise<void> {
    const filePath = this.#snapshotPath;
    try {
      await readSnapshot(filePath, this.leases, this.clock);
      this.#isSnapshotEmpty = false;
    } catch (thrown) {
      if (isErrno(thrown, "ENOENT")) return;
      const { code, message } = errorOfSnapshot(thrown);
      await rename(filePath, filePath + ASIDE);
      const effect = `they are kept as ${path.basename(filePath)}${ASIDE}, and peers announce theirs again`;
      this.#warn(code, `the leases of the last run cannot be read: ${message}; ${effect}`, filePath);
    }
  }

  async #adoptRoots(): Promise<void> {
    for (const { contentId, bytes } of await this.#roots.list()) {
      if (this.manifests.adopt(contentId, bytes) === undefined) this.#roots.remove(contentId);
      else if (!this.leases.hasSwarm(contentId)) this.#unclaimed.add(contentId);
    }
  }

  override async expire(): Promise<void> {
    await super.expire();
    const nowMs = this.clock.nowMs();
    if (nowMs - this.#openedMs >= MAX_LEASE_MS) this.#dropUnclaimed();
    if (nowMs - this.#snapshotMs >= SNAPSHOT_INTERVAL_MS) await this.#snapshot();
  }

  #dropUnclaimed(): void {
    for (const contentId of this.#unclaimed) {
      if (!this.leases.hasSwarm(contentId)) this.manifests.drop(contentId);
    }
    this.#unclaimed.clear();
  }

  /** Writes all leases, after a snapshot that is already being written. Never rejects. */
  #snapshot(): Promise<void> {
    this.#writing ??= this.#writeSnapshot().finally(() => {
      this.#writing = undefined;
    });
    return this.#writing;
  }

  async #writeSnapshot(): Promise<void> {
    this.#snapshotMs = this.clock.nowMs();
    const filePath = this.#snapshotPath;
    // An idle tracker lets the disk sleep.
    const isEmpty = this.leases.leaseCount === 0;
    if (isEmpty && this.#isSnapshotEmpty) return;
    if (!(await this.#isOwn())) return;
    try {
      await writeSnapshot(filePath, this.leases, this.clock);
      this.#isSnapshotEmpty = isEmpty;
      this.#hasFailed = false;
    } catch (thrown) {
      this.#warnOnce(thrown, filePath);
    }
  }

  /** Whether the folder is still this process's own: another tracker, which cannot see this one, takes it if this one
   * is stopped for longer than the lock is watched. It stays lost, with one warning. */
  async #isOwn(): Promise<boolean> {
    const isTaken = this.#isLost || (await this.#lock.isTaken());
    // Others may have looked at the same time.
    if (isTaken && !this.#isLost) {
      this.#isLost = true;
      const message = "another tracker has taken this folder while this one was stopped";
      const effect = "this one continues in memory; what it knows is lost when it ends";
      this.#warn("STORE_BUSY", `${message}; ${effect}`, this.#directory);
    }
    return !isTaken;
  }

  /** Warns once of what the disk does not do, until a snapshot succeeds again. */
  #warnOnce(thrown: unknown, where: string): void {
    if (this.#hasFailed) return;
    this.#hasFailed = true;
    const { code, message } = GoshareError.from(thrown);
    const effect =
      "the tracker continues in memory and keeps trying; what it cannot write is lost when it ends";
    this.#warn(code, `${message}; ${effect}`, where);
  }

  override async close(): Promise<void> {
    // What is already running ends first.
    await super.expire();
    await this.#writing;
    await this.#snapshot();
    await this.#roots.settled();
    this.#lock.release();
  }

  get #snapshotPath(): string {
    return path.join(this.#directory, FILE_NAMES.leases);
  }
}

function errorOfSnapshot(thrown: unknown): GoshareError {
  return thrown instanceof SnapshotError
    ? new GoshareError("DISK_FAILED", thrown.message, { cause: thrown })
    : GoshareError.from(thrown);
}

function storeBusy(directory: string): (holder: string) => GoshareError {
  return (holder) =>
    new GoshareError("STORE_BUSY", `${holder} is a tracker that keeps its state in ${directory}`, {
      hint: "stop it, or name another folder with --store file:DIR, or --store memory to keep nothing",
    });
}

// A lock file that keeps two processes off one folder, and that a dead process loses. It names its holder, so that a
// later process on the same machine sees at once whether that is gone; elsewhere (a shared disk, another container) a
// holder counts as gone when it has not touched its lock for a while.
import { randomUUID } from "node:crypto";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { GoshareError, isErrno, NO_LINKS_ERRNOS } from "../../core/errors.js";
import { formatDuration } from "../../core/units.js";
import { SOURCE_OPEN_FLAGS } from "../files/file-identity.js";
import { makeOwnFolder, readAtMost, removeIfEmpty, removeTree } from "./part-files.js";
import { PART_NAMES, type PartPaths } from "./part-paths.js";

interface Holder {
  readonly token: string;
  readonly pid: number;
  /** Distinguishes a process from a later one with the same pid; empty if the system does not say. */
  readonly started: string;
  /** Boot and pid namespace: `pid` means something only in these. */
  readonly place: string;
}

/** How often a holder touches its lock. */
const LOCK_TOUCH_MS = 15_000;
const STALE_MS = 60_000;
/** Within this a holder that is there has touched its lock. */
export const WATCHED_LOCK_MS = 2 * LOCK_TOUCH_MS;
/** A process that was just killed takes a moment to go; one that is alive keeps the lock longer than this. */
const PATIENCE_MS = 1_000;
const ATTEMPT_MS = 50;
/** A lock is a line of JSON. */
const MAX_LOCK_BYTES = 4096;
const PART_MODE = 0o700;
const MAX_LOCK_ATTEMPTS = 3;
const MAX_PID = 2 ** 31 - 1;

/** Never through a link. */
const LOOK_FLAGS = SOURCE_OPEN_FLAGS | fs.constants.O_NOFOLLOW;

/** How long a holder that cannot be seen from here is waited for. */
export interface LockWait {
  /** 0 or undefined: not at all. */
  readonly watchMs?: number;
  /** Where that is 0, if the lock was touched at a time that is still to come. */
  readonly aheadMs?: number;
  /** Ends the wait. */
  readonly signal?: AbortSignal | undefined;
  /** Told once, as soon as somebody is waited for. */
  readonly watching?: ((message: string) => void) | undefined;
}

export class Lock {
  #path: string;
  readonly #token: string;
  /** The lock file, wherever it is by now; undefined if something else took its place first. */
  readonly #fd: number | undefined;
  readonly #touch: NodeJS.Timeout;
  #isReleased = false;

  private constructor(path: string, token: string) {
    this.#path = path;
    this.#token = token;
    // Opened by the name it keeps: on NFS an open file stays in its folder under another name when its name goes.
    this.#fd = openLock(path);
    this.#touch = setInterval(() => this.#touchOwn(), LOCK_TOUCH_MS).unref();
  }

  /** Another's lock is not touched: if its holder is dead, it must not seem to be alive. The lock is written anew, and
   * closed: so its time comes from the clock of the machine whose disk it is on, NFS and SMB included, which others
   * compare it with. Never rejects. */
  async #touchOwn(): Promise<void> {
    try {
      await withOpenLock(this.#path, LOOK_FLAGS | fs.constants.O_RDWR, async (holder, file, written) => {
        // The bytes that are there already: a crash in the middle cannot tear it.
        if (holder?.token === this.#token)
          await file.write(written, 0, written.length, 0).catch(() => touchByOwnClock(file));
      });
    } catch {
      // It is gone, torn, or cannot be reached: then others may take it.
    }
  }

  /** Takes the lock at `path`, or throws the error that `inUse` makes for its holder, such as "process 4711". A holder
   * that cannot be seen from here, because the machine was restarted or it runs in another container, is waited for as
   * `wait` says. It counts as gone if it has not touched its lock meanwhile, whatever the clock says. Throws the reason
   * of the signal if that ends the wait. */
  static async acquire(
    path: string,
    inUse: (holder: string) => GoshareError,
    wait: LockWait = {},
  ): Promise<Lock> {
    const { watchMs = 0, aheadMs = WATCHED_LOCK_MS, signal } = wait;
    const own: Holder = {
      token: randomUUID(),
      pid: process.pid,
      started: startOf(process.pid),
      place: thisPlace(),
    };
    const firstTouchMs = touchedMs(path);
    let watchedMs = watchMs;
    let { watching } = wait;
    for (let waitedMs = 0; ; waitedMs += ATTEMPT_MS) {
      const diskMs = makeLock(path, own);
      if (diskMs === undefined) return new Lock(path, own.token);
      if (waitedMs === 0 && watchMs === 0 && isAhead(firstTouchMs, diskMs)) watchedMs = aheadMs;
      const holder = readHolder(path);
      const isElsewhere = typeof holder === "object" && holder.place !== own.place;
      const isUntouched =
        isElsewhere && watchedMs > 0 && waitedMs >= watchedMs && touchedMs(path) === firstTouchMs;
      if (
        holder !== "gone" &&
        (holder === undefined || isUntouched || lifeOf(holder, path, diskMs) === "dead")
      )
        takeAway(path, holder?.token);
      else if (isElsewhere && watchedMs > 0) {
        watching?.(watchedText(holder, watchedMs));
        watching = undefined;
      }
      if (waitedMs >= PATIENCE_MS + (isElsewhere ? watchedMs : 0)) {
        const isUnknown = holder === "gone" || holder === undefined;
        throw inUse(isUnknown ? "another process" : `process ${holder.pid}`);
      }
      if (holder !== "gone") await delay(ATTEMPT_MS);
      signal?.throwIfAborted();
    }
  }

  get path(): string {
    return this.#path;
  }

  /** The folder of the lock has another name now. */
  moved(path: string): void {
    this.#path = path;
  }

  /** Whether the lock at this path is now another holder's; false if there is none, or if that cannot be told. */
  get isTakenNow(): boolean {
    const holder = readHolder(this.#path);
    return holder !== "gone" && isOther(holder, this.#token);
  }

  /** The same, without stopping the event loop if a disk does not answer. */
  async isTaken(): Promise<boolean> {
    try {
      return await withOpenLock(this.#path, LOOK_FLAGS, (holder) => isOther(holder, this.#token));
    } catch {
      return false;
    }
  }

  release(): void {
    if (this.#isReleased) return;
    this.#isReleased = true;
    clearInterval(this.#touch);
    const holder = readHolder(this.#path);
    const isInPlace = holder !== "gone" && holder?.token === this.#token;
    if (this.#fd !== undefined) {
      try {
        // Its folder may have been moved: emptied, the lock names no holder, and so is nobody's.
        if (!isInPlace && tokenIn(this.#fd) === this.#token) fs.ftruncateSync(this.#fd);
      } finally {
        fs.closeSync(this.#fd);
      }
    }
    if (isInPlace) fs.rmSync(this.#path, { force: true });
  }
}

/** The error that says that another process downloads to `target` already. */
export function targetBusy(target: string): (holder: string) => GoshareError {
  return (holder) =>
    new GoshareError("TARGET_BUSY", `${holder} is already downloading to ${target}`, {
      hint: "wait for it or stop it, or choose another folder with --output",
    });
}

/** Makes the part folder and takes its lock. Throws the error of `inUse` for its holder, PART_UNUSABLE or a disk
 * error. */
export async function lockPart(
  paths: PartPaths,
  wait: LockWait = {},
  inUse = targetBusy(paths.target),
): Promise<Lock> {
  for (let attempt = 1; ; attempt++) {
    try {
      makeOwnFolder(paths.part, PART_MODE);
      return await Lock.acquire(path.join(paths.part, PART_NAMES.lock), inUse, wait);
    } catch (thrown) {
      if (isErrno(thrown, "ENOSPC", "EDQUOT")) removeIfEmpty(paths.part);
      // The process that held the lock may have had nothing worth keeping, and removed the folder.
      if (!isErrno(thrown, "ENOENT") || attempt === MAX_LOCK_ATTEMPTS) throw thrown;
    }
  }
}

/** The pid of the living process that holds the lock at `path`; undefined if none is known to. Changes nothing, reads
 * no more of a lock than goshare writes, and throws PART_UNUSABLE if something else is there. */
export function livingHolder(path: string): number | undefined {
  const bytes = readAtMost(path, MAX_LOCK_BYTES);
  if (bytes === undefined) return undefined;
  let holder: Holder | undefined;
  try {
    holder = holderIn(bytes.toString("utf8"));
  } catch {
    return undefined;
  }
  if (holder === undefined || !Number.isInteger(holder.pid)) return undefined;
  const isPid = holder.pid > 0 && holder.pid <= MAX_PID;
  // Nothing is written here, so only this machine's clock is known.
  return isPid && lifeOf(holder, path, Date.now()) === "alive" ? holder.pid : undefined;
}

/** Makes the lock with its holder in it. If there is one, returns what time it is by the clock of the machine whose disk
 * it is on, in Unix milliseconds. A lock is never seen empty: that would look like one torn by a crash. */
function makeLock(path: string, own: Holder): number | undefined {
  const written = `${path}.${own.token}`;
  const content = JSON.stringify(own);
  let diskMs = Date.now();
  try {
    fs.writeFileSync(written, content, { flag: "wx", mode: 0o600 });
    diskMs = fs.statSync(written).mtimeMs;
    try {
      fs.linkSync(written, path);
    } catch (thrown) {
      if (!isErrno(thrown, ...NO_LINKS_ERRNOS)) throw thrown;
      fs.writeFileSync(path, content, { flag: "wx", mode: 0o600 });
    }
    return undefined;
  } catch (thrown) {
    if (isErrno(thrown, "EEXIST")) return diskMs;
    throw thrown;
  } finally {
    fs.rmSync(written, { force: true });
  }
}

/** Opens the lock at `path` and shows `use` who holds it, and what is written in it. Rejects if it cannot be read. */
async function withOpenLock<T>(
  path: string,
  flags: number,
  use: (holder: Holder | undefined, file: fs.promises.FileHandle, written: Buffer) => T | Promise<T>,
): Promise<T> {
  const file = await fs.promises.open(path, flags);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(MAX_LOCK_BYTES), 0, MAX_LOCK_BYTES, 0);
    const written = buffer.subarray(0, bytesRead);
    return await use(holderIn(written.toString("utf8")), file, written);
  } finally {
    await file.close();
  }
}

/** On a disk that is full to the last byte, of a kind that writes nothing in place. */
async function touchByOwnClock(file: fs.promises.FileHandle): Promise<void> {
  const now = new Date();
  await file.utimes(now, now);
}

function openLock(path: string): number | undefined {
  try {
    return fs.openSync(path, LOOK_FLAGS | fs.constants.O_RDWR);
  } catch {
    return undefined;
  }
}

/** The holder written in the lock; undefined if it is unreadable (torn by a crash), or is no lock at all. */
function readHolder(path: string): Holder | "gone" | undefined {
  try {
    const bytes = readAtMost(path, MAX_LOCK_BYTES);
    return bytes === undefined ? "gone" : holderIn(bytes.toString("utf8"));
  } catch (thrown) {
    return isErrno(thrown, "ENOENT") ? "gone" : undefined;
  }
}

/** The token of the holder that is written in an open lock; undefined if that is unreadable. */
function tokenIn(fd: number): string | undefined {
  const bytes = Buffer.alloc(MAX_LOCK_BYTES);
  try {
    return holderIn(bytes.toString("utf8", 0, fs.readSync(fd, bytes, 0, bytes.length, 0)))?.token;
  } catch {
    return undefined;
  }
}

/** Whether that is a holder other than the one with `token`. */
function isOther(holder: Holder | undefined, token: string): boolean {
  return holder !== undefined && holder.token !== "" && holder.token !== token;
}

/** Throws a SyntaxError if `text` is no JSON. */
function holderIn(text: string): Holder | undefined {
  const parsed: unknown = JSON.parse(text);
  if (typeof parsed !== "object" || parsed === null) return undefined;
  const { token, pid, started, place } = { token: "", pid: 0, started: "", place: "", ...parsed };
  return { token: String(token), pid: Number(pid), started: String(started), place: String(place) };
}

/** Unknown if only watching the lock can tell. `nowMs`: by the clock that touches of the lock are dated by. */
function lifeOf(holder: Holder, path: string, nowMs: number): "alive" | "dead" | "unknown" {
  if (holder.place !== thisPlace()) {
    const touchMs = touchedMs(path);
    if (isAhead(touchMs, nowMs)) return "unknown";
    return nowMs - touchMs < STALE_MS ? "alive" : "dead";
  }
  if (holder.pid === process.pid && holder.started === startOf(process.pid)) return "alive";
  try {
    process.kill(holder.pid, 0);
  } catch (thrown) {
    if (isErrno(thrown, "ESRCH")) return "dead";
  }
  return startOf(holder.pid) === holder.started ? "alive" : "dead";
}

function watchedText({ pid }: Holder, watchedMs: number): string {
  const sign = `waiting up to ${formatDuration(watchedMs)} for a sign of it`;
  return `process ${pid}, of another machine or from before a restart, may still be at work here; ${sign}`;
}

/** A clock was set back since, so that this does not get old before it has caught up. */
function isAhead(touchMs: number, nowMs: number): boolean {
  return touchMs - nowMs > STALE_MS;
}

function touchedMs(path: string): number {
  return fs.statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

/** Removes a dead process's lock, unless another process has put its own there meanwhile. */
function takeAway(path: string, deadToken: string | undefined): void {
  const aside = `${path}.${randomUUID()}`;
  try {
    fs.renameSync(path, aside);
  } catch (thrown) {
    if (isErrno(thrown, "ENOENT")) return;
    throw thrown;
  }
  const taken = readHolder(aside);
  if (taken !== "gone" && taken !== undefined && taken.token !== deadToken) {
    try {
      fs.linkSync(aside, path);
    } catch {
      // Another process was quicker still: its lock stays, and the one set aside was not needed.
    }
  }
  // Whatever it was: a folder at this path is no lock either.
  removeTree(aside);
}

/** When a process started, in ticks since boot; empty if /proc does not say, "dead" for one that only waits to be
 * reaped. */
function startOf(pid: number): string {
  try {
    const stat = fs.readFileSync(`/proc/${pid}/stat`, "utf8");
    // The name in parentheses may hold anything; the state is the first field after it, the start the 20th.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return fields[0] === "Z" || fields[0] === "X" ? "dead" : (fields[19] ?? "");
  } catch {
    return "";
  }
}

function thisPlace(): string {
  try {
    const boot = fs.readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
    return `${boot} ${fs.readlinkSync("/proc/self/ns/pid")}`;
  } catch {
    return os.hostname();
  }
}

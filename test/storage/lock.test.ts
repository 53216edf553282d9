import { type ChildProcess, spawn } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { GoshareError } from "../../src/core/errors.js";
import { Lock, livingHolder, targetBusy } from "../../src/storage/part/lock.js";
import { errorOf, noStrace, scratchFolders, testUnless } from "./scratch.js";

const CHILD = fileURLToPath(new URL("lock-child.js", import.meta.url));
const noProc = fs.existsSync("/proc/self/stat") ? undefined : "there is no /proc";

const scratch = scratchFolders("lock");
const newPath = () => path.join(scratch(), "lock");
const acquire = (lockPath: string) => Lock.acquire(lockPath, targetBusy("the target"));

interface Holder {
  /** What the child said first: "held by PID", or the code of its error. */
  readonly said: string;
  /** Sends the signal; resolves when the child is gone. */
  end(signal: NodeJS.Signals): Promise<void>;
}

const children = new Set<ChildProcess>();
test.after(() => {
  for (const child of children) child.kill("SIGKILL");
});

/** Runs the child that takes the lock, behind `wrapper` if one is given. */
async function holder(lockPath: string, ...wrapper: readonly string[]): Promise<Holder> {
  const [command = "", ...args] = [...wrapper, process.execPath, CHILD, lockPath];
  const child = spawn(command, args, { stdio: ["ignore", "pipe", "inherit"] });
  children.add(child);
  const exited = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const said = await new Promise<string>((resolve) => {
    createInterface({ input: child.stdout })
      .once("line", resolve)
      .once("close", () => resolve("nothing"));
  });
  return {
    said,
    end: (signal) => {
      // A tracer between the two must not be what the signal ends.
      if (wrapper.includes("strace")) process.kill(Number(said.replace(/\D/g, "")), signal);
      else child.kill(signal);
      return exited;
    },
  };
}

const heldLock = (lockPath: string) => fs.existsSync(lockPath) && fs.readFileSync(lockPath, "utf8");

/** A lock of another place, just touched, with this as its pid. */
const pidLock = (pid: number) => JSON.stringify({ token: "x", pid, started: "", place: "another machine" });

test("a lock is held by one process, which the others name, and after it by another", async () => {
  const lockPath = newPath();
  const first = await holder(lockPath);
  assert.match(first.said, /^held by \d+$/);
  const error = await errorOf(() => acquire(lockPath));
  assert.is(error.code, "TARGET_BUSY");
  assert.match(
    error.message,
    `process ${first.said.slice("held by ".length)} is already downloading to the target`,
  );
  assert.ok(error.hint);
  await first.end("SIGTERM");
  assert.equal(fs.readdirSync(path.dirname(lockPath)), []);
  const lock = await acquire(lockPath);
  assert.is((await holder(lockPath)).said, "TARGET_BUSY");
  lock.release();
});

test("a process cannot take a lock twice", async () => {
  const lockPath = newPath();
  const lock = await acquire(lockPath);
  assert.is((await errorOf(() => acquire(lockPath))).code, "TARGET_BUSY");
  lock.release();
  (await acquire(lockPath)).release();
});

test("a lock that was moved with its folder is released all the same", async () => {
  const lockPath = newPath();
  const lock = await acquire(lockPath);
  const moved = `${path.dirname(lockPath)}-moved`;
  fs.renameSync(path.dirname(lockPath), moved);
  const there = path.join(moved, path.basename(lockPath));
  assert.is((await errorOf(() => acquire(there))).code, "TARGET_BUSY");
  lock.release();
  lock.release();
  assert.is(livingHolder(there), undefined);
  (await acquire(there)).release();
});

test("a process that was killed loses its lock at once", async () => {
  const lockPath = newPath();
  const first = await holder(lockPath);
  await first.end("SIGKILL");
  assert.ok(heldLock(lockPath));
  (await acquire(lockPath)).release();
  assert.equal(fs.readdirSync(path.dirname(lockPath)), []);
});

testUnless(noProc, "a process that is dead and not yet reaped loses its lock too", async () => {
  const lockPath = newPath();
  // The shell becomes a process that never waits for its child.
  const parent = await holder(lockPath, "/bin/sh", "-c", '"$0" "$@" & exec sleep 600');
  const pid = Number(parent.said.slice("held by ".length));
  process.kill(pid, "SIGKILL");
  const lock = await acquire(lockPath);
  assert.match(fs.readFileSync(`/proc/${pid}/stat`, "utf8"), /\) Z /);
  lock.release();
  await parent.end("SIGKILL");
});

testUnless(noProc, "a lock of a process whose number another one has by now counts for nothing", async () => {
  const lockPath = newPath();
  (await acquire(lockPath)).release();
  const lock = await acquire(lockPath);
  const own: unknown = JSON.parse(fs.readFileSync(lockPath, "utf8"));
  lock.release();
  assert.type(own, "object");
  const earlier = { ...Object(own), token: "earlier", pid: process.ppid, started: "1" };
  fs.writeFileSync(lockPath, JSON.stringify(earlier));
  (await acquire(lockPath)).release();
  assert.not.ok(fs.existsSync(lockPath));
});

test("a folder in the place of a lock counts for nothing, and is gone then", async () => {
  const lockPath = newPath();
  fs.mkdirSync(path.join(lockPath, "below"), { recursive: true });
  const lock = await acquire(lockPath);
  assert.is(livingHolder(lockPath), process.pid);
  lock.release();
  assert.equal(fs.readdirSync(path.dirname(lockPath)), []);
});

test("a lock that a crash has torn counts for nothing", async () => {
  const torn = [
    "",
    "{",
    "null",
    "[]",
    '"lock"',
    "17",
    '{"token":"x"}',
    '{"pid":"x"}',
    "\0\0\0\0",
    "\xff\xfe",
  ];
  for (const content of torn) {
    const lockPath = newPath();
    fs.writeFileSync(lockPath, content, "latin1");
    if (content.startsWith("[") || content.includes("token") || /^["1{].+/.test(content)) {
      // Readable: it says nothing of a place, so it counts by its age.
      fs.utimesSync(lockPath, 1, 1);
    }
    const lock = await acquire(lockPath);
    assert.match(fs.readFileSync(lockPath, "utf8"), `"pid":${process.pid},`);
    lock.release();
    assert.equal(fs.readdirSync(path.dirname(lockPath)), [], content);
  }
});

test("a lock of another place counts while it is touched", async () => {
  const lockPath = newPath();
  const other = { token: "other", pid: 1, started: "1", place: "another machine" };
  fs.writeFileSync(lockPath, JSON.stringify(other));
  const error = await errorOf(() => acquire(lockPath));
  assert.is(error.code, "TARGET_BUSY");
  assert.is(fs.readFileSync(lockPath, "utf8"), JSON.stringify(other));
  const twoMinutesAgo = Date.now() / 1000 - 120;
  fs.utimesSync(lockPath, twoMinutesAgo, twoMinutesAgo);
  (await acquire(lockPath)).release();
});

test("what is waited for is said at once, and nothing where nobody is", async () => {
  const lockPath = newPath();
  const said: string[] = [];
  const stop = new AbortController();
  const watching = (message: string) => {
    said.push(message);
    stop.abort(new GoshareError("INTERRUPTED", "enough"));
  };
  const wait = { watchMs: 30_000, signal: stop.signal, watching };
  (await Lock.acquire(lockPath, targetBusy("the target"), wait)).release();
  fs.writeFileSync(lockPath, pidLock(1));
  fs.utimesSync(lockPath, 1, 1);
  (await Lock.acquire(lockPath, targetBusy("the target"), wait)).release();
  assert.equal(said, []);
  fs.writeFileSync(lockPath, pidLock(1));
  const error = await errorOf(() => Lock.acquire(lockPath, targetBusy("the target"), wait));
  assert.is(error.code, "INTERRUPTED");
  assert.match(said.join(), "waiting up to 30 s for a sign of it");
});

test("whoever waits for somebody who cannot be seen can be told to stop", async () => {
  const lockPath = newPath();
  fs.writeFileSync(lockPath, JSON.stringify({ token: "other", pid: 1, started: "1", place: "another boot" }));
  const stop = new AbortController();
  const waiting = errorOf(() =>
    Lock.acquire(lockPath, targetBusy("the target"), { watchMs: 600_000, signal: stop.signal }),
  );
  stop.abort(new GoshareError("INTERRUPTED", "enough"));
  assert.is((await waiting).code, "INTERRUPTED");
});

test("whoever cannot be seen may be watched: a lock that is not touched meanwhile is nobody's, one that is stays", async () => {
  const lockPath = newPath();
  fs.writeFileSync(lockPath, JSON.stringify({ token: "other", pid: 1, started: "1", place: "another boot" }));
  // The machine's clock went back by a day since.
  const tomorrow = Date.now() / 1000 + 24 * 3600;
  fs.utimesSync(lockPath, tomorrow, tomorrow);
  let touches = 0;
  const touch = setInterval(() => fs.utimesSync(lockPath, tomorrow, tomorrow + ++touches), 20);
  const said: string[] = [];
  const watched = (watching?: (message: string) => void) =>
    Lock.acquire(lockPath, targetBusy("the target"), { watchMs: 200, watching });
  const error = await errorOf(() => watched((message) => said.push(message)));
  clearInterval(touch);
  assert.is(error.code, "TARGET_BUSY");
  assert.equal(said, [
    "process 1, of another machine or from before a restart, may still be at work here; waiting up to 200 ms for a sign of it",
  ]);
  (await watched()).release();
});

test("a lock touched at a time that is still to come, since a clock was set back, is watched by whoever wants it", async () => {
  const lockPath = newPath();
  fs.writeFileSync(lockPath, pidLock(1));
  const tomorrow = Date.now() / 1000 + 24 * 3600;
  fs.utimesSync(lockPath, tomorrow, tomorrow);
  assert.is(livingHolder(lockPath), undefined);
  const watching = () => Lock.acquire(lockPath, targetBusy("the target"), { aheadMs: 200 });
  let touches = 0;
  const touch = setInterval(() => fs.utimesSync(lockPath, tomorrow, tomorrow + ++touches), 20);
  const error = await errorOf(watching);
  clearInterval(touch);
  assert.is(error.code, "TARGET_BUSY");
  (await watching()).release();
});

/** Takes a lock with a touch that is called by hand. */
async function handTouched(lockPath: string) {
  const realSetInterval = globalThis.setInterval;
  let touch: () => unknown = () => assert.unreachable("no interval");
  let everyMs = 0;
  Object.assign(globalThis, {
    setInterval: (run: () => unknown, ms: number) => {
      touch = run;
      everyMs = ms;
      return realSetInterval(() => undefined, 2 ** 30);
    },
  });
  const lock = await acquire(lockPath).finally(() => {
    globalThis.setInterval = realSetInterval;
  });
  return { lock, touch, everyMs };
}

test("a lock that is held is touched again and again, until it is released", async () => {
  const lockPath = newPath();
  const { lock, touch, everyMs } = await handTouched(lockPath);
  assert.ok(everyMs > 0 && everyMs <= 20_000, "often enough for others to see");
  fs.utimesSync(lockPath, 1, 1);
  await touch();
  assert.ok(Math.abs(fs.statSync(lockPath).mtimeMs - Date.now()) < 60_000);
  lock.release();
});

/** Runs `task` as if this machine's clock were off by so much. */
async function withClockOff<T>(ms: number, task: () => Promise<T>): Promise<T> {
  const RealDate = globalThis.Date;
  class OffDate extends RealDate {
    constructor() {
      super(RealDate.now() + ms);
    }
    static override now(): number {
      return RealDate.now() + ms;
    }
  }
  Object.assign(globalThis, { Date: OffDate });
  try {
    return await task();
  } finally {
    globalThis.Date = RealDate;
  }
}

test("a holder whose clock is wrong, or whose rival's is, keeps a lock that it touches", async () => {
  const lockPath = newPath();
  const { lock, touch } = await handTouched(lockPath);
  fs.writeFileSync(
    lockPath,
    fs.readFileSync(lockPath, "utf8").replace(/"place":".*"/, '"place":"elsewhere"'),
  );
  for (const offMs of [-3_600_000, 3_600_000]) {
    fs.utimesSync(lockPath, 1, 1);
    await withClockOff(offMs, async () => touch());
    assert.ok(Math.abs(fs.statSync(lockPath).mtimeMs - Date.now()) < 60_000, "by the disk's clock");
    const error = await withClockOff(offMs, () => errorOf(() => acquire(lockPath)));
    assert.is(error.code, "TARGET_BUSY");
  }
  fs.utimesSync(lockPath, 1, 1);
  (await withClockOff(-86_400_000 * 365 * 70, () => acquire(lockPath))).release();
  lock.release();
});

test("a lock that another process has taken meanwhile is not touched for it", async () => {
  const lockPath = newPath();
  const { lock, touch } = await handTouched(lockPath);
  fs.writeFileSync(lockPath, pidLock(1));
  fs.utimesSync(lockPath, 1, 1);
  await touch();
  assert.is(fs.statSync(lockPath).mtimeMs, 1000);
  lock.release();
});

test("who holds a lock can be asked without touching it", async () => {
  const lockPath = newPath();
  assert.is(livingHolder(lockPath), undefined);
  const first = await holder(lockPath);
  assert.is(livingHolder(lockPath), Number(first.said.slice("held by ".length)));
  await first.end("SIGKILL");
  const left = heldLock(lockPath);
  assert.is(livingHolder(lockPath), undefined);
  assert.is(heldLock(lockPath), left);

  const other = { token: "other", pid: 1, started: "1", place: "another machine" };
  fs.writeFileSync(lockPath, JSON.stringify(other));
  assert.is(livingHolder(lockPath), 1);
  fs.utimesSync(lockPath, 1, 1);
  assert.is(livingHolder(lockPath), undefined);
  for (const content of ["", "{", "null", "[]", "17", '{"pid":"x"}', ...[-1, 0, 1.5, 2 ** 40].map(pidLock)]) {
    fs.writeFileSync(lockPath, content);
    assert.is(livingHolder(lockPath), undefined, content);
  }
});

test("a release removes nothing but one's own lock", async () => {
  const lockPath = newPath();
  const lock = await acquire(lockPath);
  const other = JSON.stringify({ token: "other", pid: 1, started: "1", place: "another machine" });
  fs.writeFileSync(lockPath, other);
  lock.release();
  assert.is(heldLock(lockPath), other);

  const removed = newPath();
  const second = await acquire(removed);
  fs.rmSync(removed);
  second.release();
  const torn = newPath();
  const third = await acquire(torn);
  fs.writeFileSync(torn, "");
  third.release();
  assert.is(heldLock(torn), "");
});

test("others may not read a lock, and a link in its place is no lock, and not written through", async () => {
  const lockPath = newPath();
  const lock = await acquire(lockPath);
  assert.is(fs.statSync(lockPath).mode & 0o777, 0o600);
  lock.release();
  const elsewhere = path.join(scratch(), "elsewhere");
  fs.symlinkSync(elsewhere, lockPath);
  const again = await acquire(lockPath);
  assert.ok(fs.lstatSync(lockPath).isFile());
  assert.not.ok(fs.existsSync(elsewhere));
  again.release();
});

test("of many processes that find a dead one's lock exactly one gets it", async () => {
  const lockPath = newPath();
  await (await holder(lockPath)).end("SIGKILL");
  const all = await Promise.all(Array.from({ length: 4 }, () => holder(lockPath)));
  const said = all.map((one) => one.said.replace(/ by \d+/, "")).sort();
  assert.equal(said, ["TARGET_BUSY", "TARGET_BUSY", "TARGET_BUSY", "held"]);
  await Promise.all(all.map((one) => one.end("SIGTERM")));
  assert.equal(fs.readdirSync(path.dirname(lockPath)), []);
});

testUnless(noStrace, "a lock that is just being written is not mistaken for a torn one", async () => {
  const lockPath = newPath();
  const slowly = ["strace", "-f", "-qq", "-o", "/dev/null", "-P", lockPath, "-e", "trace=write,pwrite64"];
  const first = holder(lockPath, ...slowly, "-e", "inject=write,pwrite64:delay_enter=700000");
  while (!fs.existsSync(lockPath)) await new Promise((resolve) => setImmediate(resolve));
  assert.is((await errorOf(() => acquire(lockPath))).code, "TARGET_BUSY");
  assert.match((await first).said, /^held/);
  await (await first).end("SIGTERM");
});

test.run();

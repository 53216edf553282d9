import * as fs from "node:fs";
import * as path from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { packEntries } from "../../src/workers/packed-runs.js";
import type { SyncTask } from "../../src/workers/tasks.js";
import { WorkerPool } from "../../src/workers/worker-pool.js";
import { errorOf, scratchFolders } from "../storage/scratch.js";

const scratch = scratchFolders("pool");
const never = new AbortController().signal;
const pool = new WorkerPool(undefined, 2);
test.after(() => pool.close());

const syncTask = (...paths: readonly string[]): SyncTask => ({
  kind: "sync",
  entries: packEntries(paths.map((path) => ({ path }))),
});

/** `count` tasks that do nothing; `onTask` sees each as it is taken. */
function* tasks(count: number, onTask: (at: number) => void = () => undefined): Iterable<SyncTask> {
  for (let at = 0; at < count; at++) {
    onTask(at);
    yield syncTask();
  }
}

test("all tasks run, each is reported once, and never more at once than is useful", async () => {
  assert.is(pool.concurrency, 4);
  let taken = 0;
  let done = 0;
  let most = 0;
  const onTask = () => {
    most = Math.max(most, ++taken - done);
  };
  const reported = new Set<SyncTask>();
  const onDone = (task: SyncTask) => {
    done++;
    reported.add(task);
  };
  await pool.runAll(tasks(200, onTask), onDone, never);
  assert.equal([taken, done, reported.size], [200, 200, 200]);
  assert.ok(most <= pool.concurrency, `${most} at once`);
  assert.ok(most > 1);
});

test("no tasks are done at once", async () => {
  await pool.runAll([], () => assert.unreachable(), never);
});

test("the first failure ends it: no task is taken any more, and none runs when it is reported", async () => {
  const missing = path.join(scratch(), "missing");
  let taken = 0;
  let done = 0;
  function* some(): Iterable<SyncTask> {
    for (; taken < 1000; taken++) yield syncTask(...(taken === 10 ? [missing] : []));
  }
  // Of two threads one may be kept waiting by a busy machine while the other goes on.
  const ordered = new WorkerPool(undefined, 1);
  const error = await errorOf(() => ordered.runAll(some(), () => done++, never));
  assert.is(error.code, "DISK_FAILED");
  assert.ok(error.message.includes(missing));
  assert.ok(taken <= 10 + 2 * ordered.concurrency, `${taken} taken`);
  const doneThen = done;
  await ordered.run(syncTask());
  assert.is(done, doneThen);
  await ordered.close();
});

test("an abort ends it with its reason", async () => {
  const abort = new AbortController();
  const reason = new Error("enough");
  let done = 0;
  const running = pool.runAll(
    tasks(1000),
    () => {
      if (++done === 5) abort.abort(reason);
    },
    abort.signal,
  );
  await running.then(
    () => assert.unreachable(),
    (thrown: unknown) => assert.is(thrown, reason),
  );
  assert.ok(done <= 5 + pool.concurrency);
  await pool
    .runAll(
      tasks(1, () => assert.unreachable()),
      () => undefined,
      abort.signal,
    )
    .then(
      () => assert.unreachable(),
      (thrown: unknown) => assert.is(thrown, reason),
    );
});

test("what the caller throws, on a result or while it makes tasks, ends it too", async () => {
  const inReport = pool.runAll(
    tasks(100),
    () => {
      throw new Error("on a result");
    },
    never,
  );
  assert.match(String(await inReport.catch((thrown: unknown) => thrown)), /on a result/);
  const making = pool.runAll(
    tasks(100, (at) => {
      if (at === 20) throw new Error("while making");
    }),
    () => undefined,
    never,
  );
  assert.match(String(await making.catch((thrown: unknown) => thrown)), /while making/);
});

test("a failure has the code of its errno, a message with the path, and a hint where there is one", async () => {
  const folder = scratch();
  fs.symlinkSync("self", path.join(folder, "self"));
  for (const [name, code] of [
    ["missing", "DISK_FAILED"],
    ["self", "DISK_FAILED"],
    ["x".repeat(300), "TARGET_NAME_UNSUPPORTED"],
  ] as const) {
    const error = await errorOf(() => pool.run(syncTask(path.join(folder, name))));
    assert.is(error.code, code);
    assert.ok(error.message.includes(name));
  }
});

test("a task that cannot cross to a thread is a bug that shows, and harms no other", async () => {
  const uncloneable: SyncTask = Object.assign(JSON.parse('{"kind":"sync","paths":[]}'), { run: () => 1 });
  assert.is((await errorOf(() => pool.run(uncloneable))).code, "BUG");
  await pool.run(syncTask());
});

test("a task that makes no sense is a bug that shows, and the thread lives on", async () => {
  const senseless: SyncTask = JSON.parse('{"kind":"sync","paths":7}');
  assert.is((await errorOf(() => pool.run(senseless))).code, "BUG");
  await pool.run(syncTask());
});

test("threads that cannot even start fail every task, those that wait already too", async () => {
  // No memory of slots is that large.
  const broken: SharedArrayBuffer = JSON.parse('{"length":9007199254740991}');
  const brokenPool = new WorkerPool(broken, 2);
  const waiting = [1, 2, 3, 4, 5, 6].map(() => errorOf(() => brokenPool.run(syncTask())));
  for (const error of await Promise.all(waiting)) {
    assert.is(error.code, "BUG");
    assert.match(error.message, /a worker thread failed/);
  }
  assert.is((await errorOf(() => brokenPool.run(syncTask()))).code, "BUG");
  await brokenPool.close();
});

test("tasks of a pool that is closed end, they do not hang", async () => {
  const closing = new WorkerPool(undefined, 1);
  const paths = Array.from({ length: 64 }, () => scratch());
  const running = Array.from({ length: 20 }, () => closing.run(syncTask(...paths)));
  const ends = Promise.allSettled(running);
  await closing.close();
  for (const end of await ends) {
    if (end.status === "rejected") assert.match(String(end.reason), /a worker thread failed/);
  }
});

test.run();

// Whether the disk or the hashing is slow, by what the workers say and by how long they say nothing.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { ChunkWriter } from "../../src/workers/chunk-writer.js";
import { packRuns } from "../../src/workers/packed-runs.js";
import type { TaskSuccess } from "../../src/workers/tasks.js";
import { WorkerPool } from "../../src/workers/worker-pool.js";
import { ManualTime } from "../support/manual-time.js";

/** Its one thread is never given anything: tasks end when and how the test says. */
class ScriptedPool extends WorkerPool {
  end: (spent: NonNullable<TaskSuccess["spent"]>) => void = () => undefined;

  override run(): Promise<TaskSuccess> {
    return new Promise((resolve) => {
      this.end = (spent) => resolve({ ok: true, bytes: 0, wrongChunks: [], spent });
    });
  }
}

const pool = new ScriptedPool(undefined, 1);
test.after(() => pool.close());

const NOTHING = { slotOffset: 0, length: 0, digest: "", runs: packRuns([]) };

test("the disk is slow if most of the workers' time goes into writing", async () => {
  const time = new ManualTime();
  const writer = new ChunkWriter(pool, time);
  const write = async (hashMs: number, writeMs: number) => {
    const written = writer.write(NOTHING);
    pool.end({ hashMs, writeMs });
    await written;
    return writer.isDiskSlow(time.nowMs());
  };
  assert.is(await write(1, 0), false);
  for (let tasks = 0; tasks < 10; tasks++) await write(1, 9);
  assert.is(await write(0, 0), true);
  for (let tasks = 0; tasks < 10; tasks++) await write(9, 1);
  assert.is(await write(0, 0), false);
});

test("the disk is slow if a worker is away for longer than hashing takes", async () => {
  const time = new ManualTime();
  const writer = new ChunkWriter(pool, time);
  time.advance(5_000);
  assert.is(writer.isDiskSlow(time.nowMs()), false, "nothing is being written");
  const written = writer.write(NOTHING);
  time.advance(999);
  assert.is(writer.isDiskSlow(time.nowMs()), false);
  time.advance(1);
  assert.is(writer.isDiskSlow(time.nowMs()), true);
  pool.end({ hashMs: 1, writeMs: 0 });
  await written;
  // The task is over one turn after its chunks are.
  await new Promise(setImmediate);
  assert.is(writer.isDiskSlow(time.nowMs()), false);
});

test.run();

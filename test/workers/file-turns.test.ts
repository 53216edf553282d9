import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { FileTurns, fileTurnsMemory } from "../../src/workers/file-turns.js";
import type { CountingTask } from "./file-turns-child.js";

const CHILD = new URL("./file-turns-child.js", import.meta.url);
const THREADS = 3;
const ROUNDS = 20_000;

test("threads at one file come one after another", async () => {
  const counter = new SharedArrayBuffer(4);
  const task: CountingTask = { turns: fileTurnsMemory(), counter, fd: 20, rounds: ROUNDS };
  const threads = Array.from({ length: THREADS }, () => new Worker(CHILD, { workerData: task }));
  await Promise.all(threads.map((thread) => once(thread, "exit")));
  assert.is(new Int32Array(counter)[0], THREADS * ROUNDS);
});

test("a turn ends with what was done in it, even by an error", () => {
  const turns = new FileTurns(fileTurnsMemory());
  assert.throws(
    () =>
      turns.take(3, () => {
        throw new Error("the disk is full");
      }),
    /disk is full/,
  );
  let taken = false;
  turns.take(3, () => {
    taken = true;
  });
  assert.ok(taken);
});

test("a turn at one file does not wait for a turn at another", () => {
  const turns = new FileTurns(fileTurnsMemory());
  let inner = false;
  turns.take(3, () =>
    turns.take(4, () => {
      inner = true;
    }),
  );
  assert.ok(inner);
});

test.run();

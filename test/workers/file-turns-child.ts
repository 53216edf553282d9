// A thread that adds to a shared counter in two steps, many times, each time in its turn.
import { workerData } from "node:worker_threads";
import { FileTurns } from "../../src/workers/file-turns.js";

/** What the thread is given. */
export interface CountingTask {
  readonly turns: SharedArrayBuffer;
  readonly counter: SharedArrayBuffer;
  readonly fd: number;
  readonly rounds: number;
}

const { turns, counter, fd, rounds }: CountingTask = workerData;
const fileTurns = new FileTurns(turns);
const count = new Int32Array(counter);

for (let round = 0; round < rounds; round++) {
  fileTurns.take(fd, () => {
    const before = count[0] ?? 0;
    // Long enough for another thread to come between, were it let in.
    for (let spin = 0; spin < 100; spin++) Math.sqrt(spin);
    count[0] = before + 1;
  });
}

// Hands full slots to the workers: one chunk to a task while they keep up, several when chunks come faster, so that
// hops between threads become fewer just when there is no time for them. Knows what the workers spend their time on.
// Knows no peers.
import type { Clock } from "../core/clock.js";
import { smoothed } from "../core/smoothing.js";
import type { ChunkWrite } from "./tasks.js";
import type { WorkerPool } from "./worker-pool.js";

interface QueuedWrite {
  readonly write: ChunkWrite;
  readonly resolve: (isRight: boolean) => void;
  readonly reject: (error: unknown) => void;
}

/** The most chunks in one task: with more, a thread would keep slots for longer than a hop takes. */
const MAX_CHUNKS_PER_TASK = 4;

/** Hashing the chunks of a task never takes this long; a disk may. */
const LONG_TASK_MS = 1_000;

export class ChunkWriter {
  readonly #pool: WorkerPool;
  readonly #clock: Clock;
  readonly #queue: QueuedWrite[] = [];
  /** Tasks under way, the oldest first, each with the time at which it began. */
  readonly #running = new Map<readonly QueuedWrite[], number>();
  /** The part of the tasks' time that goes into writing; smoothed. */
  #writingPart = 0;

  constructor(pool: WorkerPool, clock: Clock) {
    this.#pool = pool;
    this.#clock = clock;
  }

  /** Whether writing takes the workers' time, rather than hashing. */
  isDiskSlow(nowMs: number): boolean {
    const [oldestMs = nowMs] = this.#running.values();
    return this.#writingPart >= 1 / 2 || nowMs - oldestMs >= LONG_TASK_MS;
  }

  /** Verifies and writes a chunk; resolves with whether its digest was right. Rejects with the error from the disk. */
  write(write: ChunkWrite): Promise<boolean> {
    return new Promise((resolve, reject) => {
      this.#queue.push({ write, resolve, reject });
      this.#start();
    });
  }

  #start(): void {
    while (this.#queue.length > 0 && this.#running.size < this.#pool.concurrency) {
      const share = Math.ceil(this.#queue.length / this.#pool.concurrency);
      void this.#run(this.#queue.splice(0, Math.min(MAX_CHUNKS_PER_TASK, share)));
    }
  }

  async #run(batch: readonly QueuedWrite[]): Promise<void> {
    this.#running.set(batch, this.#clock.nowMs());
    try {
      const task = { kind: "write", chunks: batch.map(({ write }) => write) } as const;
      const { wrongChunks, spent } = await this.#pool.run(task);
      if (spent !== undefined) this.#spent(spent.hashMs, spent.writeMs);
      for (const [place, { resolve }] of batch.entries()) resolve(!wrongChunks.includes(place));
    } catch (error) {
      for (const { reject } of batch) reject(error);
    } finally {
      this.#running.delete(batch);
      this.#start();
    }
  }

  #spent(hashMs: number, writeMs: number): void {
    const allMs = hashMs + writeMs;
    if (allMs > 0) this.#writingPart = smoothed(this.#writingPart, writeMs / allMs);
  }
}

// Hands full slots to the workers: one chunk to a task while they keep up, several when chunks come faster, so
// that the hop between threads is paid less often just when there is no time for it. Knows no peers.
import type { ChunkWrite } from "./tasks.js";
import type { WorkerPool } from "./worker-pool.js";

interface QueuedWrite {
  readonly write: ChunkWrite;
  readonly resolve: (isRight: boolean) => void;
  readonly reject: (error: unknown) => void;
}

/** Most chunks in one task: beyond, a thread would keep slots for longer than a hop costs. */
const MAX_CHUNKS_PER_TASK = 4;

export class ChunkWriter {
  readonly #pool: WorkerPool;
  readonly #queue: QueuedWrite[] = [];
  #running = 0;

  constructor(pool: WorkerPool) {
    this.#pool = pool;
  }

  /** Verifies and writes a chunk; resolves with whether its digest was right. Rejects with what the disk said. */
  write(write: ChunkWrite): Promise<boolean> {
    return new Promise((resolve, reject) => {
      this.#queue.push({ write, resolve, reject });
      this.#start();
    });
  }

  #start(): void {
    while (this.#queue.length > 0 && this.#running < this.#pool.concurrency) {
      const share = Math.ceil(this.#queue.length / this.#pool.concurrency);
      void this.#run(this.#queue.splice(0, Math.min(MAX_CHUNKS_PER_TASK, share)));
    }
  }

  async #run(batch: readonly QueuedWrite[]): Promise<void> {
    this.#running++;
    try {
      const task = { kind: "write", chunks: batch.map(({ write }) => write) } as const;
      const { wrongChunks } = await this.#pool.run(task);
      for (const [place, { resolve }] of batch.entries()) resolve(!wrongChunks.includes(place));
    } catch (error) {
      for (const { reject } of batch) reject(error);
    } finally {
      this.#running--;
      this.#start();
    }
  }
}

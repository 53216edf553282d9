// The piscina pool of a flow: one thread for each core, up to 16, all started at once and kept to the end. Turns
// failures into typed errors. Bounded: at most MAX_QUEUED tasks wait, and `runAll` keeps to far fewer.
import * as os from "node:os";
import { Piscina } from "piscina";
import { DISK_HINTS, GoshareError } from "../core/errors.js";
import type { FileLooks } from "../storage/files/file-looks.js";
import { PART_CHANGED_HINT } from "../storage/part/part-files.js";
import { fileTurnsMemory } from "./file-turns.js";
import { joinPaths } from "./packed-runs.js";
import { LOADED, type TaskResult, type TaskSuccess, type WorkerSetUp, type WorkerTask } from "./tasks.js";

const WORKER_FILE = new URL("./worker.js", import.meta.url).href;
/** A second task waits in each thread, so that no thread is idle during a hop. */
const TASKS_PER_THREAD = 2;
const MAX_QUEUED = 4096;
/** One event loop cannot keep more threads busy, and each takes memory. */
const MAX_THREADS = 16;
/** How long threads may take to load their code before they are stopped all the same. */
const LOAD_TIMEOUT_MS = 5_000;

const HINTS: Partial<Record<GoshareError["code"], string | undefined>> = {
  DISK_FULL: DISK_HINTS.DISK_FULL,
  DISK_FAILED: DISK_HINTS.DISK_FAILED,
  PART_CHANGED: PART_CHANGED_HINT,
  SYNC_FAILED: DISK_HINTS.SYNC_FAILED,
  SOURCE_CHANGED: "share it again once nothing writes to it any more",
  PERMISSION_DENIED: DISK_HINTS.PERMISSION_DENIED,
};

export class WorkerPool {
  /** Undefined once it is closed, since it would keep the memory that it was made with. */
  #pool: Piscina<WorkerTask, TaskResult> | undefined;
  #slots: SharedArrayBuffer | undefined;
  readonly threads: number;
  /** Each rejects a task that waits or runs, in case a thread dies that has no task. */
  readonly #endings = new Set<(cause: unknown) => void>();
  #firstCrash: unknown;
  #loading: number;
  #onAllLoaded: (() => void) | undefined;

  /** `slots` is the memory that chunks arrive in; undefined where none do. */
  constructor(
    slots: SharedArrayBuffer | undefined,
    threads = Math.min(MAX_THREADS, os.availableParallelism()),
  ) {
    this.threads = threads;
    this.#loading = threads;
    this.#slots = slots;
    const setUp: WorkerSetUp = { slots, fileTurns: fileTurnsMemory() };
    const pool = new Piscina<WorkerTask, TaskResult>({
      filename: WORKER_FILE,
      minThreads: threads,
      maxThreads: threads,
      idleTimeout: Number.POSITIVE_INFINITY,
      concurrentTasksPerWorker: TASKS_PER_THREAD,
      maxQueue: MAX_QUEUED,
      recordTiming: false,
      workerData: setUp,
    });
    this.#pool = pool;
    // A worker has died between tasks, or before its first. Perhaps no thread is left for the tasks that wait, so they
    // fail with it, and so does every later one, instead of the whole process.
    pool.on("error", (cause: unknown) => {
      this.#firstCrash ??= cause;
      this.#onAllLoaded?.();
      for (const end of this.#endings) end(cause);
    });
    pool.on("message", (message: unknown) => {
      if (message === LOADED && --this.#loading === 0) this.#onAllLoaded?.();
    });
  }

  /** The memory that chunks arrive in. */
  get slots(): SharedArrayBuffer {
    if (this.#slots === undefined) throw new Error("a pool without slots, or one that is closed");
    return this.#slots;
  }

  /** Tasks worth having under way at the same time. */
  get concurrency(): number {
    return this.threads * TASKS_PER_THREAD;
  }

  /** Runs one task. Throws GoshareError with what the worker reported. */
  async run(task: WorkerTask): Promise<TaskSuccess> {
    let result: TaskResult;
    try {
      if (this.#firstCrash !== undefined) throw this.#firstCrash;
      result = await this.#runOrEnd(task);
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new GoshareError("BUG", `a worker thread failed: ${reason}`, { cause });
    }
    if (!result.ok) throw new GoshareError(result.code, result.message, { hint: HINTS[result.code] });
    return result;
  }

  #runOrEnd(task: WorkerTask): Promise<TaskResult> {
    const pool = this.#pool;
    if (pool === undefined) throw new Error("the pool is closed");
    return new Promise((resolve, reject) => {
      this.#endings.add(reject);
      pool
        .run(task)
        .then(resolve, reject)
        .finally(() => this.#endings.delete(reject));
    });
  }

  /** Of at least one path. */
  async lookAtFiles(paths: readonly string[]): Promise<FileLooks> {
    const { looks } = await this.run({ kind: "look", paths: joinPaths(paths) });
    if (looks === undefined) throw new Error("a task that looks has that for a result");
    return looks;
  }

  /** Runs tasks as `tasks` yields them, never more at once than is useful; `onDone` sees each result. Stops at
   * the first failure, or when `signal` aborts. */
  async runAll<T extends WorkerTask>(
    tasks: Iterable<T>,
    onDone: (task: T, result: TaskSuccess) => void,
    signal?: AbortSignal,
  ): Promise<void> {
    const iterator = tasks[Symbol.iterator]();
    let failed: unknown;
    const lane = async () => {
      while (failed === undefined) {
        signal?.throwIfAborted();
        const next = iterator.next();
        if (next.done === true) return;
        onDone(next.value, await this.run(next.value));
      }
    };
    const lanes = Array.from({ length: this.concurrency }, () =>
      lane().catch((thrown: unknown) => {
        failed ??= thrown;
      }),
    );
    await Promise.all(lanes);
    if (failed !== undefined) throw failed;
  }

  async close(): Promise<void> {
    await this.#allLoaded();
    await this.#pool?.destroy();
    this.#pool = undefined;
    this.#slots = undefined;
  }

  /** A thread that is stopped while it loads a module can take the whole process with it: Node 20 aborts on a
   * failed assertion when require() of an ES module is cut short. */
  #allLoaded(): Promise<void> {
    if (this.#loading <= 0 || this.#firstCrash !== undefined) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, LOAD_TIMEOUT_MS);
      this.#onAllLoaded = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

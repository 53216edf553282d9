// Single functions of the data path, in a process that does nothing else.
import { randomBytes } from "node:crypto";
import { Bench } from "tinybench";
import { Bitfield } from "../src/core/bitfield.js";
import { peerIdFromBytes } from "../src/core/ids.js";
import { KIB, MIB } from "../src/core/units.js";
import { assembleManifest } from "../src/manifest/assemble.js";
import { encodeFrame, FrameReader } from "../src/peer/frame.js";
import { ChunkScheduler } from "../src/swarm/downloading/scheduler.js";
import { packRuns } from "../src/workers/packed-runs.js";
import { SlotPool, slotMemory } from "../src/workers/slots.js";
import { WorkerPool } from "../src/workers/worker-pool.js";
import type { BenchCase, Figures } from "./bench-case.js";
import { measureQueue } from "./upload-queue.js";

/** Microseconds that each of `steps` takes on average. */
abstract class MicroCase implements BenchCase {
  abstract readonly name: string;
  readonly #timeMs: number;

  constructor(timeMs: number) {
    this.#timeMs = timeMs;
  }

  abstract steps(bench: Bench): void;

  async prepare(): Promise<void> {}

  async run(): Promise<Figures> {
    const bench = new Bench({ time: this.#timeMs });
    this.steps(bench);
    await bench.run();
    const microseconds = bench.tasks.map(({ name, result }) => {
      return [`${name} µs`, "latency" in result ? result.latency.mean * 1000 : Number.NaN] as const;
    });
    return Object.fromEntries(microseconds);
  }

  async cleanUp(): Promise<void> {}
}

/** The frame codec: headers of chunk replies, written and read. */
export class Frames extends MicroCase {
  readonly name = "frames";

  steps(bench: Bench): void {
    const payload = new Uint8Array(4 * KIB);
    const header = { requestId: 1, message: { type: "chunkData", chunkIndex: 7, offset: 0 } } as const;
    const frame = Buffer.concat([encodeFrame(header, payload.byteLength), payload]);
    const reader = new FrameReader({ frameStarted: () => payload, frameEnded: () => undefined });
    // A reader lets long frames in only after the first.
    reader.push(encodeFrame({ requestId: 0, message: { type: "ping" } }));
    bench.add("encode", () => {
      encodeFrame(header, payload.byteLength);
    });
    bench.add("read", () => {
      reader.push(frame);
    });
  }
}

const MANIFEST_CHUNKS = 10_000;

/** Assembling the manifest of a file of ten thousand chunks from their digests. */
export class ManifestCost extends MicroCase {
  readonly name = "manifest";

  steps(bench: Bench): void {
    const chunkDigests = randomBytes(32 * MANIFEST_CHUNKS);
    bench.add(`assemble, ${MANIFEST_CHUNKS} chunks`, () => {
      assembleManifest({
        ...{ name: "data", kind: "file", chunkSize: MIB, emptyDirectories: [], symbolicLinks: [] },
        files: [{ path: "data", size: MANIFEST_CHUNKS * MIB, executable: false }],
        chunkDigests,
      });
    });
  }
}

const SCHEDULED_CHUNKS = 16_384;

/** Choosing what to ask for next, and noting that it has come and is right. */
export class SchedulerCost extends MicroCase {
  readonly name = "scheduler";

  steps(bench: Bench): void {
    const peer = peerIdFromBytes(new Uint8Array(32));
    if (peer === undefined) throw new Error("a peer id has 32 bytes");
    const begin = () => {
      const fresh = new ChunkScheduler(new Bitfield(SCHEDULED_CHUNKS), new Bitfield(SCHEDULED_CHUNKS), 0);
      fresh.peerJoined(peer, "complete");
      return fresh;
    };
    let scheduler = begin();
    bench.add("one chunk", () => {
      const chunkIndex = scheduler.next(peer);
      if (chunkIndex === undefined) {
        scheduler = begin();
        return;
      }
      scheduler.delivered(peer, chunkIndex);
      scheduler.verified(chunkIndex);
    });
  }
}

/** From the event loop to a thread and back, with next to nothing to do there. */
export class PoolHop extends MicroCase {
  readonly name = "pool-hop";
  readonly #memory = slotMemory();
  #pool: WorkerPool | undefined;

  override async prepare(): Promise<void> {
    this.#pool = new WorkerPool(this.#memory);
  }

  steps(bench: Bench): void {
    const pool = this.#pool;
    const slot = new SlotPool(this.#memory, MIB, () => undefined).acquire();
    if (pool === undefined || slot === undefined) throw new Error("not prepared");
    const chunks = [{ slotOffset: slot.offset, length: 1, digest: "", runs: packRuns([]) }];
    bench.add("hop", async () => {
      await pool.run({ kind: "write", chunks });
    });
  }

  override async cleanUp(): Promise<void> {
    await this.#pool?.close();
  }
}

/** Choosing what to offer to whom: for each chunk that a sharer delivers, with everything that its neighbours announce
 * meanwhile. */
export class UploadQueueCost implements BenchCase {
  readonly name = "upload-queue";
  readonly #chunkCount: number;
  readonly #recipientCount: number;

  constructor(chunkCount: number, recipientCount: number) {
    this.#chunkCount = chunkCount;
    this.#recipientCount = recipientCount;
  }

  async prepare(): Promise<void> {}

  async run(): Promise<Figures> {
    const exchanging = measureQueue(this.#chunkCount, this.#recipientCount, true);
    const alone = measureQueue(this.#chunkCount >> 3, this.#recipientCount, false);
    return {
      "exchanging µs/chunk": exchanging.meanMicroseconds,
      "exchanging, news from others µs/chunk": exchanging.newsMicroseconds,
      "exchanging, worst phase µs/chunk": exchanging.worstMicroseconds,
      "sharer alone µs/chunk": alone.meanMicroseconds,
      "sharer alone, worst phase µs/chunk": alone.worstMicroseconds,
    };
  }

  async cleanUp(): Promise<void> {}
}

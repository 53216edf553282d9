// What is measured. Each case makes its own data, seeded by nothing but size, and removes it.
import { mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { Bench } from "tinybench";
import { GIB, MIB } from "../src/core/units.js";
import { encodeFrame, FrameReader } from "../src/peer/frame.js";
import { fastFolder } from "./fast-folder.js";
import { MeasuredProcess } from "./measured-process.js";
import { writeRandomFile } from "./sample-data.js";
import { swarmCases } from "./swarm/swarm-case.js";
import { swarmSimCases } from "./swarm-sim/sim-cases.js";
import { measureQueue } from "./upload-queue.js";

/** Transfers stay on this machine. */
const LISTEN = "127.0.0.1:0";

export interface BenchCase {
  readonly name: string;
  /** It takes minutes: run only where it is named. */
  readonly isLong?: boolean;
  prepare(): Promise<void>;
  /** One round: figures by name, the unit in the name. */
  run(): Promise<Record<string, number>>;
  cleanUp(): Promise<void>;
}

/** `quick`: sizes that show that a case runs, not how fast. */
export function benchCases(quick: boolean): readonly BenchCase[] {
  return [
    new OneTransfer(quick ? 64 * MIB : 2 * GIB),
    new Frames(quick ? 20 : 500),
    new UploadQueueCost(quick ? 2_048 : 131_072, 50),
    ...swarmCases(quick),
    ...swarmSimCases(quick),
  ];
}

/** One sharer, one downloader, two processes, one large file, memory to memory where there is /dev/shm. */
class OneTransfer implements BenchCase {
  readonly name = "transfer/1";
  readonly #bytes: number;
  #folder = "";

  constructor(bytes: number) {
    this.#bytes = bytes;
  }

  async prepare(): Promise<void> {
    this.#folder = await mkdtemp(join(await fastFolder(this.#bytes * 2), "goshare-bench-"));
    await writeRandomFile(join(this.#folder, "data"), this.#bytes, new AbortController().signal);
  }

  async run(): Promise<Record<string, number>> {
    const sharer = new MeasuredProcess(["share", join(this.#folder, "data"), "--listen", LISTEN]);
    const { ticket } = await sharer.event("sharing");
    const output = join(this.#folder, "received");
    const { wallSeconds, usage } = await new MeasuredProcess([
      "download",
      String(ticket),
      "--output",
      output,
      "--listen",
      LISTEN,
    ]).ended;
    const shared = await sharer.stop();
    await rm(output, { recursive: true });
    const gib = this.#bytes / GIB;
    return {
      "GiB/s": gib / wallSeconds,
      "downloader CPU s/GiB": usage.cpuSeconds / gib,
      "downloader main thread s/GiB": usage.mainThreadSeconds / gib,
      "downloader peak RSS MiB": usage.peakRssBytes / MIB,
      // Hashing before it could be shared is in it.
      "sharer CPU s/GiB": shared.usage.cpuSeconds / gib,
      "sharer main thread s/GiB": shared.usage.mainThreadSeconds / gib,
      "sharer peak RSS MiB": shared.usage.peakRssBytes / MIB,
    };
  }

  async cleanUp(): Promise<void> {
    if (this.#folder !== "") await rm(this.#folder, { recursive: true, force: true });
  }
}

/** The frame codec: headers of chunk replies, written and read. */
class Frames implements BenchCase {
  readonly name = "frames";
  readonly #timeMs: number;

  constructor(timeMs: number) {
    this.#timeMs = timeMs;
  }

  async prepare(): Promise<void> {}

  async run(): Promise<Record<string, number>> {
    const payload = new Uint8Array(4096);
    const header = { requestId: 1, message: { type: "chunkData", chunkIndex: 7, offset: 0 } } as const;
    const frame = Buffer.concat([encodeFrame(header, payload.byteLength), payload]);
    const reader = new FrameReader({ frameStarted: () => payload, frameEnded: () => undefined });
    // A reader lets long frames in only after the first.
    reader.push(encodeFrame({ requestId: 0, message: { type: "ping" } }));
    const bench = new Bench({ time: this.#timeMs })
      .add("encode", () => {
        encodeFrame(header, payload.byteLength);
      })
      .add("read", () => {
        reader.push(frame);
      });
    await bench.run();
    const microseconds = bench.tasks.map(({ name, result }) => {
      return [`${name} µs`, "latency" in result ? result.latency.mean * 1000 : Number.NaN] as const;
    });
    return Object.fromEntries(microseconds);
  }

  async cleanUp(): Promise<void> {}
}

/** What to offer to whom: per chunk that a sharer delivers, with all that its neighbours announce meanwhile. */
class UploadQueueCost implements BenchCase {
  readonly name = "upload-queue";
  readonly #chunkCount: number;
  readonly #recipientCount: number;

  constructor(chunkCount: number, recipientCount: number) {
    this.#chunkCount = chunkCount;
    this.#recipientCount = recipientCount;
  }

  async prepare(): Promise<void> {}

  async run(): Promise<Record<string, number>> {
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

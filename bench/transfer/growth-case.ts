// Whether a long transfer takes ever more memory: a large file goes to a disk, and both processes are looked at every
// second. The shared file takes no room; what is received takes its full size.
import { statfs } from "node:fs/promises";
import { GIB, MIB } from "../../src/core/units.js";
import { type Figures, LOOPBACK } from "../bench-case.js";
import { FixtureCase } from "../fixture-case.js";
import { MeasuredProcess } from "../measured-process.js";
import { MemorySamples } from "./memory-samples.js";

/** Long enough for a slow disk. */
const LIFETIME_MS = 3_600_000;
/** Room on the disk besides what is received. */
const SPARE_BYTES = GIB;

export interface Growth {
  readonly name: string;
  readonly isLong: boolean;
  readonly fileBytes: number;
  readonly sampleMs: number;
  /** What a process takes until this much is transferred, while it gets going, does not count as growth. */
  readonly skippedBytes: number;
}

export class GrowthCase extends FixtureCase {
  readonly #growth: Growth;

  constructor(growth: Growth) {
    super(growth.name, { fileBytes: growth.fileBytes, place: "disk", isSparse: true }, growth.isLong);
    this.#growth = growth;
  }

  override async prepare(): Promise<void> {
    await super.prepare();
    const { bavail, bsize } = await statfs(this.data.folder);
    if (bavail * bsize < this.data.bytes + SPARE_BYTES)
      throw new Error(`${this.name}: ${this.data.folder} has no room for ${this.data.bytes / GIB} GiB`);
  }

  run(): Promise<Figures> {
    return this.receiving(this.data.bytes, () => this.#transferOnce());
  }

  async #transferOnce(): Promise<Figures> {
    const { sampleMs, skippedBytes } = this.#growth;
    const manifest = `${this.received}.goshare`;
    const sharer = new MeasuredProcess(this.shareArguments(manifest), { lifetimeMs: LIFETIME_MS });
    const { ticket } = await sharer.event("sharing");
    let bytesDone = 0;
    const argv = ["download", String(ticket), "--output", this.received, "--listen", LOOPBACK];
    const downloader = new MeasuredProcess(argv, {
      lifetimeMs: LIFETIME_MS,
      observe: ({ progress }) => {
        bytesDone = Number(progress?.["bytesDone"] ?? bytesDone);
      },
    });
    const samples = { downloader: new MemorySamples(), sharer: new MemorySamples() };
    const timer = setInterval(() => {
      samples.downloader.take(bytesDone, downloader.residentBytes);
      samples.sharer.take(bytesDone, sharer.residentBytes);
    }, sampleMs);
    const received = await downloader.ended.finally(() => clearInterval(timer));
    const shared = await sharer.stop();
    const gib = this.data.bytes / GIB;
    return {
      s: received.wallSeconds,
      "GiB/s": gib / received.wallSeconds,
      "downloader growth MiB/GiB": samples.downloader.slope(skippedBytes),
      "sharer growth MiB/GiB": samples.sharer.slope(skippedBytes),
      "downloader most RSS seen MiB": samples.downloader.peakMib,
      "sharer most RSS seen MiB": samples.sharer.peakMib,
      "downloader peak RSS MiB": received.usage.peakRssBytes / MIB,
      // Includes the hashing before the transfer.
      "sharer peak RSS MiB": shared.usage.peakRssBytes / MIB,
      "downloader loop delay p99 ms": received.usage.loopDelayP99Ms,
      "sharer loop delay p99 ms": shared.usage.loopDelayP99Ms,
    };
  }
}

// A download that is killed half-way and run again: what the second run takes.
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { GIB, MIB } from "../../src/core/units.js";
import { type Figures, LOOPBACK } from "../bench-case.js";
import type { FixtureKind } from "../fixture.js";
import { FixtureCase } from "../fixture-case.js";
import { MeasuredProcess } from "../measured-process.js";

export class ResumeCase extends FixtureCase {
  constructor(kind: FixtureKind) {
    super("resume", kind);
  }

  run(): Promise<Figures> {
    return this.receiving(this.data.bytes, () => this.#resumeOnce());
  }

  async #resumeOnce(): Promise<Figures> {
    const manifest = join(this.data.folder, "data.goshare");
    const sharer = new MeasuredProcess(this.shareArguments(manifest));
    const { ticket } = await sharer.event("sharing");
    await rm(manifest);
    const argv = ["download", String(ticket), "--output", this.received, "--listen", LOOPBACK];
    await this.#killHalfWay(argv);
    const { wallSeconds, usage } = await new MeasuredProcess(argv).ended;
    await sharer.stop();
    const gib = this.data.bytes / GIB;
    return {
      "s after a kill": wallSeconds,
      "CPU s/GiB": usage.cpuSeconds / gib,
      "peak RSS MiB": usage.peakRssBytes / MIB,
    };
  }

  async #killHalfWay(argv: readonly string[]): Promise<void> {
    const download: MeasuredProcess = new MeasuredProcess(argv, {
      observe: ({ progress }) => {
        if (Number(progress?.["bytesDone"] ?? 0) >= this.data.bytes / 2) download.kill();
      },
    });
    // It may have ended before it reported that much progress.
    await download.ended.catch(() => undefined);
    await rm(join(this.received, "data"), { force: true });
  }
}

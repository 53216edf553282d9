// A download that is stopped half-way and goes on: what it takes until its first new byte, and to the end.
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { GIB, MIB } from "../../src/core/units.js";
import { type BenchCase, type Figures, LOOPBACK } from "../bench-case.js";
import { Fixture, type FixtureKind } from "../fixture.js";
import { HeldMemory } from "../held-memory.js";
import { MeasuredProcess } from "../measured-process.js";

export class ResumeCase implements BenchCase {
  readonly name = "resume";
  readonly #data: Fixture;

  constructor(kind: FixtureKind) {
    this.#data = new Fixture(kind);
  }

  async prepare(): Promise<void> {
    await this.#data.prepare();
  }

  async cleanUp(): Promise<void> {
    await this.#data.cleanUp();
  }

  async run(): Promise<Figures> {
    const held = await HeldMemory.hold(this.#data.folder, this.#data.bytes);
    const manifest = join(this.#data.folder, "data.goshare");
    const sharer = new MeasuredProcess([
      ...["share", this.#data.path, "--listen", LOOPBACK, "--manifest", manifest],
    ]);
    const { ticket } = await sharer.event("sharing");
    const output = join(this.#data.folder, "received");
    const argv = ["download", String(ticket), "--output", output, "--listen", LOOPBACK];
    try {
      await this.#killHalfWay(argv);
      const { wallSeconds, usage } = await new MeasuredProcess(argv).ended;
      const gib = this.#data.bytes / GIB;
      return {
        "s after a kill": wallSeconds,
        "CPU s/GiB": usage.cpuSeconds / gib,
        "peak RSS MiB": usage.peakRssBytes / MIB,
      };
    } finally {
      await sharer.stop();
      await rm(output, { recursive: true, force: true });
      await rm(manifest, { force: true });
      await held.release();
    }
  }

  async #killHalfWay(argv: readonly string[]): Promise<void> {
    const download: MeasuredProcess = new MeasuredProcess(argv, {
      observe: ({ progress }) => {
        if (Number(progress?.["bytesDone"] ?? 0) >= this.#data.bytes / 2) download.kill();
      },
    });
    // It may have been quicker than its progress is told.
    await download.ended.catch(() => undefined);
    await rm(join(this.#data.folder, "received", "data"), { force: true });
  }
}

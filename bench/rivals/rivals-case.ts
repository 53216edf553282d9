// All rivals that are installed, one after another in each round, with memory held as for our own transfers.
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { BenchCase, Figures } from "../bench-case.js";
import { Fixture, type FixtureKind } from "../fixture.js";
import { HeldMemory } from "../held-memory.js";
import { endServing, missingPrograms, type Rival } from "./rival.js";

export interface RivalsWork extends FixtureKind {
  readonly name: string;
  readonly rivals: readonly Rival[];
}

export class RivalsCase implements BenchCase {
  readonly name: string;
  readonly #work: RivalsWork;
  readonly #data: Fixture;
  #installed: readonly Rival[] = [];

  constructor(work: RivalsWork) {
    this.name = work.name;
    this.#work = work;
    this.#data = new Fixture(work);
  }

  /** Names what is missing. */
  async prepare(): Promise<void> {
    const installed: Rival[] = [];
    for (const rival of this.#work.rivals) {
      const missing = await missingPrograms(rival);
      if (missing.length === 0) installed.push(rival);
      else process.stderr.write(`${rival.name}: not compared, ${missing.join(" and ")} not installed\n`);
    }
    this.#installed = installed;
    await this.#data.prepare();
  }

  async run(): Promise<Figures> {
    const figures: Record<string, number> = {};
    for (const rival of this.#installed) {
      for (const [figure, value] of Object.entries(await this.#runOne(rival)))
        figures[`${rival.name}: ${figure}`] = value;
    }
    return figures;
  }

  async cleanUp(): Promise<void> {
    endServing();
    await this.#data.cleanUp();
  }

  async #runOne(rival: Rival): Promise<Figures> {
    const { folder: place, path: dataPath, bytes, isInMemory } = this.#data;
    const held = isInMemory ? await HeldMemory.hold(place, bytes) : undefined;
    const outputFolder = join(place, "received");
    const scratchFolder = join(place, "scratch");
    for (const folder of [outputFolder, scratchFolder]) await mkdir(folder);
    try {
      return await rival.run({ dataPath, bytes, outputFolder, scratchFolder });
    } finally {
      for (const folder of [outputFolder, scratchFolder]) await rm(folder, { recursive: true, force: true });
      await held?.release();
    }
  }
}

// All rivals that are installed, one after another in each round, with memory held as for our own transfers.
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Figures } from "../bench-case.js";
import type { FixtureKind } from "../fixture.js";
import { FixtureCase } from "../fixture-case.js";
import { endServing, nameMissing, type Rival } from "./rival.js";

export interface RivalsWork extends FixtureKind {
  readonly name: string;
  readonly rivals: readonly Rival[];
  /** The rivals write nothing. */
  readonly readsOnly?: boolean;
}

export class RivalsCase extends FixtureCase {
  readonly #rivals: readonly Rival[];
  readonly #readsOnly: boolean;
  #installed: readonly Rival[] = [];

  constructor(work: RivalsWork) {
    super(work.name, work);
    this.#rivals = work.rivals;
    this.#readsOnly = work.readsOnly === true;
  }

  /** Names what is missing. */
  override async prepare(): Promise<void> {
    const installed: Rival[] = [];
    for (const rival of this.#rivals) if (!(await nameMissing(rival))) installed.push(rival);
    this.#installed = installed;
    await super.prepare();
  }

  async run(): Promise<Figures> {
    const figures: Record<string, number> = {};
    for (const rival of this.#installed) {
      for (const [figure, value] of Object.entries(await this.#runOne(rival)))
        figures[`${rival.name}: ${figure}`] = value;
    }
    return figures;
  }

  override async cleanUp(): Promise<void> {
    endServing();
    await super.cleanUp();
  }

  #runOne(rival: Rival): Promise<Figures> {
    const { folder, path: dataPath, bytes } = this.data;
    return this.receiving(this.#readsOnly ? 0 : bytes, async () => {
      const scratchFolder = join(folder, "scratch");
      await mkdir(this.received);
      await mkdir(scratchFolder);
      try {
        return await rival.run({ dataPath, bytes, outputFolder: this.received, scratchFolder });
      } finally {
        await rm(scratchFolder, { recursive: true, force: true });
      }
    });
  }
}

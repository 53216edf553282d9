// A measurement of something that is shared: has it made and removed, holds the memory that copies of it will need, and
// removes what was received.
import { existsSync } from "node:fs";
import { mkdtemp, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { type BenchCase, type Figures, LOOPBACK } from "./bench-case.js";
import { Fixture, type FixtureKind } from "./fixture.js";
import { HeldMemory } from "./held-memory.js";

export abstract class FixtureCase implements BenchCase {
  readonly name: string;
  readonly isLong: boolean;
  protected readonly data: Fixture;

  constructor(name: string, kind: FixtureKind, isLong = false) {
    this.name = name;
    this.isLong = isLong;
    this.data = new Fixture(kind);
  }

  abstract run(): Promise<Figures>;

  async prepare(): Promise<void> {
    await this.data.prepare();
  }

  async cleanUp(): Promise<void> {
    await this.data.cleanUp();
  }

  /** Where copies go; gone after `receiving`. */
  protected get received(): string {
    return join(this.data.folder, "received");
  }

  /** Runs `step`, which writes `bytes` to `received`. */
  protected async receiving(bytes: number, step: () => Promise<Figures>): Promise<Figures> {
    const held =
      this.data.isInMemory && bytes > 0 ? await HeldMemory.hold(this.data.folder, bytes) : undefined;
    try {
      return await step();
    } finally {
      await this.#takeAway();
      await held?.release();
    }
  }

  /** Many files on a disk stay until the fixture goes: for minutes after so many were removed, ext4 takes three times
   * as long to make others, since it looks for inodes that were not in use lately. */
  async #takeAway(): Promise<void> {
    if (this.data.isInMemory || !this.data.hasManyFiles)
      await rm(this.received, { recursive: true, force: true });
    // There may be none if something failed before: then that failure should be reported.
    else if (existsSync(this.received))
      await rename(this.received, await mkdtemp(join(this.data.folder, "earlier-")));
  }

  /** The arguments with which `goshare` shares it as if for the first time; the .goshare file goes to `manifest`. */
  protected shareArguments(manifest: string): readonly string[] {
    return ["share", this.data.path, "--listen", LOOPBACK, "--manifest", manifest, "--rehash"];
  }
}

// What is shared in measurements. Made once for all cases that use the same, since several copies of a large file would
// not fit into memory, and removed with its last user.
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { GIB } from "../src/core/units.js";
import { diskFolder, fastFolder, isInMemory } from "./fast-folder.js";
import { writeEqualFiles, writeRandomFile, writeSparseFile } from "./sample-data.js";

/** One file of this many bytes, or a folder of files of this size. */
export interface FixtureKind {
  readonly fileBytes: number;
  readonly fileCount?: number;
  /** In memory where there is a file system for that, or on a disk. */
  readonly place?: "memory" | "disk";
  /** A file with next to nothing in it: it takes no room, but what is received does. */
  readonly isSparse?: boolean;
}

const made = new Map<string, { readonly folder: Promise<string>; users: number }>();

/** The most bytes of copies that are written beside it while something is measured. */
const MAX_COPIES_BYTES = 8 * GIB;

export class Fixture {
  readonly bytes: number;
  readonly #kind: FixtureKind;
  #folder = "";

  constructor(kind: FixtureKind) {
    this.#kind = kind;
    this.bytes = kind.fileBytes * (kind.fileCount ?? 1);
  }

  /** The file or folder, alone in its parent folder. */
  get path(): string {
    return join(this.#folder, "shared", "data");
  }

  /** Where cases put what they write, on the same file system: each has to take it away again. */
  get folder(): string {
    return this.#folder;
  }

  get hasManyFiles(): boolean {
    return this.#kind.fileCount !== undefined;
  }

  get isInMemory(): boolean {
    return isInMemory(this.#folder);
  }

  async prepare(): Promise<void> {
    const known = made.get(this.#key) ?? { folder: this.#make(), users: 0 };
    made.set(this.#key, known);
    known.users++;
    this.#folder = await known.folder;
  }

  async cleanUp(): Promise<void> {
    const known = made.get(this.#key);
    if (this.#folder === "" || known === undefined) return;
    known.users--;
    if (known.users > 0) return;
    made.delete(this.#key);
    await rm(this.#folder, { recursive: true, force: true });
  }

  get #key(): string {
    const { fileBytes, fileCount = 0, place = "memory", isSparse = false } = this.#kind;
    return `${fileBytes} ${fileCount} ${place} ${isSparse}`;
  }

  async #make(): Promise<string> {
    const { fileBytes, fileCount, place, isSparse } = this.#kind;
    const parent = place === "disk" ? await diskFolder() : await fastFolder(this.bytes + MAX_COPIES_BYTES);
    const folder = await mkdtemp(join(parent, "goshare-bench-"));
    await mkdir(join(folder, "shared"));
    const data = join(folder, "shared", "data");
    const { signal } = new AbortController();
    if (isSparse === true) await writeSparseFile(data, fileBytes);
    else if (fileCount === undefined) await writeRandomFile(data, fileBytes, signal);
    else await writeEqualFiles(data, fileCount, fileBytes, signal);
    return folder;
  }
}

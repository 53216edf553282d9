// What tells whether the files of a download were touched since it was paused: a digest over which chunks there are, and
// over the identity of every file that holds one. Only looks.
import { createHash } from "node:crypto";
import * as fs from "node:fs";
import type { Bitfield } from "../core/bitfield.js";
import type { Manifest } from "../manifest/manifest.js";
import { identityOf } from "./file-identity.js";

/** How many files are looked at in one go, so that the event loop is not kept from the sockets. */
const FILES_PER_TURN = 256;

/** In hex. The numbers of the chunks count: the journal may still claim what this run has found wrong. */
export async function pauseMark(
  manifest: Manifest,
  held: Bitfield,
  pathOf: (filePath: string) => string,
): Promise<string> {
  const hash = createHash("sha256").update(held.toBytes());
  for (const [fileIndex, file] of manifest.files.entries()) {
    if (fileIndex % FILES_PER_TURN === FILES_PER_TURN - 1)
      await new Promise((resolve) => setImmediate(resolve));
    const { first, count } = manifest.layout.chunksOfFile(fileIndex);
    if (!holdsAny(held, first, count)) continue;
    const stats = fs.lstatSync(pathOf(file.path), { bigint: true, throwIfNoEntry: false });
    hash.update(`${fileIndex} ${stats === undefined ? "gone" : identityOf(stats).join(" ")}\n`);
  }
  return hash.digest("hex");
}

function holdsAny(held: Bitfield, first: number, count: number): boolean {
  for (let index = first; index < first + count; index++) if (held.has(index)) return true;
  return false;
}

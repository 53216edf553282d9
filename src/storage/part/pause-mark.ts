// Shows whether the files of a download were touched since it was paused: a digest over which chunks there are, and
// over the identity of every file that holds one. Only looks.
import { createHash } from "node:crypto";
import * as fs from "node:fs";
import type { Bitfield } from "../../core/bitfield.js";
import { LoopTurn } from "../../core/loop-turn.js";
import type { Manifest } from "../../manifest/manifest.js";
import { identityOf } from "../files/file-identity.js";

/** In hex. Covers the numbers of the chunks: the journal may still claim some that this run found wrong. */
export async function pauseMark(
  manifest: Manifest,
  held: Bitfield,
  pathOf: (filePath: string) => string,
): Promise<string> {
  const hash = createHash("sha256").update(held.toBytes());
  const turn = new LoopTurn();
  for (const [fileIndex, file] of manifest.files.entries()) {
    if (turn.isOver) await turn.yield();
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

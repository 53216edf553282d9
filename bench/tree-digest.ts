// Reads back from disk what a file or folder holds, without any of goshare's own code: one line for every file (with
// its SHA-256), empty folder and link. Two trees are equal if their lines are.
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { lstat, readdir, readlink } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";

const OWNER_EXECUTES = 0o100;

/** Sorted lines; paths in them are relative to `root`. */
export async function treeDigest(root: string): Promise<readonly string[]> {
  const lines: string[] = [];
  await walk(root, "", lines);
  return lines.sort();
}

async function walk(root: string, path: string, lines: string[]): Promise<void> {
  const full = join(root, path);
  const stats = await lstat(full);
  if (stats.isSymbolicLink()) {
    lines.push(`link ${path} -> ${await readlink(full)}`);
  } else if (stats.isDirectory()) {
    const names = await readdir(full);
    if (names.length === 0) lines.push(`folder ${path}`);
    for (const name of names) await walk(root, join(path, name), lines);
  } else {
    const kind = (stats.mode & OWNER_EXECUTES) === 0 ? "file" : "executable";
    lines.push(`${kind} ${path} ${stats.size} ${await fileSha256(full)}`);
  }
}

async function fileSha256(path: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(path, { highWaterMark: 1024 * 1024 }), hash);
  return hash.digest("hex");
}

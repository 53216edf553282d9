// Reads back from disk what a file or folder holds, without any of goshare's own code: one line for every file, folder
// and link, with its permission bits. Two trees are equal if their lines are.
import { lstatSync, readdirSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { sha256Of } from "./scratch-folder.js";

/** Sorted lines; paths in them are relative to `root`. */
export function treeLines(root: string): readonly string[] {
  const lines: string[] = [];
  for (const pending = [""]; ; ) {
    const path = pending.pop();
    if (path === undefined) return lines.sort();
    const full = path === "" ? root : join(root, path);
    const stats = lstatSync(full);
    const mode = (stats.mode & 0o7777).toString(8);
    if (stats.isSymbolicLink()) lines.push(`link ${path} -> ${readlinkSync(full)}`);
    else if (stats.isDirectory()) {
      lines.push(`folder ${path} ${mode}`);
      for (const name of readdirSync(full)) pending.push(join(path, name));
    } else lines.push(`file ${path} ${mode} ${stats.size} ${sha256Of(full)}`);
  }
}

// Writes out a whole file system at once, if the system has a program for that: then the fsync of each of hundreds of
// files has little left to do. Nothing relies on it, so it never fails: its own fsync says whether a file is on the
// disk.
import { existsSync } from "node:fs";

/** Where systems keep the program. Not looked for in PATH: people give programs of their own that name. */
const PROGRAMS = ["/usr/bin/sync", "/bin/sync"];
/** With fewer files this takes longer than it saves. */
const MIN_FILES = 256;
/** It also writes out what other programs have written, which may be a lot. */
const PATIENCE_MS = 5_000;

/** Resolves when everything on the file system of `place` has been written out, could not be, or takes too long; at
 * once if `fileCount` files are too few. `ownProgram` replaces `sync` (GNU, BusyBox). */
export async function flushFileSystem(place: string, fileCount: number, ownProgram?: string): Promise<void> {
  if (process.platform !== "linux" || fileCount < MIN_FILES) return;
  const program = ownProgram ?? PROGRAMS.find((one) => existsSync(one));
  if (program === undefined) return;
  try {
    // Few downloads need this module, and all would wait for it to load.
    const { spawn } = await import("node:child_process");
    await new Promise<void>((resolve) => {
      const child = spawn(program, ["-f", place], { stdio: "ignore" });
      child.unref();
      const over = (): void => {
        clearTimeout(timer);
        resolve();
      };
      const timer = setTimeout(() => {
        child.kill();
        resolve();
      }, PATIENCE_MS);
      child.on("error", over);
      child.on("exit", over);
    });
  } catch {
    // Some failures to run a program are thrown at once.
  }
}

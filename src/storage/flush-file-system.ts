// A whole file system written out in one go, where the system has a program for that: the fsync of each of hundreds of
// files has little left to do then. Nothing relies on it, so it never fails: whether a file is on the disk its own fsync says.
import { existsSync } from "node:fs";

/** Where systems keep it. Not looked for in PATH: people call programs of their own by that name. */
const PROGRAMS = ["/usr/bin/sync", "/bin/sync"];
/** With fewer files it takes longer than it saves. */
const MIN_FILES = 256;
/** What other programs have written is written out as well, and may be a lot. */
const PATIENCE_MS = 5_000;

/** Resolves when everything on the file system of `place` has been written out, could not be, or takes too long; at once
 * where `fileCount` files are too few. `ownProgram` takes the place of `sync` (GNU, BusyBox). */
export async function flushFileSystem(place: string, fileCount: number, ownProgram?: string): Promise<void> {
  if (process.platform !== "linux" || fileCount < MIN_FILES) return;
  const program = ownProgram ?? PROGRAMS.find((one) => existsSync(one));
  if (program === undefined) return;
  try {
    // Few downloads need it, and each would wait for it to load.
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
    // Some failures to run a program are thrown.
  }
}

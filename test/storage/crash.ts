// Ends what writes to the disk after a number of steps, as a kill would: from then on nothing reaches the disk
// any more, not even what a catch or finally would put right. Also lets calls fail that a test names.
import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";

/** Every call that changes a disk; a removal of a whole tree counts each of its entries. */
const CALLS = [
  "writeFileSync",
  "openSync",
  "writeSync",
  "ftruncateSync",
  "mkdirSync",
  "renameSync",
  "linkSync",
  "symlinkSync",
  "unlinkSync",
  "rmdirSync",
] as const;

type CallName = (typeof CALLS)[number];

/** Replaces calls of node:fs until the function that is returned is called. */
export function replaceCalls(replacements: Readonly<Record<string, unknown>>): () => void {
  const originals = Object.fromEntries(
    Object.entries(fs).filter(([name]) => Object.hasOwn(replacements, name)),
  );
  Object.assign(fs, replacements);
  syncBuiltinESMExports();
  return () => {
    Object.assign(fs, originals);
    syncBuiltinESMExports();
  };
}

class Killed extends Error {}

/** Runs `run`, killed before its step number `lastStep + 1`. Writes that are killed may reach the disk in
 * part. Whether it was killed; false if it ended earlier. */
export async function killedAfter(lastStep: number, run: () => Promise<unknown>): Promise<boolean> {
  const original = { ...fs };
  const open = new Set<number>();
  let steps = 0;
  let isKilled = false;
  const step = () => {
    if (isKilled || ++steps > lastStep) {
      isKilled = true;
      throw new Killed();
    }
  };
  const counted = (name: CallName) => {
    const call = original[name];
    return (...args: readonly unknown[]) => {
      step();
      return Reflect.apply(call, fs, args);
    };
  };
  const removeTree = (filePath: string): void => {
    const stats = original.lstatSync(filePath, { throwIfNoEntry: false });
    if (stats?.isDirectory() === true) {
      for (const name of original.readdirSync(filePath)) removeTree(`${filePath}/${name}`);
      step();
      original.rmdirSync(filePath);
    } else if (stats !== undefined) {
      step();
      original.unlinkSync(filePath);
    }
  };
  const restore = replaceCalls({
    ...Object.fromEntries(CALLS.map((name) => [name, counted(name)])),
    rmSync: removeTree,
    // The process is killed, not the machine.
    fsyncSync: step,
    openSync: (filePath: string, flags: string | number, mode?: number) => {
      step();
      const fd = original.openSync(filePath, flags, mode);
      open.add(fd);
      return fd;
    },
    closeSync: (fd: number) => {
      open.delete(fd);
      original.closeSync(fd);
    },
    close: (fd: number, done: fs.NoParamCallback) => {
      open.delete(fd);
      original.close(fd, done);
    },
    writeSync: (fd: number, bytes: Uint8Array, ...where: readonly (number | undefined)[]) => {
      const [offset = 0, length = bytes.byteLength - offset, position = original.fstatSync(fd).size] = where;
      // In two steps, so that a kill may fall between them.
      step();
      const half = original.writeSync(fd, bytes, offset, Math.ceil(length / 2), position);
      step();
      return half + original.writeSync(fd, bytes, offset + half, length - half, position + half);
    },
  });
  try {
    await run();
  } catch (thrown) {
    if (!isKilled) throw thrown;
  } finally {
    restore();
    for (const fd of open) fs.closeSync(fd);
  }
  return isKilled;
}

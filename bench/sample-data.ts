// Things to share that are quickly made: a large file that compresses badly or takes no room, and folders of many small
// files.
import { randomFillSync, randomInt } from "node:crypto";
import { chmod, mkdir, open, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { KIB, MIB } from "../src/core/units.js";

const BUFFER_BYTES = 16 * MIB;

/** A file of `bytes` random bytes. */
export async function writeRandomFile(path: string, bytes: number, signal: AbortSignal): Promise<void> {
  const file = await open(path, "wx");
  try {
    const buffer = Buffer.allocUnsafe(Math.min(bytes, BUFFER_BYTES));
    for (let offset = 0; offset < bytes; offset += buffer.byteLength) {
      signal.throwIfAborted();
      randomFillSync(buffer);
      await file.write(buffer, 0, Math.min(buffer.byteLength, bytes - offset));
    }
  } finally {
    await file.close();
  }
}

const SPARSE_STEP_BYTES = 256 * MIB;

/** A file of `bytes` bytes that are 0, except for a random mebibyte in every 256: it takes next to no room on disk. */
export async function writeSparseFile(path: string, bytes: number): Promise<void> {
  const file = await open(path, "wx");
  try {
    await file.truncate(bytes);
    const buffer = Buffer.allocUnsafe(MIB);
    for (let offset = 0; offset + buffer.byteLength <= bytes; offset += SPARSE_STEP_BYTES)
      await file.write(randomFillSync(buffer), 0, buffer.byteLength, offset);
  } finally {
    await file.close();
  }
}

const FILES_PER_FOLDER = 50;
const EQUAL_FILES_PER_FOLDER = 500;
const SMALL_FILE_MAX_BYTES = 16 * KIB;

/** A folder of `count` files of up to 16 KiB in subfolders; one of them empty, one executable, a link, and a
 * folder with nothing in it. */
export async function writeSmallFiles(root: string, count: number, signal: AbortSignal): Promise<void> {
  for (let i = 0; i < count; i++) {
    signal.throwIfAborted();
    const folder = join(root, `folder-${Math.floor(i / FILES_PER_FOLDER)}`);
    if (i % FILES_PER_FOLDER === 0) await mkdir(folder, { recursive: true });
    const bytes = i === 0 ? 0 : randomInt(1, SMALL_FILE_MAX_BYTES);
    await writeFile(join(folder, `file-${i}.bin`), randomFillSync(Buffer.allocUnsafe(bytes)));
  }
  await mkdir(join(root, "empty"), { recursive: true });
  await chmod(join(root, "folder-0", "file-1.bin"), 0o755);
  await symlink("folder-0/file-1.bin", join(root, "link"));
}

/** A folder of `count` files of `bytes` random bytes each, a few hundred to a subfolder. */
export async function writeEqualFiles(
  root: string,
  count: number,
  bytes: number,
  signal: AbortSignal,
): Promise<void> {
  for (let i = 0; i < count; i++) {
    signal.throwIfAborted();
    const folder = join(root, `folder-${Math.floor(i / EQUAL_FILES_PER_FOLDER)}`);
    if (i % EQUAL_FILES_PER_FOLDER === 0) await mkdir(folder, { recursive: true });
    await writeFile(join(folder, `file-${i}.bin`), randomFillSync(Buffer.allocUnsafe(bytes)));
  }
}

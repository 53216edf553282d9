// Where measured transfers keep their files: in memory, so that no disk is measured, or on a disk. Makes nothing.
import { statfs } from "node:fs/promises";
import { tmpdir } from "node:os";

const MEMORY = "/dev/shm";

/** Whether what is written to `path` is kept in memory. */
export function isInMemory(path: string): boolean {
  return path.startsWith(`${MEMORY}/`);
}

/** A folder in memory where there is one with room for `bytes`, else the usual one for temporary files. */
export async function fastFolder(bytes: number): Promise<string> {
  const memory = await statfs(MEMORY).catch(() => undefined);
  return memory !== undefined && memory.bavail * memory.bsize > bytes ? MEMORY : tmpdir();
}

/** The system's number for a file system in memory. */
const TMPFS = 0x01021994;
const LASTING = "/var/tmp";

/** A folder on a disk: the one for temporary files, or else the one for those that outlive a restart. */
export async function diskFolder(): Promise<string> {
  const { type } = await statfs(tmpdir());
  return type === TMPFS ? LASTING : tmpdir();
}

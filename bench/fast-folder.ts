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

/** Of a file system in memory, as the system numbers its kinds. */
const TMPFS = 0x01021994;
const LASTING = "/var/tmp";

/** A folder on a disk: that for temporary files, or the one for those that outlive a restart. */
export async function diskFolder(): Promise<string> {
  const { type } = await statfs(tmpdir());
  return type === TMPFS ? LASTING : tmpdir();
}

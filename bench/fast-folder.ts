// Where measured transfers keep their files, so that no disk is measured. Makes nothing.
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

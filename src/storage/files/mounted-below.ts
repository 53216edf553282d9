// What is mounted inside a folder: it goes along when the folder is moved, and whoever then removes the folder would
// empty another disk. Linux says what is mounted; elsewhere nothing is known.
import * as fs from "node:fs";

const MOUNTS = "/proc/self/mountinfo";
/** Field of a line: mount id, parent id, device, root, mount point, … (proc(5)). */
const MOUNT_POINT = 4;

/** A mount point below `folderPath`, if there is one. `mounts` is what the system says of all. */
export function mountPointBelow(folderPath: string, mounts: string = mountInfo()): string | undefined {
  const above = `${fs.realpathSync(folderPath)}/`;
  return mounts
    .split("\n")
    .map((line) => unescaped(line.split(" ")[MOUNT_POINT] ?? ""))
    .find((mountPoint) => mountPoint.startsWith(above));
}

/** Blanks, tabs, line ends and backslashes are written as a backslash and three octal digits, bytes as they are. */
function unescaped(field: string): string {
  return field.replaceAll(/\\([0-7]{3})/g, (_escape, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 8)),
  );
}

function mountInfo(): string {
  try {
    return fs.readFileSync(MOUNTS, "utf8");
  } catch {
    return "";
  }
}

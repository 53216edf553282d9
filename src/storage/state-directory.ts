// Where programs of this user keep what should outlive them and belongs to nobody's documents. Makes nothing.
import { homedir } from "node:os";
import path from "node:path";

/** The folder for goshare's own state: below XDG_STATE_HOME, LOCALAPPDATA on Windows, or what stands for them. */
export function stateDirectory(
  env: Readonly<Record<string, string | undefined>>,
  isWindows = process.platform === "win32",
): string {
  const named = isWindows ? env["LOCALAPPDATA"] : env["XDG_STATE_HOME"];
  // The XDG specification has relative paths ignored.
  if (named !== undefined && path.isAbsolute(named)) return path.join(named, "goshare");
  const home = isWindows ? ["AppData", "Local"] : [".local", "state"];
  return path.join(homedir(), ...home, "goshare");
}

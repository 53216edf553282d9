// Where this user's state is: what goshare keeps between runs and can do without.
import * as os from "node:os";
import * as path from "node:path";

/** The absolute path, by the XDG Base Directory Specification (0.8) where that applies. Creates nothing. */
export function stateDirectory(env: Readonly<NodeJS.ProcessEnv>): string {
  const { XDG_STATE_HOME: given = "", LOCALAPPDATA: local = "" } = env;
  // The specification: relative paths are to be ignored.
  if (path.isAbsolute(given)) return path.join(given, "goshare");
  if (process.platform === "win32" && path.isAbsolute(local)) return path.join(local, "goshare", "state");
  return path.join(os.homedir(), ".local", "state", "goshare");
}

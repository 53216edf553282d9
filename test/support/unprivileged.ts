// How to run the program so that the modes of files and folders count, even for root.
import { spawnSync } from "node:child_process";

const WITHOUT_CAPABILITIES = ["--inh-caps=-all", "--bounding-set=-all"];

/** What to put before the program's command; undefined where modes cannot be made to count. */
export function unprivileged(): readonly string[] | undefined {
  if (process.getuid?.() !== 0) return [];
  const { status } = spawnSync("setpriv", [...WITHOUT_CAPABILITIES, "true"]);
  return status === 0 ? ["setpriv", ...WITHOUT_CAPABILITIES] : undefined;
}

/** Why modes cannot be made to count here; undefined if they can. */
export function privilegeProblem(): string | undefined {
  return unprivileged() === undefined ? "this is root, and there is no setpriv" : undefined;
}

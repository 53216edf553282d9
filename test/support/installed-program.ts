// Programs that tests need beside goshare and that a machine may lack: such tests are skipped there, but not where
// they are said to be.
import { spawnSync } from "node:child_process";

const LIMIT_MS = 10_000;

/** Why `program` cannot be run here, undefined if it can. Throws instead where `requiredBy`, a variable of the
 * environment, says that it is there. */
export function programProblem(
  program: string,
  versionOption: string,
  requiredBy: string,
): string | undefined {
  if (spawnSync(program, [versionOption], { timeout: LIMIT_MS }).status === 0) return undefined;
  const problem = `${program} is not installed (Debian: apt-get install ${program})`;
  if ((process.env[requiredBy] ?? "") !== "") throw new Error(problem);
  return problem;
}

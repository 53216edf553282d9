// Programs that tests need besides goshare, and that a machine may lack. There such tests are skipped, unless the
// environment says that the program is installed.
import { spawnSync } from "node:child_process";

const LIMIT_MS = 10_000;

/** Why `program` cannot be run here; undefined if it can. Throws instead if `requiredBy`, an environment variable, says
 * that it is there. */
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

// Tests that need hosts of their own: skipped where there can be none, unless they are required.
import { test } from "uvu";
import { namespaceProblem } from "./network-hosts.js";
import { skipTest } from "./skip-test.js";

const problem = namespaceProblem();
/** Where they are known to work, a skip would hide a failure. */
const isRequired = (process.env["GOSHARE_REQUIRE_NAMESPACES"] ?? "") !== "";

export function namespaceTest(title: string, body: () => Promise<void>): void {
  if (problem === undefined) test(title, body);
  else if (isRequired) {
    test(title, () => {
      throw new Error(problem);
    });
  } else skipTest(title, problem);
}

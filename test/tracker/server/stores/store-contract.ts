// What every store of the tracker must do, as one body of tests: each store's own test file runs it.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { boundTests, leaseTests, moveTests } from "./lease-contract.js";
import { type StoreFactory, StoreRig } from "./store-rig.js";
import { manifestTests, sampleTests } from "./swarm-contract.js";

/** Runs the tests on the stores that `factory` makes, each on its own. `differences` are the titles of those that
 * this store does not keep, each with what holds instead; its own file tests that. */
export function storeContract(
  name: string,
  factory: StoreFactory,
  differences: Readonly<Record<string, string>> = {},
  whenOver: () => Promise<void> = async () => {},
): void {
  const test = suite(name);
  const stated = new Set(Object.keys(differences));
  for (const tests of [leaseTests, moveTests, boundTests, sampleTests, manifestTests]) {
    for (const [title, run] of Object.entries(tests)) {
      if (stated.delete(title)) continue;
      test(title, () => run((limits) => new StoreRig(factory, limits)));
    }
  }
  test("every difference that is stated is one from a test", () => assert.equal([...stated], []));
  test.after(whenOver);
  test.run();
}

// What every store of the tracker must do, as one body of tests: each store's own test file runs it.
import { suite } from "uvu";
import { boundTests, leaseTests, moveTests } from "./lease-contract.js";
import { type StoreFactory, StoreRig } from "./store-rig.js";
import { manifestTests, sampleTests } from "./swarm-contract.js";

/** Runs the tests on the stores that `factory` makes, each on its own. */
export function storeContract(name: string, factory: StoreFactory): void {
  const test = suite(name);
  for (const tests of [leaseTests, moveTests, boundTests, sampleTests, manifestTests]) {
    for (const [title, run] of Object.entries(tests)) {
      test(title, () => run((limits) => new StoreRig(factory, limits)));
    }
  }
  test.run();
}

// Options over their defaults.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { GoshareError } from "../../src/core/errors.js";
import { resolveOptions } from "../../src/core/options.js";

interface Options {
  readonly waitMs: number;
  readonly name: string;
  readonly isEager: boolean;
}

const DEFAULTS: Options = Object.freeze({ waitMs: 10, name: "x", isEager: true });

test("what is given takes the place of a default, and undefined does not", () => {
  assert.equal(resolveOptions(DEFAULTS, {}), DEFAULTS);
  assert.equal(resolveOptions(DEFAULTS, { waitMs: 0, name: undefined, isEager: false }), {
    ...{ waitMs: 0, name: "x", isEager: false },
  });
});

test("what comes out cannot be changed, and the defaults are not", () => {
  const resolved = resolveOptions(DEFAULTS, { waitMs: 3 });
  assert.ok(Object.isFrozen(resolved));
  assert.is(DEFAULTS.waitMs, 10);
});

test("what is given beyond the defaults is left out", () => {
  const given = { waitMs: 3, other: 4 };
  assert.equal(Object.keys(resolveOptions(DEFAULTS, given)), ["waitMs", "name", "isEager"]);
});

test("numbers have to keep to their range, both ends included", () => {
  const ranges = { waitMs: [1, 20] } as const;
  for (const waitMs of [1, 20]) assert.is(resolveOptions(DEFAULTS, { waitMs }, ranges).waitMs, waitMs);
  for (const waitMs of [0.99, 21, Number.NaN, Number.POSITIVE_INFINITY, -1]) {
    try {
      resolveOptions(DEFAULTS, { waitMs }, ranges);
      assert.unreachable(`${waitMs} was taken`);
    } catch (thrown) {
      assert.ok(thrown instanceof GoshareError);
      assert.is(thrown.code, "USAGE");
      assert.match(thrown.message, /waitMs is .* not between 1 and 20/);
    }
  }
});

test("what is no number is not between two of them", () => {
  const given: Partial<Options> = JSON.parse('{ "waitMs": "5" }');
  assert.throws(
    () => resolveOptions(DEFAULTS, given, { waitMs: [1, 20] }),
    /waitMs is 5, which is not between/,
  );
});

test.run();

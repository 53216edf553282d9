import { test } from "uvu";
import * as assert from "uvu/assert";
import { MIB } from "../../src/core/units.js";
import { UplinkLoad } from "../../src/swarm/uploading/uplink-load.js";

/** An uplink of 1 MiB per 100 ms that has sent one chunk to `first`, in eight slices. */
function measured() {
  const load = new UplinkLoad<object>();
  const first = {};
  load.begun(first, MIB, 0);
  for (let slice = 1; slice <= 8; slice++) load.taken(first, MIB / 8, slice * 12.5);
  return { load, first };
}

test("as long as nothing was sent nobody knows how long anything takes", () => {
  const load = new UplinkLoad<object>();
  assert.is(load.waitMs(0), 0);
  assert.is(load.durationMs(MIB), Number.POSITIVE_INFINITY);
  load.begun({}, MIB, 0);
  assert.is(load.waitMs(0), Number.POSITIVE_INFINITY);
});

test("the uplink is busy with what is left of the chunks that have begun", () => {
  const { load, first } = measured();
  assert.is(load.durationMs(MIB), 100);
  assert.is(load.waitMs(100), 0);
  const second = {};
  load.begun(first, MIB, 100);
  load.begun(second, MIB, 100);
  load.taken(first, MIB / 2, 150);
  load.taken(second, MIB / 2, 200);
  assert.is(load.waitMs(200), 100);
  load.dropped(first, MIB / 2);
  assert.is(load.waitMs(200), 50);
});

test("what goes to a slow receiver does not count once that shows, nor the next time", () => {
  const { load, first } = measured();
  load.begun(first, MIB, 1_000);
  assert.is(load.waitMs(1_020), 100, "it may still come");
  load.taken(first, MIB / 16, 1_100);
  assert.is(load.waitMs(1_100), 0);
  load.taken(first, (MIB * 15) / 16, 2_000);
  load.begun(first, MIB, 2_000);
  assert.is(load.waitMs(2_000), 0);
});

test("those that share an uplink are not all taken for slow receivers", () => {
  const { load } = measured();
  const all = Array.from({ length: 6 }, () => ({}));
  for (const one of all) load.begun(one, MIB, 1_000);
  // Each has got a sixth of the uplink.
  for (let round = 1; round <= 4; round++)
    for (const one of all) load.taken(one, MIB / 8, 1_000 + round * 75);
  assert.ok(load.waitMs(1_300) > 100);
});

test.run();

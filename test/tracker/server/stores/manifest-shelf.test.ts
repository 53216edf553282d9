import { test } from "uvu";
import * as assert from "uvu/assert";
import { ManifestShelf, RootsInMemory } from "../../../../src/tracker/server/stores/manifest-shelf.js";
import { contentId, leaseKey } from "./store-rig.js";

const LIMITS = { maxManifests: 100_000, maxManifestBytesTotal: 1_000_000 };
const ONE = "192.0.2.1";
const OTHER = "192.0.2.2";

function rig() {
  const shelf = new ManifestShelf(LIMITS, new RootsInMemory());
  /** How many of so many shares are asked for, each of a peer of its own. */
  const asked = (host: string, from: number, to: number, nowMs = 0): number => {
    let count = 0;
    for (let n = from; n < to; n++) if (shelf.ask(contentId(n), leaseKey(n, host), nowMs)) count += 1;
    return count;
  };
  return { shelf, asked };
}

test("of one address a part of the roots is asked for that are asked for at a time", () => {
  const { asked } = rig();
  assert.is(asked(ONE, 0, 3_000), 2_500);
  assert.is(asked(OTHER, 3_000, 4_000), 1_000);
  assert.is(asked("127.0.0.1", 4_000, 20_000), 6_500);
  assert.is(asked(OTHER, 20_000, 20_001), 0);
  assert.is(asked(ONE, 0, 3_000, 30_000), 2_500, "after their time others are asked");
});

test("who has sent a root, or has no share of it any more, is asked for others", async () => {
  const { shelf, asked } = rig();
  assert.is(asked(ONE, 0, 2_500), 2_500);
  assert.is(asked(ONE, 2_500, 2_501), 0);
  await shelf.put(contentId(0), Buffer.from("root"), ONE);
  shelf.drop(contentId(1));
  assert.is(asked(ONE, 2_500, 2_600), 2);
});

test("what one address has sent takes a part of the room, and what it sends beyond that is not kept", async () => {
  const { shelf } = rig();
  const send = (n: number, host: string) => shelf.put(contentId(n), Buffer.alloc(100_000), host);
  const kept = [await send(0, ONE), await send(1, ONE), await send(2, ONE), await send(2, OTHER)];
  assert.equal(kept, [true, true, false, true]);
  shelf.drop(contentId(0));
  assert.equal([await send(3, ONE), await send(4, ONE)], [true, false]);
});

test.run();

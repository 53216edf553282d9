import { test } from "uvu";
import * as assert from "uvu/assert";
import { PeerRows } from "../../../src/tracker/server/peer-rows.js";
import type { StoredPeer } from "../../../src/tracker/server/stored-peer.js";
import { leaseKey } from "./stores/store-rig.js";

const PEERS: readonly StoredPeer[] = Array.from({ length: 50 }, (_, n) => ({
  key: leaseKey(n, n % 2 === 0 ? "10.0.0.1" : "2001:db8:1111:2222:3333:4444:5555:6666"),
  endpoints: n % 3 === 0 ? [{ host: "example.org", port: 1 + n, transport: "tcp" }] : [],
  chunksHeld: n,
  complete: n % 5 === 0,
}));

test("rows hold what was put in, whatever was in their memory before", () => {
  PeerRows.of([...PEERS].reverse()).giveBack();
  const rows = PeerRows.withRoomFor(3);
  assert.is(rows.length, 0);
  assert.equal([...rows], []);
  rows.giveBack();
  for (const count of [50, 1, 20]) {
    const some = PeerRows.of(PEERS.slice(0, count));
    assert.equal([...some], PEERS.slice(0, count));
    some.giveBack();
  }
});

test("rows that are still used are nobody else's", () => {
  const first = PeerRows.of(PEERS);
  const second = PeerRows.of([...PEERS].reverse());
  assert.equal([...first], PEERS);
  first.giveBack();
  assert.throws(() => first.giveBack(), /given back once/);
  assert.equal([...second], [...PEERS].reverse());
});

test.run();

import { randomBytes } from "node:crypto";
import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { MAX_LEASE_TOKEN_BYTES } from "../../../src/tracker/limits.js";
import { LeaseTokens } from "../../../src/tracker/server/lease-token.js";
import { leaseKey, peerId } from "./stores/store-rig.js";

const tokens = new LeaseTokens(randomBytes(32));
const LONGEST_HOST = "2001:db8:1111:2222:3333:4444:5555:6666";

test("a token says which lease it is for", () => {
  for (const key of [leaseKey(1), leaseKey(2, LONGEST_HOST, 65_535), leaseKey(3, "::1", 0)]) {
    assert.equal(tokens.read(key.peerId, tokens.issue(key)), key);
  }
});

test("a token says the place of its lease, and only a token of the same secret does", () => {
  for (const key of [leaseKey(1), leaseKey(2, LONGEST_HOST, 65_535), leaseKey(3, "::1", 0)]) {
    const token = tokens.issue(key);
    assert.is(tokens.isFor(key.host, key.listenPort, token), true);
    assert.is(tokens.isFor(key.host, key.listenPort ^ 1, token), false);
    assert.is(tokens.isFor(key.host, key.listenPort ^ 0x100, token), false);
    assert.is(tokens.isFor(`${key.host}0`, key.listenPort, token), false);
    assert.is(tokens.isFor(key.host.slice(0, -1), key.listenPort, token), false);
    assert.is(new LeaseTokens(randomBytes(32)).isFor(key.host, key.listenPort, token), false);
    assert.is(tokens.isFor(key.host, key.listenPort, new Uint8Array(0)), false);
  }
});

test("the longest token keeps the protocol's limit", () => {
  assert.ok(tokens.issue(leaseKey(1, LONGEST_HOST)).length <= MAX_LEASE_TOKEN_BYTES);
});

test("a token is no good for another peer, or at a tracker with another secret", () => {
  const token = tokens.issue(leaseKey(1));
  assert.is(tokens.read(peerId(2), token), undefined);
  assert.is(new LeaseTokens(randomBytes(32)).read(peerId(1), token), undefined);
});

test("a token with any byte changed, or cut, or longer, is none", () => {
  const token = Buffer.from(tokens.issue(leaseKey(1)));
  for (let at = 0; at < token.length; at++) {
    const changed = Buffer.from(token);
    changed[at] = (changed[at] ?? 0) ^ 1;
    assert.is(tokens.read(peerId(1), changed), undefined);
    assert.is(tokens.read(peerId(1), token.subarray(0, at)), undefined);
  }
  assert.is(tokens.read(peerId(1), Buffer.concat([token, Buffer.from("1")])), undefined);
});

test("arbitrary bytes are no token", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => tokens.read(peerId(1), bytes) === undefined),
  );
});

test.run();

// Peers with addresses close to the asker's, through a whole tracker.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { TrackerService } from "../../../gen/goshare/v1/tracker_pb.js";
import { idToBytes } from "../../../src/core/ids.js";
import { MAX_PEERS_PER_RESPONSE } from "../../../src/tracker/limits.js";
import { MemoryStore } from "../../../src/tracker/server/stores/memory-store.js";
import { withTracker } from "./rig.js";
import {
  A,
  contentId,
  FakeClock,
  leaseKey,
  peerId,
  ROOMY,
  seededRandom,
  TTL_MS,
} from "./stores/store-rig.js";

const { announce, listPeers } = TrackerService.method;
const NEAR = 30;
const FAR = 120;

/** The hosts that loopback is told of, of so many there and elsewhere. */
async function hostsTold(preferNear: boolean, max: number): Promise<readonly string[]> {
  const store = new MemoryStore(ROOMY, new FakeClock(), seededRandom(5));
  for (let n = 0; n < NEAR + FAR; n++) {
    const key = leaseKey(n, n < NEAR ? `127.0.0.${n + 2}` : `198.51.100.${n}`);
    const shares = [{ contentId: A, chunksHeld: 1, complete: n % 3 === 0 }];
    await store.announce({ key, runEpochMs: 1, endpoints: [], shares, ttlMs: TTL_MS });
  }
  let hosts: readonly string[] = [];
  const use = async ({ call }: Parameters<Parameters<typeof withTracker>[1]>[0]): Promise<void> => {
    const { peers, counts } = await call(listPeers, { contentId: idToBytes(A), max });
    assert.equal([counts?.completePeers, counts?.partialPeers], [50, 100]);
    hosts = peers.map(({ endpoints }) => endpoints[0]?.host ?? "");
  };
  await withTracker({ preferNear }, use, store);
  return hosts;
}

const nearIn = (hosts: readonly string[]): number => hosts.filter((host) => host.startsWith("127.")).length;

test("where those nearby are preferred half of an answer is theirs, and they come first", async () => {
  const hosts = await hostsTold(true, 20);
  assert.is(hosts.length, 20);
  const near = nearIn(hosts);
  assert.ok(near >= 9 && near < 15, `${near} of 20`);
  assert.is(nearIn(hosts.slice(0, near)), near);
});

test("an answer is as large as it is wanted, whether they are preferred or not", async () => {
  for (const preferNear of [true, false]) {
    assert.is((await hostsTold(preferNear, 50)).length, 50);
    assert.is((await hostsTold(preferNear, 0)).length, 0);
  }
  assert.ok(nearIn(await hostsTold(false, 20)) < 9);
});

test("an answer about many shares holds no more peers for it, and the first shares get theirs", async () => {
  const store = new MemoryStore(ROOMY, new FakeClock(), seededRandom(5));
  const contentIds = Array.from({ length: 60 }, (_, n) => contentId(n));
  for (let n = 0; n < 50; n++) {
    const shares = contentIds.map((contentId) => ({ contentId, chunksHeld: 1, complete: false }));
    const key = leaseKey(n, `198.51.100.${n}`);
    await store.announce({ key, runEpochMs: 1, endpoints: [], shares, ttlMs: TTL_MS });
  }
  const asking = {
    ...{ peerId: idToBytes(peerId(1_000)), runEpochMs: 1n, listenPort: 9_000 },
    shares: contentIds.map((contentId) => ({ contentId: idToBytes(contentId), wantPeers: 50 })),
  };
  const use = async ({ call }: Parameters<Parameters<typeof withTracker>[1]>[0]): Promise<void> => {
    const { answers } = await call(announce, asking);
    assert.equal(
      answers.map(({ peers }) => peers.length),
      contentIds.map((_, n) => (n < MAX_PEERS_PER_RESPONSE / 50 ? 50 : 0)),
    );
  };
  await withTracker({ preferNear: true }, use, store);
});

test.run();

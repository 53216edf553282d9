// What the tests of every store stand on: a clock that is turned by hand, numbered ids, a store with short
// calls.
import {
  type ContentId,
  contentIdFromBytes,
  type PeerId,
  peerIdFromBytes,
} from "../../../../src/core/ids.js";
import type { HeldShare } from "../../../../src/tracker/announcement.js";
import type { LeaseUpdate, StoreLimits, TrackerStore } from "../../../../src/tracker/server/store.js";
import type { LeaseKey } from "../../../../src/tracker/server/stored-peer.js";

export const TTL_MS = 75_000;

export interface StoreParts {
  readonly limits: StoreLimits;
  readonly clock: FakeClock;
  readonly random: () => number;
}

export type StoreFactory = (parts: StoreParts) => TrackerStore;

export class FakeClock {
  #nowMs = 1_000_000;

  nowMs(): number {
    return this.#nowMs;
  }

  advance(ms: number): void {
    this.#nowMs += ms;
  }
}

/** Numbers from 0 to 1, the same for the same seed (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

export function contentId(n: number): ContentId {
  const id = contentIdFromBytes(numbered(n, 0xcc));
  if (id === undefined) throw new Error("32 bytes are a content id");
  return id;
}

export function peerId(n: number): PeerId {
  const id = peerIdFromBytes(numbered(n, 0xee));
  if (id === undefined) throw new Error("32 bytes are a peer id");
  return id;
}

function numbered(n: number, fill: number): Buffer {
  const bytes = Buffer.alloc(32, fill);
  bytes.writeUInt32BE(n);
  return bytes;
}

export function leaseKey(n: number, host = "10.0.0.1", listenPort = 9000): LeaseKey {
  return { peerId: peerId(n), host, listenPort };
}

export const ROOMY: StoreLimits = {
  maxPeers: 10_000,
  maxLeases: 100_000,
  maxLeasesPerPeer: 10_000,
  maxLeasesPerSwarm: 10_000,
  maxManifests: 100,
  maxManifestBytesTotal: 1_000_000,
};

/** A sender of roots of whom as many are kept as there is room for: loopback. */
export const HERE = "127.0.0.1";

export const A = contentId(1);
export const B = contentId(2);
export const C = contentId(3);

export class StoreRig {
  readonly clock = new FakeClock();
  readonly store: TrackerStore;

  constructor(factory: StoreFactory, limits: Partial<StoreLimits> = {}) {
    this.store = factory({ limits: { ...ROOMY, ...limits }, clock: this.clock, random: seededRandom(7) });
  }

  async announce(key: LeaseKey, contentIds: readonly ContentId[], more: Partial<LeaseUpdate> = {}) {
    const shares = contentIds.map((id): HeldShare => ({ contentId: id, chunksHeld: 1, complete: false }));
    return this.store.announce({ key, runEpochMs: 5000, endpoints: [], shares, ttlMs: TTL_MS, ...more });
  }

  async complete(key: LeaseKey, ...contentIds: readonly ContentId[]) {
    const shares = contentIds.map((id): HeldShare => ({ contentId: id, chunksHeld: 8, complete: true }));
    return this.store.announce({ key, runEpochMs: 5000, endpoints: [], shares, ttlMs: TTL_MS });
  }

  async sample(id: ContentId, max = 50, exclude: readonly PeerId[] = []) {
    const [sample] = await this.store.sample([{ contentId: id, max }], exclude, 2000);
    if (sample === undefined) throw new Error("one query has one sample");
    return { peers: [...sample.peers], counts: sample.counts };
  }

  async peersOf(id: ContentId): Promise<readonly PeerId[]> {
    return (await this.sample(id)).peers.map((peer) => peer.key.peerId).sort();
  }

  async total(id: ContentId): Promise<number> {
    const { counts } = await this.sample(id, 0);
    return counts.completePeers + counts.partialPeers;
  }

  async pass(ms: number): Promise<void> {
    this.clock.advance(ms);
    await this.store.expire();
  }
}

/** Tests by their titles; each makes the stores it needs. */
export type StoreTests = Readonly<
  Record<string, (make: (limits?: Partial<StoreLimits>) => StoreRig) => Promise<void>>
>;

// The tracker's memory in this process: leases that end by themselves, and roots. Nothing outlives the process.
import { randomBytes } from "node:crypto";
import type { Clock } from "../../../core/clock.js";
import type { ContentId, PeerId } from "../../../core/ids.js";
import type {
  LeaseResult,
  LeaseUpdate,
  SampleQuery,
  StoreLimits,
  StoreSize,
  SwarmSample,
  TrackerStore,
} from "../store.js";
import { SECRET_BYTES } from "../store.js";
import type { LeaseKey } from "../stored-peer.js";
import { LeaseBook } from "./leases/lease-book.js";
import { ManifestShelf, type RootBytes, RootsInMemory } from "./manifest-shelf.js";

/** The parts that another store keeps elsewhere. */
export interface KeptElsewhere {
  readonly roots: RootBytes;
  readonly secret: Uint8Array;
}

export class MemoryStore implements TrackerStore {
  protected readonly clock: Clock;
  protected readonly leases: LeaseBook;
  protected readonly manifests: ManifestShelf;
  readonly #secret: Uint8Array;
  #expiring: Promise<void> | undefined;

  /** `random` gives numbers from 0 up to, not including, 1. */
  constructor(
    limits: StoreLimits,
    clock: Clock,
    random: () => number = Math.random,
    elsewhere: KeptElsewhere = { roots: new RootsInMemory(), secret: randomBytes(SECRET_BYTES) },
  ) {
    this.clock = clock;
    this.manifests = new ManifestShelf(limits, elsewhere.roots);
    this.leases = new LeaseBook(limits, random, (contentId) => this.manifests.drop(contentId));
    this.#secret = elsewhere.secret;
  }

  async secret(): Promise<Uint8Array> {
    return this.#secret;
  }

  async announce(update: LeaseUpdate): Promise<LeaseResult> {
    const nowMs = this.clock.nowMs();
    const { outcome, completeShares } = this.leases.announce(update, nowMs);
    const wantedManifests = completeShares.filter((id) => this.manifests.ask(id, update.key, nowMs));
    return { outcome, wantedManifests };
  }

  async withdraw(key: LeaseKey, contentIds: readonly ContentId[]): Promise<void> {
    this.leases.withdraw(key, contentIds);
  }

  async sample(
    queries: readonly SampleQuery[],
    exclude: readonly PeerId[],
    maxPeers: number,
  ): Promise<readonly SwarmSample[]> {
    return this.leases.sample(queries, exclude, maxPeers, this.clock.nowMs());
  }

  async manifest(contentId: ContentId): Promise<Uint8Array | undefined> {
    return this.manifests.get(contentId);
  }

  async holdsLease(key: LeaseKey, contentId: ContentId): Promise<boolean> {
    return this.leases.holdsLease(key, contentId, this.clock.nowMs());
  }

  async putManifest(contentId: ContentId, bytes: Uint8Array, host: string): Promise<boolean> {
    return this.leases.hasSwarm(contentId) && this.manifests.put(contentId, bytes, host);
  }

  async expire(): Promise<void> {
    this.#expiring ??= this.#expireInSteps().finally(() => {
      this.#expiring = undefined;
    });
    return this.#expiring;
  }

  /** Other work has its turn between the steps. */
  async #expireInSteps(): Promise<void> {
    let next = this.leases.expireFrom(0, this.clock.nowMs());
    while (next !== undefined) {
      await new Promise(setImmediate);
      next = this.leases.expireFrom(next, this.clock.nowMs());
    }
  }

  async size(): Promise<StoreSize> {
    const { peerCount: peers, leaseCount: leases, swarmCount: swarms } = this.leases;
    return { peers, leases, swarms, ...this.manifests.size() };
  }

  async close(): Promise<void> {}
}

// The tracker's memory in Redis, shared by any number of trackers that keep nothing themselves. Leases end by the clock
// of the Redis server, whatever the trackers' clocks say. The cost of a call grows only with what it is given and
// returns. Redis bounds how many peers and leases there may be (maxmemory), not the tracker; the bound of each peer
// holds here.
import { randomBytes } from "node:crypto";
import type { Clock } from "../../../core/clock.js";
import { type ContentId, contentIdFromBytes, idToBytes, type PeerId } from "../../../core/ids.js";
import type { HeldShare } from "../../announcement.js";
import { MAX_LEASE_MS } from "../../limits.js";
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
import { AnnounceMeter } from "./announce-meter.js";
import { type RedisCalls, RedisFullError } from "./redis-calls.js";
import { memberOf, RedisKeys } from "./redis-keys.js";
import { placeBytes, stateBytes } from "./redis-records.js";
import { integerOf, itemsOf, textOf } from "./redis-reply.js";
import { RedisSampler } from "./redis-sampler.js";
import * as scripts from "./redis-scripts.js";

const LATER_THAN_ALL = Number.MAX_SAFE_INTEGER;

interface Held {
  readonly contentId: ContentId;
  readonly endsAtMs: number;
}

export class RedisStore implements TrackerStore {
  readonly #redis: RedisCalls;
  readonly #limits: StoreLimits;
  readonly #random: () => number;
  readonly #keys: RedisKeys;
  readonly #sampler: RedisSampler;
  readonly #meter: AnnounceMeter;
  #secret: Uint8Array | undefined;

  /** `clock` only measures this process's own work. `random` gives numbers from 0 up to, not including, 1. */
  constructor(
    redis: RedisCalls,
    limits: StoreLimits,
    clock: Clock,
    prefix = "goshare:",
    random: () => number = Math.random,
  ) {
    this.#redis = redis;
    this.#limits = limits;
    this.#random = random;
    this.#keys = new RedisKeys(prefix, redis.isCluster);
    this.#sampler = new RedisSampler(redis, this.#keys, random);
    this.#meter = new AnnounceMeter(clock);
  }

  /** Checks that Redis can do what is wanted of it; rejects with its error if not. */
  async probe(): Promise<void> {
    await this.#redis.run(scripts.PROBE, [this.#keys.probe], []);
  }

  async announce(update: LeaseUpdate): Promise<LeaseResult> {
    try {
      return await this.#announce(update);
    } catch (error) {
      if (error instanceof RedisFullError) return { outcome: "trackerFull", wantedManifests: [] };
      throw error;
    }
  }

  async #announce(update: LeaseUpdate): Promise<LeaseResult> {
    const { key, movedFrom, runEpochMs, shares } = update;
    const member = memberOf(key);
    const from = movedFrom === undefined ? member : memberOf(movedFrom);
    const moves = from.equals(member) ? [] : await this.#held(from, runEpochMs);
    if (moves === undefined) return { outcome: "stale", wantedManifests: [] };

    const ttlMs = Math.min(Math.ceil(update.ttlMs), MAX_LEASE_MS);
    const claim = await this.#claim(member, runEpochMs, ttlMs, shares, moves);
    const [claimed = "", dropped] = claim.split(" ");
    if (claimed === "stale") return { outcome: "stale", wantedManifests: [] };
    const place = placeBytes(key, update.endpoints);
    const listed = key.listenPort !== 0 || update.endpoints.length > 0 ? 1 : 0;
    if (dropped !== undefined) await this.#drop(from, moves);
    else if (moves.length > 0) await this.#move(from, moves, [member, place, listed]);

    const taken = claimed === "held" ? shares : shares.filter((_, index) => claimed[index] === "1");
    const { refused, wantedManifests } = await this.#lease(taken, [member, place, ttlMs, listed], key.peerId);
    this.#meter.count(taken.length - refused.length, ttlMs);
    if (refused.length > 0)
      await this.#redis.run(scripts.FORGET, [this.#keys.held(member)], refused.map(idToBytes));
    if (claimed !== "held") return { outcome: "peerFull", wantedManifests };
    return { outcome: refused.length > 0 ? "swarmFull" : "held", wantedManifests };
  }

  /** What the peer holds; undefined if a later run than `runEpochMs` holds it. */
  async #held(member: Buffer, runEpochMs: number): Promise<readonly Held[] | undefined> {
    const reply = await this.#redis.run(scripts.HELD, [this.#keys.held(member)], [runEpochMs]);
    if (!Array.isArray(reply)) return undefined;
    const held: Held[] = [];
    const items = itemsOf(reply);
    for (let at = 0; at + 1 < items.length; at += 2) {
      const id = items[at];
      const contentId = Buffer.isBuffer(id) ? contentIdFromBytes(id) : undefined;
      if (contentId !== undefined) held.push({ contentId, endsAtMs: Number(textOf(items[at + 1])) });
    }
    return held;
  }

  /** The answer of the script CLAIM. */
  async #claim(
    member: Buffer,
    runEpochMs: number,
    ttlMs: number,
    shares: readonly HeldShare[],
    moves: readonly Held[],
  ): Promise<string> {
    const ids = shares.map(({ contentId }) => idToBytes(contentId));
    const moved = moves.flatMap(({ contentId, endsAtMs }) => [idToBytes(contentId), endsAtMs]);
    const args = [runEpochMs, ttlMs, this.#limits.maxLeasesPerPeer, ...ids, "", ...moved];
    return textOf(await this.#redis.run(scripts.CLAIM, [this.#keys.held(member)], args));
  }

  async #move(from: Buffer, moves: readonly Held[], to: readonly (Buffer | number)[]): Promise<void> {
    await this.#keys.eachGroup(moves, (_, keys) => this.#redis.run(scripts.MOVE, keys, [from, ...to]));
    await this.#redis.run(scripts.FORGET, [this.#keys.held(from)], []);
  }

  async #lease(
    shares: readonly HeldShare[],
    lease: readonly (Buffer | number)[],
    peerId: PeerId,
  ): Promise<{ refused: ContentId[]; wantedManifests: ContentId[] }> {
    const { maxLeasesPerSwarm, maxManifests, maxManifestBytesTotal } = this.#limits;
    const asker = maxManifests === 0 || maxManifestBytesTotal === 0 ? "" : idToBytes(peerId);
    const turn = Math.floor(this.#random() * scripts.CLEARING_TURNS);
    const answers = await this.#keys.eachGroup(shares, async (group, keys) => {
      const args = [...lease, turn, maxLeasesPerSwarm, asker, ...group.map(stateBytes)];
      const numbers = itemsOf(await this.#redis.run(scripts.LEASE, keys, args)).map(integerOf);
      const marked = (sign: 1 | -1): ContentId[] =>
        group.filter((_, index) => numbers.includes(sign * (index + 1))).map(({ contentId }) => contentId);
      return { refused: marked(-1), wantedManifests: marked(1) };
    });
    return {
      refused: answers.flatMap(({ refused }) => refused),
      wantedManifests: answers.flatMap(({ wantedManifests }) => wantedManifests),
    };
  }

  async withdraw(key: LeaseKey, contentIds: readonly ContentId[]): Promise<void> {
    const member = memberOf(key);
    const named = contentIds.map((contentId) => ({ contentId }));
    const ending = contentIds.length > 0 ? named : ((await this.#held(member, LATER_THAN_ALL)) ?? []);
    await this.#drop(member, ending, contentIds);
  }

  /** Ends leases, and notes that the peer no longer holds those in `named`, or anything at all if that is empty. */
  async #drop(
    member: Buffer,
    ending: readonly Pick<Held, "contentId">[],
    named: readonly ContentId[] = [],
  ): Promise<void> {
    await this.#keys.eachGroup(ending, (_, keys) => this.#redis.run(scripts.DROP, keys, [member]));
    // Last, so that an interrupted step can be repeated.
    await this.#redis.run(scripts.FORGET, [this.#keys.held(member)], named.map(idToBytes));
  }

  async sample(
    queries: readonly SampleQuery[],
    exclude: readonly PeerId[],
    maxPeers: number,
  ): Promise<readonly SwarmSample[]> {
    return this.#sampler.sample(queries, exclude, maxPeers);
  }

  async manifest(contentId: ContentId): Promise<Uint8Array | undefined> {
    const root = await this.#redis.run(scripts.ROOT, this.#keys.shares([contentId]), []);
    return Buffer.isBuffer(root) ? root : undefined;
  }

  async holdsLease(key: LeaseKey, contentId: ContentId): Promise<boolean> {
    const [swarm = ""] = this.#keys.shares([contentId]);
    return integerOf(await this.#redis.run(scripts.HOLDS, [swarm], [memberOf(key)])) === 1;
  }

  async putManifest(contentId: ContentId, bytes: Uint8Array): Promise<boolean> {
    const { maxManifests, maxManifestBytesTotal } = this.#limits;
    if (maxManifests === 0 || bytes.length > maxManifestBytesTotal) return false;
    const kept = this.#redis.run(scripts.KEEP, this.#keys.shares([contentId]), [bytes]);
    return integerOf(await kept.catch(unlessFull)) === 1;
  }

  /** Nothing to do: scores end leases, announcements clear ended ones away, and keys end by themselves. */
  async expire(): Promise<void> {}

  /** Gives Redis the secret back if it has lost it, so that tokens stay good for trackers that start later. */
  async check(): Promise<void> {
    await this.#redis.settle(this.#keys.secret, await this.secret());
  }

  async secret(): Promise<Uint8Array> {
    this.#secret ??= await this.#redis.settle(this.#keys.secret, randomBytes(SECRET_BYTES));
    return this.#secret;
  }

  /** Estimated from this tracker's announcements of the last minute. Does not count roots. */
  async size(): Promise<StoreSize> {
    return { ...this.#meter.estimate(), manifests: 0, manifestBytes: 0 };
  }

  async close(): Promise<void> {
    await this.#redis.close();
  }
}

/** The answer of a script that kept nothing, if Redis has no memory for it. */
function unlessFull(error: unknown): number {
  if (error instanceof RedisFullError) return 0;
  throw error;
}

// Samples of swarms in Redis: one call for each group of queries, and a second only if the first showed that part of
// the response's limit had been reserved for swarms with few peers. Writes nothing.
import type { PeerId } from "../../../core/ids.js";
import { PeerRows } from "../peer-rows.js";
import type { SampleQuery, SwarmSample } from "../store.js";
import type { StoredPeer } from "../stored-peer.js";
import { firstPart } from "./mixed-part.js";
import type { RedisCalls } from "./redis-calls.js";
import type { RedisKeys } from "./redis-keys.js";
import { peerOfRecord } from "./redis-records.js";
import { integerOf, itemsOf } from "./redis-reply.js";
import { LEASE_KINDS, SAMPLE } from "./redis-scripts.js";

/** Leases of one excluded peer that a sample makes up for: there may be one by IPv4 and one by IPv6. */
const PLACES_PER_PEER = 2;

interface Draw extends SampleQuery {
  /** The index of its query in the response. */
  readonly index: number;
}

interface Drawn extends Omit<SwarmSample, "peers"> {
  readonly peers: readonly StoredPeer[];
  /** Leases that could be drawn. */
  readonly listed: number;
}

const NOBODY: Drawn = { peers: [], counts: { completePeers: 0, partialPeers: 0 }, listed: 0 };

export class RedisSampler {
  readonly #redis: RedisCalls;
  readonly #keys: RedisKeys;
  readonly #random: () => number;

  constructor(redis: RedisCalls, keys: RedisKeys, random: () => number) {
    this.#redis = redis;
    this.#keys = keys;
    this.#random = random;
  }

  /** As TrackerStore.sample. */
  async sample(
    queries: readonly SampleQuery[],
    exclude: readonly PeerId[],
    maxPeers: number,
  ): Promise<readonly SwarmSample[]> {
    const drawn: Drawn[] = queries.map(() => NOBODY);
    const first = budgeted(queries, maxPeers);
    await this.#draw(first, exclude, drawn);
    const available = queries.map(({ contentId, max }, index) => ({
      contentId,
      max: Math.min(max, drawn[index]?.listed ?? 0),
    }));
    const isCutShort = (draw: Draw) => draw.max > (first[draw.index]?.max ?? 0);
    const second = budgeted(available, maxPeers).filter(isCutShort);
    await this.#draw(second, exclude, drawn);

    let left = maxPeers;
    return drawn.map(({ peers, counts }, index) => {
      const given = peers.slice(0, Math.min(queries[index]?.max ?? 0, left));
      left -= given.length;
      return { peers: PeerRows.of(given), counts };
    });
  }

  async #draw(draws: readonly Draw[], exclude: readonly PeerId[], drawn: Drawn[]): Promise<void> {
    // One more in case chance has rounded the mixture the other way.
    const spare = 1 + exclude.length * PLACES_PER_PEER;
    await this.#keys.eachGroup(draws, async (group, keys) => {
      const seed = Math.floor(this.#random() * 2 ** 31);
      const wanted = group.map(({ max }) => max);
      const answers = itemsOf(await this.#redis.run(SAMPLE, keys, [seed, spare, ...wanted]));
      for (const [at, { index, max }] of group.entries()) {
        drawn[index] = this.#read(itemsOf(answers[at]), exclude, max);
      }
    });
  }

  #read(answer: readonly unknown[], exclude: readonly PeerId[], max: number): Drawn {
    const counts = answer.slice(0, LEASE_KINDS).map(integerOf);
    const [complete = 0, partial = 0, hiddenComplete = 0, hiddenPartial = 0] = counts;
    const found: StoredPeer[] = [];
    for (const record of answer.slice(LEASE_KINDS)) {
      const peer = Buffer.isBuffer(record) ? peerOfRecord(record) : undefined;
      if (peer === undefined || exclude.includes(peer.key.peerId)) continue;
      // Which ones are left out must not depend on the order in which they were drawn.
      const at = Math.floor(this.#random() * (found.length + 1));
      const moved = found[at];
      if (moved !== undefined) found.push(moved);
      found[at] = peer;
    }
    const whole = found.filter((peer) => peer.complete);
    const rest = found.filter((peer) => !peer.complete);
    const part = Math.max(firstPart([complete, partial], max, this.#random), max - rest.length);
    return {
      peers: [...whole.slice(0, part), ...rest].slice(0, max),
      counts: { completePeers: complete + hiddenComplete, partialPeers: partial + hiddenPartial },
      listed: complete + partial,
    };
  }
}

/** How many peers each query may have, so that all have `maxPeers` together; the first queries come first. */
function budgeted(queries: readonly SampleQuery[], maxPeers: number): Draw[] {
  let left = maxPeers;
  return queries.map(({ contentId, max }, index) => {
    const part = Math.min(max, left);
    left -= part;
    return { contentId, max: part, index };
  });
}

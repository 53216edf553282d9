// What the upload queue of one sharer costs while a share is distributed to many, from its first chunk until all of
// them have everything. No bytes move: the swarm around the queue is a few arrays, and is not timed.
import { performance } from "node:perf_hooks";
import { Bitfield } from "../src/core/bitfield.js";
import { ChunkSet } from "../src/swarm/availability/chunk-set.js";
import { defaultOfferingOptions } from "../src/swarm/options.js";
import { type OfferedRecipient, UploadQueue } from "../src/swarm/uploading/upload-queue.js";
import { Random } from "./random.js";

interface Recipient extends OfferedRecipient {
  /** As small as it can be, so that the swarm around the queue does not take the processor's caches from it. */
  readonly has: ChunkSet;
}

/** The deliveries are divided into this many equal parts, to find the slowest. */
const PHASES = 64;

const MILLISECONDS_PER_DELIVERY = 10;

export interface QueueCost {
  readonly meanMicroseconds: number;
  /** In the slowest part of the distribution. */
  readonly worstMicroseconds: number;
  /** The part of the mean that goes into what recipients announce that came from others. */
  readonly newsMicroseconds: number;
}

/** Microseconds per chunk that the sharer delivers. `isExchanging`: each time it delivers one, every recipient also
 * gets one from another and announces it; otherwise everything comes from the sharer. */
export function measureQueue(chunkCount: number, recipientCount: number, isExchanging: boolean): QueueCost {
  const random = new Random(1).next;
  const queue = new UploadQueue<Recipient>(defaultOfferingOptions, Bitfield.full(chunkCount));
  let lastOfferId = 0;
  const nextOfferId = () => ++lastOfferId;
  const recipients = Array.from({ length: recipientCount }, () => ({
    ...{ has: new ChunkSet(chunkCount), nextOfferId },
  }));
  for (const recipient of recipients) queue.recipientJoined(recipient, "none", true);
  /** Chunks that some recipient has, in the order in which they came from the sharer. */
  const given: number[] = [];
  const isGiven = new ChunkSet(chunkCount);
  const costs: number[] = [];
  let newsMs = 0;
  for (let nowMs = 0; ; nowMs += MILLISECONDS_PER_DELIVERY) {
    const beganMs = performance.now();
    const offer = queue.offer(nowMs, random);
    if (offer === undefined) break;
    const { recipient, offerId, chunkIndexes } = offer;
    const chunkIndex = chunkIndexes[0] ?? 0;
    queue.accepted(recipient, offerId, chunkIndex, nowMs);
    queue.sent(recipient, chunkIndex);
    queue.recipientGained(recipient, [chunkIndex]);
    const offeredMs = performance.now() - beganMs;
    recipient.has.add(chunkIndex);
    if (isGiven.add(chunkIndex)) given.push(chunkIndex);
    const news = isExchanging ? recipients.map((one) => [one, exchanged(one, given, random)] as const) : [];
    const toldMs = performance.now();
    for (const [one, gained] of news) if (gained.length > 0) queue.recipientGained(one, gained);
    const tellingMs = performance.now() - toldMs;
    newsMs += tellingMs;
    costs.push(offeredMs + tellingMs);
  }
  if (recipients.some(({ has }) => has.count < chunkCount))
    throw new Error("the distribution has stopped early");
  return costOf(costs, newsMs);
}

/** The chunk that a recipient gets from another, if one is found where it looks first. */
function exchanged(one: Recipient, given: readonly number[], random: () => number): number[] {
  const from = Math.floor(random() * given.length);
  for (let step = 0; step < Math.min(given.length, 32); step++) {
    const chunkIndex = given[(from + step) % given.length] ?? 0;
    if (one.has.add(chunkIndex)) return [chunkIndex];
  }
  return [];
}

function costOf(costsMs: readonly number[], newsMs: number): QueueCost {
  const phase = Math.ceil(costsMs.length / PHASES);
  const means: number[] = [];
  for (let from = 0; from < costsMs.length; from += phase)
    means.push(mean(costsMs.slice(from, from + phase)));
  return {
    meanMicroseconds: mean(costsMs) * 1000,
    worstMicroseconds: Math.max(...means) * 1000,
    newsMicroseconds: (newsMs / costsMs.length) * 1000,
  };
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

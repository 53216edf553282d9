// What a requester answers to an offer. Decides; sends nothing.
import type { PeerId } from "../../core/ids.js";
import type { DeclineReason } from "../../peer/messages.js";
import type { ChunkScheduler } from "./scheduler.js";

/** The chunk to ask for, which now counts as asked of the provider; or why none is asked for. */
export type OfferAnswer =
  | { readonly chunkIndex: number }
  | { readonly reason: DeclineReason; readonly retryAfterMs: number };

/** What this process can take in. */
export interface Receiving {
  /** Whether there is room for one more chunk. */
  hasRoom(): boolean;
  /** Whether the rate lets a chunk be asked for now. */
  mayAsk(): boolean;
  waitMs(): number;
}

/** Answers with the first offered chunk that is neither here nor asked for elsewhere. */
export function answerOffer(
  scheduler: ChunkScheduler,
  provider: { readonly id: PeerId; readonly isReadyForOne: boolean },
  chunkIndexes: readonly number[],
  receiving: Receiving,
): OfferAnswer {
  if (scheduler.isDone) return { reason: "notWanted", retryAfterMs: 0 };
  if (!provider.isReadyForOne || !receiving.hasRoom()) return { reason: "noRoom", retryAfterMs: 0 };
  if (!receiving.mayAsk()) return { reason: "noRoom", retryAfterMs: Math.ceil(receiving.waitMs()) };
  const chunkIndex = scheduler.take(provider.id, chunkIndexes);
  return chunkIndex === undefined ? { reason: "notNeeded", retryAfterMs: 0 } : { chunkIndex };
}

// What a chunk download works with, and what it tells its owner. Types only.
import type { Selection } from "../../manifest/selection.js";
import type { RefusalReason } from "../../peer/messages.js";
import type { ChunkStore } from "../../workers/chunk-store.js";
import type { SlotPool } from "../../workers/slots.js";
import type { WorkerPool } from "../../workers/worker-pool.js";
import type { DownloadPeer } from "../neighbours/download-peer.js";
import type { RateBudget } from "../rate-budget.js";

export interface ChunkWork {
  readonly selection: Selection;
  /** Puts back the slots that it takes out of `slots`. */
  readonly store: ChunkStore;
  /** Made for `slots`. */
  readonly pool: WorkerPool;
  readonly slots: SlotPool;
  /** The rate at which chunks may be asked for; undefined: no limit. */
  readonly budget: RateBudget | undefined;
}

export interface ChunkDownloadEvents {
  /** More bytes are verified and written. */
  progressed(): void;
  /** This chunk is verified, and may be given to others: all of it is kept. */
  verified(chunkIndex: number): void;
  /** A peer sent wrong bytes; the connection is closed by now. */
  lied(peer: DownloadPeer, chunkIndex: number): void;
  /** A peer stopped in the middle of a chunk and keeps memory that others need: it is to be disconnected. */
  stalled(peer: DownloadPeer): void;
  /** A peer will not give a chunk. */
  refused(peer: DownloadPeer, reason: RefusalReason, chunkIndex: number): void;
}

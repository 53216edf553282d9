// One peer of a simulated swarm: production's Offering on one side, the scheduler of a downloader on the other, and the
// connections of both to other peers. Passes on what happens; decides nothing itself.
import { Bitfield } from "../../src/core/bitfield.js";
import type { Timers } from "../../src/core/clock.js";
import {
  type ContentId,
  contentIdFromBytes,
  DIGEST_BYTES,
  type PeerId,
  peerIdFromBytes,
} from "../../src/core/ids.js";
import { type DeclineReason, OFFERS_FEATURE } from "../../src/peer/messages.js";
import type { PeerCoverage } from "../../src/swarm/availability/coverage.js";
import { defaultServerOptions, type OfferingOptions } from "../../src/swarm/options.js";
import { RateBudget } from "../../src/swarm/rate-budget.js";
import { Offering, pullRequests } from "../../src/swarm/uploading/offering.js";
import type { Random } from "../random.js";
import { ChunkTurns } from "./chunk-turns.js";
import { Downlink } from "./downlink.js";
import { LinkWire } from "./link-wire.js";
import type { Neighbour, NeighbourOwner } from "./neighbour.js";
import { SimDownload } from "./sim-download.js";
import { LimitWire, type Wire } from "./wire.js";

/** What all peers of a swarm have in common. */
export interface PeerSetting {
  readonly model: "link" | "limit";
  readonly chunkCount: number;
  readonly chunkBytes: number;
  readonly verifyMs: readonly [number, number];
  readonly offering: OfferingOptions;
  readonly speaksOffers: boolean;
  /** In the model "link": chunks on their way from one peer at a time. */
  readonly maxChunksOnLink: number;
}

export interface PeerShape {
  readonly index: number;
  readonly isSharer: boolean;
  /** Bytes per second. */
  readonly uplink: number;
  /** Bytes per second; infinity: no limit. */
  readonly downlink: number;
}

export interface SimPeerEvents {
  /** `peer` has this chunk from now on. */
  gained(peer: SimPeer, chunkIndex: number): void;
}

const contentId: ContentId = requireId(contentIdFromBytes(new Uint8Array(DIGEST_BYTES)));

export class SimPeer implements NeighbourOwner {
  readonly id: PeerId;
  readonly shape: PeerShape;
  readonly wire: Wire;
  readonly downlink: Downlink;
  readonly features: readonly string[];
  /** By the peer that each leads to. */
  readonly neighbours = new Map<SimPeer, Neighbour>();
  readonly download: SimDownload | undefined;
  readonly #held: Bitfield;
  readonly #offering: Offering;
  readonly #turns: ChunkTurns;
  readonly #timers: Timers;
  isPresent = false;
  finishedMs: number | undefined;

  constructor(shape: PeerShape, setting: PeerSetting, timers: Timers, random: Random, events: SimPeerEvents) {
    const { model, chunkCount, chunkBytes, verifyMs } = setting;
    this.shape = shape;
    this.#timers = timers;
    this.id = requireId(peerIdFromBytes(idBytes(shape.index)));
    this.features = setting.speaksOffers ? [OFFERS_FEATURE] : [];
    // Under limits, what is limited is asking, as by --download-limit.
    const asksLimited = model === "limit" && Number.isFinite(shape.downlink);
    this.downlink = new Downlink(asksLimited ? Number.POSITIVE_INFINITY : shape.downlink);
    const budget = asksLimited ? new RateBudget(shape.downlink, timers) : undefined;
    this.wire =
      model === "limit"
        ? new LimitWire(shape.uplink, timers)
        : new LinkWire(shape.uplink, setting.maxChunksOnLink, timers);
    if (!shape.isSharer) {
      const work = { chunkCount, chunkBytes, verifyMs, budget, timers, random };
      this.download = new SimDownload(work, (chunkIndex) => {
        this.#offering.gained(chunkIndex);
        events.gained(this, chunkIndex);
      });
    }
    this.#held = this.download?.held ?? Bitfield.full(chunkCount);
    const share = { contentId, chunkBytes, held: this.#held };
    const limit = model === "limit" ? shape.uplink : undefined;
    const requests = pullRequests(defaultServerOptions.pullWindowRequests, chunkBytes, limit);
    this.#offering = new Offering(share, requests, setting.offering, this.wire, timers, random.next);
    this.#turns = new ChunkTurns(this.wire, chunkBytes, (run) => timers.soon(run), {
      begun: (to) => this.#offering.begun(to),
      ended: (to, ...how) => this.#offering.ended(to, ...how),
    });
  }

  get isDownload(): boolean {
    return this.download !== undefined;
  }

  get coverage(): PeerCoverage {
    const held = this.#held;
    return held.count === 0 ? "none" : held.isFull ? "complete" : held.copy();
  }

  connected(to: SimPeer, neighbour: Neighbour): void {
    this.neighbours.set(to, neighbour);
  }

  /** The connection has ended. */
  disconnected(from: SimPeer): void {
    const neighbour = this.neighbours.get(from);
    if (neighbour === undefined) return;
    this.neighbours.delete(from);
    neighbour.close();
    this.#turns.closed(neighbour);
    this.#offering.left(neighbour);
    this.download?.peerLeft(neighbour);
  }

  joined(by: Neighbour, coverage: PeerCoverage): void {
    this.#offering.joined(by, coverage);
  }

  available(from: Neighbour, coverage: PeerCoverage): void {
    // As in production, what comes in the same packet is heard first: the pull window.
    this.#timers.soon(() => {
      if (from.isOpen) this.download?.peerJoined(from, coverage);
    });
  }

  asked(by: Neighbour, chunkIndex: number, offerId: number): void {
    this.#offering.asked(by, chunkIndex, offerId);
    this.#turns.ask(by, chunkIndex);
  }

  cancelled(by: Neighbour, chunkIndex: number): void {
    if (this.#turns.cancel(by, chunkIndex)) by.leaveChunk(chunkIndex);
  }

  declined(by: Neighbour, offerId: number, reason: DeclineReason, retryAfterMs: number): void {
    this.#offering.declined(by, offerId, reason, retryAfterMs);
  }

  offered(by: Neighbour, offerId: number, chunkIndexes: readonly number[]): void {
    if (this.download === undefined) by.decline(offerId, "notWanted", 0);
    else this.download.offered(by, offerId, chunkIndexes);
  }

  welcomed(by: Neighbour): void {
    this.download?.ask(by);
  }

  gained(from: Neighbour, chunkIndex: number): void {
    this.#offering.updated(from, [chunkIndex], []);
    this.download?.peerGained(from, chunkIndex);
  }

  received(from: Neighbour, chunkIndex: number): void {
    this.download?.received(from, chunkIndex);
  }

  left(from: Neighbour, chunkIndex: number): void {
    this.download?.left(from, chunkIndex);
  }
}

function idBytes(index: number): Uint8Array {
  const bytes = Buffer.alloc(DIGEST_BYTES);
  bytes.writeUInt32BE(index);
  return bytes;
}

function requireId<Id>(id: Id | undefined): Id {
  if (id === undefined) throw new Error("32 bytes are an id");
  return id;
}

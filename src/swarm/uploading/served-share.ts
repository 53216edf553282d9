// What a chunk server needs to know of a share it serves. Types only.
import type { Endpoint } from "../../address/endpoint.js";
import type { Bitfield } from "../../core/bitfield.js";
import type { GoshareError } from "../../core/errors.js";
import type { PeerId } from "../../core/ids.js";
import type { Manifest } from "../../manifest/manifest.js";
import type { AvailabilityNews } from "../availability/availability-news.js";

/** A peer that exchanges a share with this process. */
export interface ServedNeighbour {
  readonly peerId: PeerId;
  readonly endpoint: Endpoint;
  /** Chunks that it said it has, or that were sent to it. */
  readonly chunksHeld: number;
}

/** A share, or the part of it that is held here. */
export interface ServedShare {
  readonly manifest: Manifest;
  readonly held: Bitfield;
  /** Tells neighbours when more is held; undefined if nothing more is gained. */
  readonly news?: AvailabilityNews | undefined;
  /** Fills `into` with the bytes at `offset` of a held chunk. Done when it returns undefined, else when the promise
   * resolves. Throws GoshareError. */
  readChunk(chunkIndex: number, offset: number, into: Uint8Array): Promise<void> | undefined;
  /** A neighbour that has everything takes its leave. May be called more than once for it. */
  copied?(neighbour: ServedNeighbour): void;
  /** A chunk could not be read: the owner decides what that means. */
  readFailed(error: GoshareError): void;
}

// What a peer has of a share, as it is kept and as Join and Availability say it. Knows neither peers nor sockets.
import { Bitfield } from "../../core/bitfield.js";
import type { Coverage } from "../../peer/messages.js";

/** What a peer said it holds. */
export type PeerCoverage = "none" | "complete" | Bitfield;

/** Whether that is every chunk, in whichever way the peer said it. */
export function isComplete(coverage: PeerCoverage): boolean {
  return typeof coverage === "string" ? coverage === "complete" : coverage.isFull;
}

/** What is held, as Join and Availability say it: the coverage, and the payload where there is one. */
export function coverageOf(held: Bitfield): readonly [Coverage, Uint8Array | undefined] {
  if (held.isFull) return ["complete", undefined];
  return held.count === 0 ? ["none", undefined] : ["bitfield", held.toBytes()];
}

/** What a Join or Availability says of so many chunks; undefined if its bitfield does not fit that number. */
export function coverageFrom(
  coverage: Coverage,
  bitfield: Uint8Array,
  chunkCount: number,
): PeerCoverage | undefined {
  return coverage === "bitfield" ? Bitfield.fromBytes(bitfield, chunkCount) : coverage;
}

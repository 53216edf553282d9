// The requests of the other side that are not answered yet: which ids it may use, and where the payload of a request
// goes. The counterpart of outstanding.ts; no socket.
import { Bitfield } from "../core/bitfield.js";
import { GoshareError } from "../core/errors.js";
import type { ContentId } from "../core/ids.js";
import { MAX_CHUNKS } from "../manifest/limits.js";
import type { PayloadSink } from "./frame.js";
import { aMessage, type Request } from "./messages.js";

const LARGEST_BITFIELD_BYTES = Bitfield.byteLength(MAX_CHUNKS);

export class Unanswered {
  readonly #parity: 0 | 1;
  readonly #open = new Set<number>();
  #lastId = 0;

  /** `parity`: 1 if the other side dialled, else 0. */
  constructor(parity: 0 | 1) {
    this.#parity = parity;
  }

  get size(): number {
    return this.#open.size;
  }

  has(id: number): boolean {
    return this.#open.has(id);
  }

  /** Whether the other side chooses ids like this one. */
  isTheirs(id: number): boolean {
    return id !== 0 && id % 2 === this.#parity;
  }

  /** A request begins. Throws PEER_PROTOCOL unless its id is one of theirs and higher than all before. */
  started(id: number): void {
    if (!this.isTheirs(id) || id <= this.#lastId) {
      throw new GoshareError("PEER_PROTOCOL", `a request with id ${id} after ${this.#lastId}`);
    }
    this.#lastId = id;
  }

  /** A request is complete and waits for its answer. */
  ended(id: number): void {
    this.#open.add(id);
  }

  /** A request is answered now; false if it was answered before. */
  answered(id: number): boolean {
    return this.#open.delete(id);
  }
}

/** Where a request's payload goes: only a Join may have one, its bitfield. `bitfieldBytes` says how long that
 * is, if the content is known here. Throws PEER_PROTOCOL. */
export function requestSink(
  request: Request,
  payloadBytes: number,
  bitfieldBytes: (contentId: ContentId) => number | undefined,
): PayloadSink {
  if (request.type !== "join" || request.coverage !== "bitfield") {
    if (payloadBytes > 0) throw new GoshareError("PEER_PROTOCOL", `${aMessage(request)} with payload`);
    return "discard";
  }
  const expectedBytes = bitfieldBytes(request.contentId);
  const isRight =
    expectedBytes === undefined ? payloadBytes <= LARGEST_BITFIELD_BYTES : payloadBytes === expectedBytes;
  if (!isRight) throw new GoshareError("PEER_PROTOCOL", `a bitfield of ${payloadBytes} bytes`);
  return expectedBytes === undefined ? "discard" : Buffer.allocUnsafe(payloadBytes);
}

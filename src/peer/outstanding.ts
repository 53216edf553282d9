// The requests that this side has sent on one connection and that are not answered yet. Says where the payload of a
// reply goes, and whether a reply fits its request; a reply without a request is the peer's error. No socket.
import assert from "node:assert/strict";
import { GoshareError } from "../core/errors.js";
import type { ContentId } from "../core/ids.js";
import type { PayloadSink } from "./frame.js";
import type { RunningReply } from "./liveness.js";
import { aMessage, type RefusalReason, type Reply, type Request } from "./messages.js";

/** A chunk that is asked for. Exactly one of `received`, `refused` and `lost` is called, once. */
export interface ChunkRequest {
  readonly contentId: ContentId;
  readonly chunkIndex: number;
  /** 0: without an offer. */
  readonly offerId: number;
  /** The chunk's length, by the requester's own manifest. */
  readonly chunkBytes: number;
  /** Called when the chunk's first byte is about to be read. Returns a buffer of `chunkBytes`, or undefined if there is
   * no room now: then the connection reads nothing until `resumeReading`. */
  place(): Uint8Array | undefined;
  /** The whole chunk is in the buffer, not verified. */
  received(): void;
  refused(reason: RefusalReason, retryAfterMs: number): void;
  /** The connection ended first. */
  lost(error: GoshareError): void;
}

export interface ControlReply {
  readonly reply: Reply;
  /** Empty if there is none. */
  readonly payload: Uint8Array;
}

interface OpenControl {
  readonly kind: "control";
  readonly request: Request;
  /** The least and the most bytes of payload that its proper reply may have. */
  readonly payloadRange: readonly [min: number, max: number];
  readonly resolve: (reply: ControlReply) => void;
  readonly reject: (error: GoshareError) => void;
}

interface OpenChunk {
  readonly kind: "chunk";
  readonly request: ChunkRequest;
  buffer: Uint8Array | undefined;
  receivedBytes: number;
}

interface Progress {
  readonly sentAtMs: number;
  /** Undefined until the reply has begun. */
  running: RunningReply | undefined;
}

type OpenRequest = (OpenControl | OpenChunk) & Progress;

const REPLY_TO = {
  getManifest: "manifestData",
  join: "availability",
  getChunk: "chunkData",
  getPeers: "peerList",
  ping: "pong",
} as const satisfies Record<Request["type"], Reply["type"]>;

function violation(message: string): GoshareError {
  return new GoshareError("PEER_PROTOCOL", message);
}

export class Outstanding {
  readonly #open = new Map<number, OpenRequest>();
  /** When a reply last ended behind which others may have had to wait. */
  #settledAtMs = Number.NEGATIVE_INFINITY;
  /** The chunk reply whose payload has no place yet. */
  #blocked: { readonly chunk: OpenChunk; readonly payloadBytes: number } | undefined;

  get size(): number {
    return this.#open.size;
  }

  has(id: number): boolean {
    return this.#open.has(id);
  }

  /** Whether a chunk has a place and has not yet arrived whole. */
  get holdsPlace(): boolean {
    for (const open of this.#open.values())
      if (open.kind === "chunk" && open.buffer !== undefined) return true;
    return false;
  }

  /** Since when the other side owes the beginning of a reply: since the oldest request, or the end of the last reply
   * about a chunk or with payload, if that is later; undefined if no request is open. Else a peer that sends no chunk
   * but answers whatever costs it nothing would be waited for far too long. */
  get owedSinceMs(): number | undefined {
    const first = this.#open.values().next();
    return first.done === true ? undefined : Math.max(first.value.sentAtMs, this.#settledAtMs);
  }

  /** The oldest request whose reply has begun. */
  get running(): RunningReply | undefined {
    for (const { running } of this.#open.values()) if (running !== undefined) return running;
    return undefined;
  }

  addControl(
    id: number,
    request: Request,
    payloadRange: readonly [min: number, max: number],
    nowMs: number,
  ): Promise<ControlReply> {
    return new Promise((resolve, reject) => {
      this.#open.set(id, { kind: "control", request, payloadRange, resolve, reject, ...progress(nowMs) });
    });
  }

  addChunk(id: number, request: ChunkRequest, nowMs: number): void {
    this.#open.set(id, { kind: "chunk", request, buffer: undefined, receivedBytes: 0, ...progress(nowMs) });
  }

  /** A reply's header has come: returns where its payload goes. Throws PEER_PROTOCOL if the reply does not fit. */
  replyStarted(id: number, reply: Reply, payloadBytes: number, begun: RunningReply): PayloadSink {
    const open = this.#open.get(id);
    if (open === undefined) throw violation(`${aMessage(reply)} with id ${id}, which was not asked for`);
    open.running ??= begun;
    if (reply.type === "refusal") {
      if (payloadBytes > 0) throw violation("a refusal with payload");
      return "discard";
    }
    if (open.kind === "chunk") return this.#chunkStarted(open, reply, payloadBytes);

    if (reply.type !== REPLY_TO[open.request.type])
      throw violation(`${aMessage(reply)} answers ${aMessage(open.request)}`);
    const [min, max] = open.payloadRange;
    if (payloadBytes < min || payloadBytes > max)
      throw violation(`${aMessage(reply)} with ${payloadBytes} bytes of payload`);
    const problem = replyProblem(open.request, reply);
    if (problem !== undefined) throw violation(`${aMessage(reply)} ${problem}`);
    if (reply.type === "availability" && (reply.coverage === "bitfield") !== payloadBytes > 0 && max > 0) {
      throw violation("an availability whose payload does not fit its coverage");
    }
    return Buffer.allocUnsafe(payloadBytes);
  }

  /** A frame of a reply is complete with its payload. Settles the request, unless more of a chunk is to come. */
  replyEnded(id: number, reply: Reply, payload: Uint8Array | undefined, nowMs: number): void {
    const open = this.#open.get(id);
    assert(open !== undefined);
    if (open.kind === "control") {
      const bytes = payload ?? new Uint8Array(0);
      if (bytes.byteLength > 0) this.#settle(id, nowMs);
      else this.#open.delete(id);
      open.resolve({ reply, payload: bytes });
    } else if (reply.type === "refusal") {
      this.#settle(id, nowMs);
      open.request.refused(reply.reason, reply.retryAfterMs);
    } else {
      open.receivedBytes += payload?.byteLength ?? 0;
      if (open.receivedBytes < open.request.chunkBytes) return;
      this.#settle(id, nowMs);
      open.request.received();
    }
  }

  /** The other side answered with a body that is not known here: that request has failed. */
  replyUnknown(id: number, nowMs: number): void {
    const open = this.#open.get(id);
    if (open === undefined) throw violation(`an unknown reply with id ${id}, which was not asked for`);
    this.#settle(id, nowMs);
    if (open.kind === "chunk") open.request.refused("unimplemented", 0);
    else
      open.reject(
        new GoshareError("PEER_REFUSED", `the peer answered ${aMessage(open.request)} in an unknown way`),
      );
  }

  /** Asks again for the place that was missing; returns the payload's sink, or undefined if there is still none. */
  unblock(): Uint8Array | undefined {
    if (this.#blocked === undefined) return undefined;
    const { chunk, payloadBytes } = this.#blocked;
    chunk.buffer = chunk.request.place();
    if (chunk.buffer === undefined) return undefined;
    this.#blocked = undefined;
    return chunk.buffer.subarray(0, payloadBytes);
  }

  /** The connection has ended: every open request fails with `error`. */
  failAll(error: GoshareError): void {
    const all = [...this.#open.values()];
    this.#open.clear();
    this.#blocked = undefined;
    for (const open of all) {
      if (open.kind === "chunk") open.request.lost(error);
      else open.reject(error);
    }
  }

  #settle(id: number, nowMs: number): void {
    this.#open.delete(id);
    this.#settledAtMs = nowMs;
  }

  #chunkStarted(open: OpenChunk, reply: Reply, payloadBytes: number): PayloadSink {
    const { chunkIndex, chunkBytes } = open.request;
    if (reply.type !== "chunkData" || reply.chunkIndex !== chunkIndex) {
      throw violation(`${aMessage(reply)} answers the request for chunk ${chunkIndex}`);
    }
    const end = open.receivedBytes + payloadBytes;
    if (reply.offset !== open.receivedBytes || payloadBytes === 0 || end > chunkBytes) {
      throw violation(`chunk ${chunkIndex} of ${chunkBytes} bytes: ${payloadBytes} bytes at ${reply.offset}`);
    }
    open.buffer ??= open.request.place();
    if (open.buffer === undefined) {
      this.#blocked = { chunk: open, payloadBytes };
      return "blocked";
    }
    assert.equal(open.buffer.byteLength, chunkBytes);
    return open.buffer.subarray(open.receivedBytes, end);
  }
}

/** How a reply of the right kind differs from what was asked for; undefined if it does not. */
function replyProblem(request: Request, reply: Reply): string | undefined {
  if (reply.type === "manifestData" && request.type === "getManifest" && reply.page !== request.page)
    return `with page ${reply.page} where page ${request.page} was asked for`;
  if (reply.type === "availability" && request.type === "join" && reply.contentId !== request.contentId)
    return "for another content id than was joined";
  if (reply.type === "peerList" && request.type === "getPeers" && reply.peers.length > request.max)
    return `with ${reply.peers.length} peers where ${request.max} were asked for`;
  return undefined;
}

function progress(nowMs: number): Progress {
  return { sentAtMs: nowMs, running: undefined };
}

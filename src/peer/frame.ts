// The frame codec: bytes of a connection ⇄ headers and payloads. A state machine without a socket: it says where the
// next bytes belong, so that the kernel can put payload straight where it stays. Checks every length before anything is
// allocated; does not know what a message means.
import assert from "node:assert/strict";
import { GoshareError } from "../core/errors.js";
import type { FrameHeader, Notice } from "./messages.js";
import { decodeHeader, encodeHeader } from "./wire.js";

/** Longest PeerFrame after Hello. */
export const MAX_HEADER_BYTES = 16 * 1024;
/** Longest frame before Hello, its first four bytes not counted. */
export const MAX_HELLO_FRAME_BYTES = 4 * 1024;
/** Longest payload of any frame: a whole chunk of the largest size, or that of a body not known here. */
export const MAX_PAYLOAD_BYTES = 4 * 1024 * 1024;

const LENGTH_BYTES = 4;
const HEADER_LENGTH_BYTES = 2;
const PREFIX_BYTES = LENGTH_BYTES + HEADER_LENGTH_BYTES;
/** Unwanted payload is read in steps of this size. */
const DISCARD_BYTES = 64 * 1024;

/** What to do with a frame's payload. */
export type PayloadSink =
  /** A buffer of exactly as many bytes as the payload has. */
  | Uint8Array
  /** Read it and throw it away. */
  | "discard"
  /** No room now: nothing more is read until `unblock`. */
  | "blocked";

export interface FrameHandler {
  /** A header is complete. Throws to end the connection. With `payloadBytes` 0 the result is ignored. */
  frameStarted(header: FrameHeader, payloadBytes: number): PayloadSink;
  /** The frame that started last is complete, with its payload. */
  frameEnded(header: FrameHeader, payload: Uint8Array | undefined): void;
}

/** The first bytes of a frame with `payloadBytes` of payload to follow. */
export function encodeFrame(header: FrameHeader, payloadBytes = 0): Buffer {
  const encoded = encodeHeader(header);
  assert(encoded.byteLength <= MAX_HEADER_BYTES && payloadBytes <= MAX_PAYLOAD_BYTES);
  const bytes = Buffer.allocUnsafe(PREFIX_BYTES + encoded.byteLength);
  bytes.writeUInt32BE(HEADER_LENGTH_BYTES + encoded.byteLength + payloadBytes, 0);
  bytes.writeUInt16BE(encoded.byteLength, LENGTH_BYTES);
  bytes.set(encoded, PREFIX_BYTES);
  return bytes;
}

/** A notice in its encoded form, for any connection. */
export interface EncodedNotice {
  readonly frame: Buffer;
}

export function encodeNotice(notice: Exclude<Notice, { type: "hello" | "goodbye" }>): EncodedNotice {
  return { frame: encodeFrame({ requestId: 0, message: notice }) };
}

type State = "prefix" | "header" | "payload" | "discard" | "blocked";

export class FrameReader {
  readonly #handler: FrameHandler;
  readonly #prefix = Buffer.alloc(PREFIX_BYTES);
  #scratch = Buffer.alloc(1024);
  #discarded: Buffer | undefined;
  #state: State = "prefix";
  #helloSeen = false;
  #foreign: ForeignProtocol | undefined;
  #header: FrameHeader | undefined;
  #headerBytes = 0;
  #payloadBytes = 0;
  /** How many bytes of the part that is being read have come. */
  #filled = 0;
  #sink: Uint8Array | undefined;

  constructor(handler: FrameHandler) {
    this.#handler = handler;
  }

  /** The protocol that the other side clearly speaks instead of goshare's; undefined if none. */
  get foreign(): ForeignProtocol | undefined {
    return this.#foreign;
  }

  /** Whether nothing may be read from the socket until `unblock`. */
  get isBlocked(): boolean {
    return this.#state === "blocked";
  }

  /** Whether it is inside a frame: if the stream ends here, that frame is cut short. */
  get isMidFrame(): boolean {
    return this.#state !== "prefix" || this.#filled > 0;
  }

  /** Whether the next bytes belong in a buffer that a handler gave. */
  get isInPayload(): boolean {
    return this.#state === "payload";
  }

  /** Where the next bytes of the connection belong; at least one byte long. Not to be called while blocked. */
  target(): Uint8Array {
    switch (this.#state) {
      case "prefix":
        return this.#prefix.subarray(this.#filled);
      case "header":
        return this.#scratch.subarray(this.#filled, this.#headerBytes);
      case "payload":
        assert(this.#sink !== undefined);
        return this.#sink.subarray(this.#filled);
      case "discard":
        this.#discarded ??= Buffer.alloc(DISCARD_BYTES);
        return this.#discarded.subarray(0, Math.min(DISCARD_BYTES, this.#payloadBytes - this.#filled));
      case "blocked":
        return assert.fail("a blocked reader has no room");
    }
  }

  /** `count` bytes were put into `target()`. Throws PEER_PROTOCOL. */
  advance(count: number): void {
    assert(this.#state !== "blocked");
    this.#filled += count;
    if (this.#state === "prefix" && this.#filled === PREFIX_BYTES) this.#prefixDone(this.#prefix, 0);
    else if (this.#state === "header" && this.#filled === this.#headerBytes)
      this.#headerDone(this.#scratch.subarray(0, this.#headerBytes));
    else if (this.#state !== "prefix" && this.#state !== "header" && this.#filled === this.#payloadBytes) {
      this.#frameDone();
    }
  }

  /** Takes bytes that were read elsewhere. Returns how many it took: fewer than given only if it is blocked. */
  push(bytes: Uint8Array): number {
    let taken = 0;
    while (taken < bytes.byteLength && !this.isBlocked) {
      const whole = this.#takeWhole(bytes, taken);
      taken += whole;
      if (whole > 0) continue;
      const target = this.target();
      const count = Math.min(target.byteLength, bytes.byteLength - taken);
      target.set(bytes.subarray(taken, taken + count));
      taken += count;
      this.advance(count);
    }
    return taken;
  }

  /** Takes a prefix or header that is all there, without a copy. Returns how many bytes that was. */
  #takeWhole(bytes: Uint8Array, at: number): number {
    if (this.#filled > 0) return 0;
    const left = bytes.byteLength - at;
    if (this.#state === "prefix" && left >= PREFIX_BYTES) {
      this.#prefixDone(bytes, at);
      return PREFIX_BYTES;
    }
    if (this.#state === "header" && left >= this.#headerBytes) {
      const headerBytes = this.#headerBytes;
      this.#headerDone(bytes.subarray(at, at + headerBytes));
      return headerBytes;
    }
    return 0;
  }

  /** There is room now: `sink` is for the frame whose start was answered with "blocked". */
  unblock(sink: Uint8Array): void {
    assert(this.#state === "blocked" && sink.byteLength === this.#payloadBytes);
    this.#state = "payload";
    this.#sink = sink;
  }

  #prefixDone(bytes: Uint8Array, at: number): void {
    const view = new DataView(bytes.buffer, bytes.byteOffset + at, PREFIX_BYTES);
    const length = view.getUint32(0);
    const headerBytes = view.getUint16(LENGTH_BYTES);
    const frameLimit = this.#helloSeen
      ? HEADER_LENGTH_BYTES + MAX_HEADER_BYTES + MAX_PAYLOAD_BYTES
      : MAX_HELLO_FRAME_BYTES;
    if (length > frameLimit || length < HEADER_LENGTH_BYTES) {
      if (!this.#helloSeen)
        this.#foreign = foreignProtocol(Buffer.from(bytes.subarray(at, at + PREFIX_BYTES)));
      const what =
        this.#foreign === undefined ? "is not the goshare protocol" : `looks like ${this.#foreign}`;
      throw new GoshareError("PEER_PROTOCOL", `a frame of ${length} bytes; this ${what}`);
    }
    const payloadBytes = length - HEADER_LENGTH_BYTES - headerBytes;
    if (headerBytes === 0 || headerBytes > MAX_HEADER_BYTES || payloadBytes < 0) {
      throw new GoshareError("PEER_PROTOCOL", `a header of ${headerBytes} bytes in a frame of ${length}`);
    }
    if (payloadBytes > MAX_PAYLOAD_BYTES) {
      throw new GoshareError("PEER_PROTOCOL", `a payload of ${payloadBytes} bytes`);
    }
    if (this.#scratch.byteLength < headerBytes) this.#scratch = Buffer.alloc(MAX_HEADER_BYTES);
    this.#headerBytes = headerBytes;
    this.#payloadBytes = payloadBytes;
    this.#filled = 0;
    this.#state = "header";
  }

  #headerDone(bytes: Uint8Array): void {
    const header = decodeHeader(bytes);
    this.#helloSeen = true;
    this.#header = header;
    this.#filled = 0;
    const sink = this.#handler.frameStarted(header, this.#payloadBytes);
    if (this.#payloadBytes === 0) {
      this.#frameDone();
    } else if (sink === "blocked" || sink === "discard") {
      this.#state = sink;
    } else {
      assert.equal(sink.byteLength, this.#payloadBytes);
      this.#sink = sink;
      this.#state = "payload";
    }
  }

  #frameDone(): void {
    const header = this.#header;
    const sink = this.#sink;
    assert(header !== undefined);
    this.#state = "prefix";
    this.#filled = 0;
    this.#header = undefined;
    this.#sink = undefined;
    this.#handler.frameEnded(header, sink);
  }
}

export type ForeignProtocol = "TLS" | "HTTP" | "BitTorrent" | "SSH";

/** The protocol that a wrong first prefix clearly belongs to, so that it can be named. */
function foreignProtocol(prefix: Buffer): ForeignProtocol | undefined {
  const text = prefix.toString("latin1");
  if (prefix[0] === 0x16 && prefix[1] === 0x03) return "TLS";
  if (/^(GET|POST|PUT|HEAD|PRI|OPTION|DELETE|PATCH|HTTP|CONNEC)/.test(text)) return "HTTP";
  if (text.startsWith("\x13BitTo")) return "BitTorrent";
  if (text.startsWith("SSH-")) return "SSH";
  return undefined;
}

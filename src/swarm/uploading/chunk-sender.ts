// The chunks that one connection has asked for and not got yet. Sends one after another, each in slices, ascending and
// without gaps: half a chunk is of no use to anybody. A slice is read right before it is sent, one at a time. Does not
// know whose turn it is; never takes memory itself.
import assert from "node:assert/strict";
import type { Clock } from "../../core/clock.js";
import { GoshareError } from "../../core/errors.js";
import type { ContentId } from "../../core/ids.js";
import type { PeerConnection } from "../../peer/connection.js";
import type { RefusalReason } from "../../peer/messages.js";
import type { ServedShare } from "./served-share.js";
import { type SliceOptions, SliceSize } from "./slice-size.js";

interface AskedChunk {
  readonly id: number;
  readonly share: ServedShare;
  readonly chunkIndex: number;
  readonly askedAtMs: number;
}

interface BegunChunk extends AskedChunk {
  readonly chunkBytes: number;
  /** Bytes given to the connection so far. */
  sentBytes: number;
}

/** What happens to the chunks that were asked for. */
export interface ChunkEvents {
  begun(contentId: ContentId): void;
  /** This many payload bytes of a chunk are out. */
  sent(contentId: ContentId, bytes: number): void;
  /** A chunk is out, or is not sent after all, whether or not it had begun. */
  ended(contentId: ContentId, chunkIndex: number, isSent: boolean, hadBegun: boolean): void;
}

/** What a sender tells the turns. */
export interface SenderEvents {
  /** There is something to send. */
  wantsTurn(sender: ChunkSender): void;
  /** This many bytes of a chunk that was begun are not sent after all. */
  notSent(sender: ChunkSender, bytes: number): void;
}

/** When a peer that was told BUSY may ask again. */
const BUSY_RETRY_MS = 1000;

/** The refusal for a chunk that could not be read. */
export function readRefusal({ code }: GoshareError): RefusalReason {
  return code === "SOURCE_CHANGED" ? "sourceChanged" : "internal";
}

export class ChunkSender {
  readonly #connection: PeerConnection;
  readonly #events: SenderEvents;
  readonly #chunks: ChunkEvents;
  readonly #clock: Clock;
  readonly #size: SliceSize;
  readonly #queue: AskedChunk[] = [];
  #begun: BegunChunk | undefined;
  /** Slices being read or sent. */
  #inFlight = 0;
  #isReading = false;
  /** When a slice was last out, or when the first of the waiting slices was given to the kernel. */
  #progressAtMs = Number.NEGATIVE_INFINITY;
  #sentAtMs = Number.NEGATIVE_INFINITY;

  constructor(
    connection: PeerConnection,
    events: SenderEvents,
    chunks: ChunkEvents,
    options: SliceOptions,
    clock: Clock,
  ) {
    this.#connection = connection;
    this.#chunks = chunks;
    this.#events = events;
    this.#clock = clock;
    this.#size = new SliceSize(options);
  }

  ask(id: number, share: ServedShare, chunkIndex: number): void {
    this.#queue.push({ id, share, chunkIndex, askedAtMs: this.#clock.nowMs() });
    this.#events.wantsTurn(this);
  }

  /** Whether something waits only for memory, not for this connection's own slices. */
  get isReady(): boolean {
    return !this.#isReading && (this.#begun !== undefined || this.#queue.length > 0);
  }

  /** Bytes of the chunk that begins with the next slice; undefined in the middle of one. */
  get beginningBytes(): number | undefined {
    const [next] = this.#queue;
    return this.#begun === undefined && next !== undefined ? chunkBytesOf(next) : undefined;
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  /** Bytes of memory for the next slice; 0: not before a slice is out. */
  sliceBytes(freeBytes: number, poolBytes: number): number {
    const remainingBytes =
      this.#begun === undefined ? this.beginningBytes : this.#begun.chunkBytes - this.#begun.sentBytes;
    return this.#size.next(remainingBytes ?? 0, this.#inFlight, freeBytes, poolBytes);
  }

  /** Reads the next slice into `buffer` and sends it. `done` is called once, with the bytes sent, when the buffer is
   * free again. */
  sendSlice(buffer: Uint8Array, done: (sentBytes: number) => void): void {
    assert(this.isReady);
    const chunk = this.#begun ?? this.#begin();
    const bytes = buffer.subarray(0, Math.min(buffer.byteLength, chunk.chunkBytes - chunk.sentBytes));
    this.#inFlight++;
    this.#isReading = true;
    const read = () => {
      this.#isReading = false;
      if (this.#begun === chunk) this.#sendRead(chunk, bytes, done);
      else this.#sliceEnded(done, 0);
    };
    const failed = (thrown: unknown) => {
      const error = GoshareError.from(thrown);
      this.#isReading = false;
      if (this.#begun === chunk) this.#refuseBegun(readRefusal(error));
      this.#sliceEnded(done, 0);
      chunk.share.readFailed(error);
    };
    let reading: Promise<void> | undefined;
    try {
      reading = chunk.share.readChunk(chunk.chunkIndex, chunk.sentBytes, bytes);
    } catch (thrown) {
      return failed(thrown);
    }
    if (reading === undefined) read();
    else {
      reading.then(() => {
        read();
        // The next may be read while this one goes out.
        this.#events.wantsTurn(this);
      }, failed);
    }
  }

  /** Refuses the request: at once if its chunk has not begun, else after the slices that are out. */
  cancel(id: number): void {
    if (this.#begun?.id === id) {
      this.#refuseBegun("cancelled");
      return;
    }
    const at = this.#queue.findIndex((asked) => asked.id === id);
    if (at === -1) return;
    const [asked] = this.#queue.splice(at, 1);
    this.#connection.refuse(id, "cancelled");
    if (asked !== undefined) this.#tellEnded(asked, false, false);
  }

  /** Refuses the chunks that have not begun; those of one share only, if it is named. */
  refuseQueued(reason: RefusalReason, contentId?: ContentId): void {
    const refused = this.#queue.filter(
      ({ share }) => contentId === undefined || share.manifest.root.contentId === contentId,
    );
    for (const asked of refused) {
      this.#queue.splice(this.#queue.indexOf(asked), 1);
      this.#connection.refuse(asked.id, reason);
      this.#tellEnded(asked, false, false);
    }
  }

  /** Refuses requests that have waited longer than `patienceMs`, unless a chunk for this connection is on its way: the
   * requester too counts no time while requests before it are answered. */
  refuseLate(patienceMs: number): void {
    if (this.#inFlight > 0 || this.#begun !== undefined) return;
    const nowMs = this.#clock.nowMs();
    for (let next = this.#queue[0]; next !== undefined; next = this.#queue[0]) {
      if (nowMs - Math.max(next.askedAtMs, this.#sentAtMs) <= patienceMs) return;
      this.#queue.shift();
      this.#connection.refuse(next.id, "busy", "", BUSY_RETRY_MS);
      this.#tellEnded(next, false, false);
    }
  }

  /** Hangs up if slices wait for the kernel, and it has taken none for `timeoutMs`: others need the memory. */
  hangUpIfStalled(timeoutMs: number): void {
    const waiting = this.#inFlight - (this.#isReading ? 1 : 0);
    if (waiting === 0 || this.#clock.nowMs() - this.#progressAtMs < timeoutMs) return;
    const message = `the peer at ${this.#connection.remoteHost} takes no bytes while others are waiting`;
    this.#connection.hangUp(new GoshareError("PEER_UNREACHABLE", message));
  }

  /** This process stood still: the kernel has all its time again to take what waits for it. */
  stoodStill(): void {
    this.#progressAtMs = this.#clock.nowMs();
  }

  /** The connection has ended. */
  closed(): void {
    this.#queue.length = 0;
    this.#dropBegun();
  }

  #begin(): BegunChunk {
    const next = this.#queue.shift();
    assert(next !== undefined);
    this.#begun = { ...next, chunkBytes: chunkBytesOf(next), sentBytes: 0 };
    this.#chunks.begun(next.share.manifest.root.contentId);
    return this.#begun;
  }

  #sendRead(chunk: BegunChunk, bytes: Uint8Array, done: (sentBytes: number) => void): void {
    const { id, chunkIndex, chunkBytes, sentBytes: offset } = chunk;
    chunk.sentBytes += bytes.byteLength;
    const isLast = chunk.sentBytes === chunkBytes;
    if (isLast) this.#begun = undefined;
    const nowMs = this.#clock.nowMs();
    if (this.#inFlight === 1) {
      this.#size.waiting(nowMs);
      this.#progressAtMs = nowMs;
    }
    this.#connection.sendChunk(id, { chunkIndex, offset, bytes, isLast }, (sentBytes) => {
      this.#sentAtMs = this.#clock.nowMs();
      this.#progressAtMs = this.#sentAtMs;
      this.#size.taken(bytes.byteLength, this.#sentAtMs);
      this.#chunks.sent(chunk.share.manifest.root.contentId, sentBytes);
      if (isLast) this.#tellEnded(chunk, true, true);
      this.#sliceEnded(done, bytes.byteLength);
    });
  }

  #tellEnded({ share, chunkIndex }: AskedChunk, isSent: boolean, hadBegun: boolean): void {
    this.#chunks.ended(share.manifest.root.contentId, chunkIndex, isSent, hadBegun);
  }

  #sliceEnded(done: (sentBytes: number) => void, sentBytes: number): void {
    this.#inFlight--;
    done(sentBytes);
  }

  #refuseBegun(reason: RefusalReason): void {
    const id = this.#begun?.id;
    this.#dropBegun();
    if (id !== undefined) this.#connection.refuse(id, reason);
  }

  #dropBegun(): void {
    const chunk = this.#begun;
    this.#begun = undefined;
    if (chunk === undefined) return;
    this.#events.notSent(this, chunk.chunkBytes - chunk.sentBytes);
    this.#tellEnded(chunk, false, true);
  }
}

function chunkBytesOf({ share, chunkIndex }: AskedChunk): number {
  return share.manifest.layout.chunkLength(chunkIndex);
}

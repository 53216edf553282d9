// How long the uplink will be busy with chunks that have begun, if only the uplink itself holds them back. Pure: no
// clock, time comes in as a parameter. Does not know whose turn it is, nor what waits.
import { SendPace } from "./send-pace.js";

/** A receiver is slow if it takes less than SLOW_PART of its fair part of the uplink, which is smaller the more chunks
 * are on their way. It is judged once that fair part is JUDGED_PART of the chunk. */
const SLOW_PART = 3 / 4;
const JUDGED_PART = 1 / 4;

/** At most MAX_SLOW chunks count as going to slow receivers, besides those that take less than TINY_PART of the uplink.
 * Without a bound, an uplink shared by many would take each of them for slow, and be shared by more and more. */
const MAX_SLOW = 3;
const TINY_PART = 1 / 8;

interface BegunChunk {
  readonly sinceMs: number;
  /** Bytes that would have been taken by now if all took the same. */
  shareBytes: number;
  bytes: number;
  leftBytes: number;
}

export class UplinkLoad<Sender extends object> {
  readonly #pace = new SendPace();
  readonly #begun = new Map<Sender, BegunChunk>();
  /** For slow receivers: the part of the uplink that their last chunk took. */
  readonly #slow = new WeakMap<Sender, number>();
  #sharedAtMs = 0;

  /** A chunk begins; the one before it on the same connection may not be out yet. */
  begun(sender: Sender, bytes: number, nowMs: number): void {
    if (this.#begun.size === 0) this.#pace.begun(nowMs);
    this.#share(nowMs);
    const chunk = this.#begun.get(sender);
    if (chunk === undefined)
      this.#begun.set(sender, { sinceMs: nowMs, shareBytes: 0, bytes, leftBytes: bytes });
    else {
      chunk.bytes += bytes;
      chunk.leftBytes += bytes;
    }
  }

  /** The kernel has taken so many bytes of it. */
  taken(sender: Sender, bytes: number, nowMs: number): void {
    this.#share(nowMs);
    this.#pace.taken(bytes, nowMs);
    const chunk = this.#begun.get(sender);
    if (chunk === undefined) return;
    if (chunk.leftBytes - bytes < 1) {
      if (chunk.bytes < chunk.shareBytes * SLOW_PART)
        this.#slow.set(sender, this.#part(chunk.bytes, chunk, nowMs));
      else this.#slow.delete(sender);
    }
    this.dropped(sender, bytes);
  }

  /** So many bytes of it are not sent after all. */
  dropped(sender: Sender, bytes: number): void {
    const chunk = this.#begun.get(sender);
    if (chunk === undefined) return;
    chunk.leftBytes -= bytes;
    if (chunk.leftBytes < 1) this.#begun.delete(sender);
  }

  /** Infinity as long as nothing is known. */
  durationMs(bytes: number): number {
    return this.#pace.durationMs(bytes);
  }

  /** How long the begun chunks keep the uplink busy. Those for slow receivers do not count. */
  waitMs(nowMs: number): number {
    this.#share(nowMs);
    let bytes = 0;
    let slow = 0;
    for (const [sender, chunk] of this.#begun) {
      const part = this.#slowPart(sender, chunk, nowMs);
      if (part !== undefined && part < TINY_PART) continue;
      if (part !== undefined && slow < MAX_SLOW) slow++;
      else bytes += chunk.leftBytes;
    }
    return this.durationMs(bytes);
  }

  /** The part of the uplink that a chunk has taken since it began. */
  #part(takenBytes: number, { sinceMs }: BegunChunk, nowMs: number): number {
    return this.durationMs(takenBytes) / (nowMs - sinceMs);
  }

  /** The part of the uplink that a chunk takes if its receiver is slow; undefined if the receiver is not. */
  #slowPart(sender: Sender, chunk: BegunChunk, nowMs: number): number | undefined {
    const { bytes, leftBytes, shareBytes } = chunk;
    if (shareBytes < bytes * JUDGED_PART) return this.#slow.get(sender);
    const takenBytes = bytes - leftBytes;
    return takenBytes < shareBytes * SLOW_PART ? this.#part(takenBytes, chunk, nowMs) : undefined;
  }

  /** Adds to each begun chunk what it could have taken since the last call. */
  #share(nowMs: number): void {
    const elapsedMs = nowMs - this.#sharedAtMs;
    this.#sharedAtMs = nowMs;
    const byteMs = this.#pace.durationMs(1);
    if (elapsedMs === 0 || byteMs === 0) return;
    const shareBytes = elapsedMs / byteMs / this.#begun.size;
    for (const chunk of this.#begun.values()) chunk.shareBytes += shareBytes;
  }
}

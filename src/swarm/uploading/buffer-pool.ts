// Buffers for slices of chunks on their way from a disk to a socket: bounded in bytes, made when first needed, used
// again and again. Knows no chunks and no sockets.
import assert from "node:assert/strict";
import { pageAligned } from "../../core/page-aligned.js";

export class BufferPool {
  readonly #maxBytes: number;
  readonly #free = new Map<number, Uint8Array[]>();
  #allocatedBytes = 0;
  #inUse = 0;
  #inUseBytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get inUse(): number {
    return this.#inUse;
  }

  /** Bytes that may still be taken. */
  get freeBytes(): number {
    return Math.max(0, this.#maxBytes - this.#inUseBytes);
  }

  /** Bytes of all buffers, in use or not. */
  get bytes(): number {
    return this.#allocatedBytes;
  }

  /** A buffer of `size` bytes, or undefined while the pool's bytes are in use. One buffer is always granted. */
  acquire(size: number): Uint8Array | undefined {
    let buffer = this.#free.get(size)?.pop();
    if (buffer === undefined) {
      const fits = this.#allocatedBytes + size <= this.#maxBytes || this.#dropFree(size);
      if (!fits && this.#inUse > 0) return undefined;
      buffer = pageAligned(size);
      this.#allocatedBytes += size;
    }
    this.#inUse++;
    this.#inUseBytes += size;
    return buffer;
  }

  release(buffer: Uint8Array): void {
    assert(this.#inUse > 0);
    this.#inUse--;
    this.#inUseBytes -= buffer.byteLength;
    const free = this.#free.get(buffer.byteLength);
    if (free === undefined) this.#free.set(buffer.byteLength, [buffer]);
    else free.push(buffer);
  }

  /** Gives up free buffers of other sizes until `size` more bytes fit; whether they do. */
  #dropFree(size: number): boolean {
    for (const [otherSize, buffers] of this.#free) {
      while (this.#allocatedBytes + size > this.#maxBytes && buffers.pop() !== undefined) {
        this.#allocatedBytes -= otherSize;
      }
    }
    return this.#allocatedBytes + size <= this.#maxBytes;
  }
}

// Room for chunks on their way from a socket to the disk: a fixed number of slots cut once from shared
// memory, so that worker threads see what the kernel put there. Bounds the memory of a download, whatever
// peers do. Knows no chunks and no sockets.
import assert from "node:assert/strict";

export interface Slot {
  /** Where the slot begins in the shared memory. */
  readonly offset: number;
  /** The slot's memory; a chunk uses its first bytes. */
  readonly bytes: Uint8Array;
}

/** Memory all slots share; less only if fewer than `MIN_SLOTS` would fit. */
const SLOT_MEMORY_BYTES = 32 * 1024 * 1024;
const MIN_SLOTS = 8;
const MAX_SLOTS = 64;

export class SlotPool {
  readonly memory: SharedArrayBuffer;
  readonly #free: Slot[] = [];
  readonly #all: number;
  readonly #onFree: () => void;

  /** Slots of `slotBytes` each. `onFree` is called when a slot comes back that somebody was refused. */
  constructor(slotBytes: number, onFree: () => void) {
    this.#all = Math.min(MAX_SLOTS, Math.max(MIN_SLOTS, Math.floor(SLOT_MEMORY_BYTES / slotBytes)));
    this.memory = new SharedArrayBuffer(this.#all * slotBytes);
    this.#onFree = onFree;
    for (let index = this.#all - 1; index >= 0; index--) {
      const offset = index * slotBytes;
      this.#free.push({ offset, bytes: new Uint8Array(this.memory, offset, slotBytes) });
    }
  }

  get size(): number {
    return this.#all;
  }

  get freeCount(): number {
    return this.#free.length;
  }

  acquire(): Slot | undefined {
    return this.#free.pop();
  }

  release(slot: Slot): void {
    assert(!this.#free.includes(slot), "a slot is released once");
    this.#free.push(slot);
    this.#onFree();
  }
}

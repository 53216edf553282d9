// Room for chunks on their way from a socket to the disk: a fixed number of slots cut once from shared
// memory, so that worker threads see what the kernel put there. Bounds the memory of a download, whatever
// peers do. Knows no chunks and no sockets.
import assert from "node:assert/strict";
import { MAX_CHUNK_BYTES } from "../manifest/limits.js";

export interface Slot {
  /** Where the slot begins in the shared memory. */
  readonly offset: number;
  /** The slot's memory; a chunk uses its first bytes. */
  readonly bytes: Uint8Array;
}

/** The memory of all slots together: eight of the largest chunks. */
const SLOT_MEMORY_BYTES = 8 * MAX_CHUNK_BYTES;
const MAX_SLOTS = 64;

/** Memory for the slots of one download, whatever the size of its chunks. The system provides none of it before it is
 * written to. */
export function slotMemory(): SharedArrayBuffer {
  while (spare.length > 0) {
    const memory = spare.pop()?.deref();
    if (memory !== undefined) return memory;
  }
  return new SharedArrayBuffer(SLOT_MEMORY_BYTES);
}

/** Memory of downloads that are over, for as long as V8 does not free it. V8 does not count shared memory: without
 * this, a process that ran a hundred downloads, one after another, held two gigabytes of it. */
const spare: WeakRef<SharedArrayBuffer>[] = [];
const MAX_SPARE = 16;

/** Keeps `memory` for a later download. Nobody may write to it any more: all its slots were free, and the threads that
 * saw it have ended. */
export function keepSlotMemory(memory: SharedArrayBuffer): void {
  if (spare.length >= MAX_SPARE) spare.shift();
  spare.push(new WeakRef(memory));
}

export class SlotPool {
  #free: Slot[] = [];
  readonly #all: number;
  readonly #slotBytes: number;
  #isClosed = false;
  #isIdle = true;
  readonly #onFree: () => void;

  /** Cuts `memory` (of `slotMemory`) into slots of `slotBytes` each. `onFree` is called when a slot comes back. */
  constructor(memory: SharedArrayBuffer, slotBytes: number, onFree: () => void) {
    this.#all = Math.min(MAX_SLOTS, Math.floor(memory.byteLength / slotBytes));
    this.#slotBytes = slotBytes;
    this.#onFree = onFree;
    for (let index = this.#all - 1; index >= 0; index--) {
      const offset = index * slotBytes;
      this.#free.push({ offset, bytes: new Uint8Array(memory, offset, slotBytes) });
    }
  }

  get size(): number {
    return this.#all;
  }

  get freeCount(): number {
    return this.#isClosed ? this.#all : this.#free.length;
  }

  /** Whether the pool is closed, and no slot was in use when it was. */
  get wasIdle(): boolean {
    return this.#isClosed && this.#isIdle;
  }

  acquire(): Slot | undefined {
    // A chunk that was asked for twice may still come, and has to be read before whatever follows it.
    if (this.#isClosed) return { offset: 0, bytes: new Uint8Array(this.#slotBytes) };
    return this.#free.pop();
  }

  /** Gives back the memory, except for slots in use. Nothing that comes from now on is kept. */
  close(): void {
    if (!this.#isClosed) this.#isIdle = this.#free.length === this.#all;
    this.#isClosed = true;
    this.#free = [];
    this.#onFree();
  }

  release(slot: Slot): void {
    if (this.#isClosed) return;
    assert(!this.#free.includes(slot), "a slot is released once");
    this.#free.push(slot);
    this.#onFree();
  }
}

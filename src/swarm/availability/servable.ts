// Which of the chunks that a download holds may be given to others: those it keeps whole, if it keeps any.
import { Bitfield } from "../../core/bitfield.js";
import type { Selection } from "../../manifest/selection.js";

export class Servable {
  /** Grows. The same object as `held` if everything that is held may be given. */
  readonly chunks: Bitfield;
  readonly #selection: Selection;
  readonly #keepsChunks: boolean;

  constructor(selection: Selection, keepsChunks: boolean, held: Bitfield) {
    this.#selection = selection;
    this.#keepsChunks = keepsChunks;
    this.chunks = keepsChunks && !selection.hasPartialChunks ? held : new Bitfield(held.length);
    for (const chunkIndex of held) this.gained(chunkIndex);
  }

  /** A chunk is held now; returns whether it may be given. */
  gained(chunkIndex: number): boolean {
    if (!this.#keepsChunks || !this.#selection.isWholeChunk(chunkIndex)) return false;
    this.chunks.add(chunkIndex);
    return true;
  }
}

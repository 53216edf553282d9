// Where a download goes, as the download sees it: a folder in which it is finished over several runs, or a stream that
// takes it as it comes. Types only.
import type { Bitfield } from "../core/bitfield.js";
import type { ManifestRoot } from "../manifest/manifest.js";
import type { Selection } from "../manifest/selection.js";
import type { SourceFiles } from "../storage/share-source.js";
import type { ChunkStore } from "../workers/chunk-store.js";
import type { SlotPool } from "../workers/slots.js";
import type { WorkerPool } from "../workers/worker-pool.js";

/** What chunks arrive in, and what is there before any does. */
export interface Arrival {
  readonly store: ChunkStore;
  /** Chunks that need no second look. */
  readonly held: Bitfield;
  /** Chunks that are said to be there, and are verified. */
  readonly unchecked: Bitfield;
  /** Of chunks of both kinds, but for those that are only to be copied from elsewhere. */
  readonly resumedBytes: number;
  /** Where chunks are read again to be given to others. */
  readonly files: SourceFiles;
}

export interface Destination {
  /** The finished share; known once it is open. */
  readonly path: string;
  /** Whether all of it is there, so that it remains to serve it. */
  readonly isCommitted: boolean;
  /** Makes ready for this share; `ticket` leads to it again. Whether an earlier run has finished it, so that nothing is
   * left to do. */
  open(root: ManifestRoot, ticket: string): Promise<boolean>;
  /** The body of the manifest as an earlier run kept it; not checked. */
  storedBody(): Uint8Array | undefined;
  keepBody(body: Uint8Array): void;
  /** Makes ready for these entries; throws if they cannot go there. May read all that is there already. */
  prepare(selection: Selection, pool: WorkerPool, slots: SlotPool, signal: AbortSignal): Promise<Arrival>;
  /** To be called several times a second. Throws what keeps it from going on. */
  flush(): void;
  /** Whether somebody else keeps it from taking more. */
  readonly isHeldUp: boolean;
  /** Leaves what is held so that the next run can go on with it. */
  pause(held: Bitfield): Promise<void>;
  /** Everything has been kept: it is put where it belongs. */
  finish(): Promise<void>;
  /** What `thrown` comes from, where that is known here; else itself. */
  reasonFor(thrown: unknown): Promise<unknown>;
  close(): void;
}

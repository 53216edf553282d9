// Where a download goes, as the download sees it: a folder in which it is finished over several runs, or a stream that
// takes it as it comes. Types only.
import type { Bitfield } from "../../core/bitfield.js";
import type { ManifestRoot } from "../../manifest/manifest.js";
import type { Selection } from "../../manifest/selection.js";
import type { SourceFiles } from "../../storage/source/share-source.js";
import type { ChunkStore } from "../../workers/chunk-store.js";
import type { SlotPool } from "../../workers/slots.js";
import type { WorkerPool } from "../../workers/worker-pool.js";

/** What receives the chunks, and which are there before any arrives. */
export interface Arrival {
  readonly store: ChunkStore;
  /** Chunks that need no second look. */
  readonly held: Bitfield;
  /** Chunks that are said to be there, and are verified. */
  readonly unchecked: Bitfield;
  /** Bytes of chunks of both kinds, except those that are only to be copied from elsewhere. */
  readonly resumedBytes: number;
  /** Where chunks are read from to be given to others. */
  readonly files: SourceFiles;
}

export interface Destination {
  /** The path of the finished share; known once this is open. */
  readonly path: string;
  /** Whether all of it is in place, so that it only remains to serve it. */
  readonly isCommitted: boolean;
  /** Prepares for this share; `ticket` leads to it again. Returns whether an earlier run has finished it, so that
   * nothing is left to do. `signal` ends it while it waits for another process. */
  open(root: ManifestRoot, ticket: string, signal: AbortSignal): Promise<boolean>;
  /** The body of the manifest as an earlier run stored it; not checked. */
  storedBody(): Uint8Array | undefined;
  keepBody(body: Uint8Array): void;
  /** Prepares for these entries; throws if they cannot go there. May read everything that is already there. */
  prepare(selection: Selection, pool: WorkerPool, slots: SlotPool, signal: AbortSignal): Promise<Arrival>;
  /** To be called several times a second. Throws what keeps the download from going on. */
  flush(): void;
  /** Whether something else, such as a slow reader, keeps it from taking more. */
  readonly isHeldUp: boolean;
  /** Leaves what is held so that the next run can go on with it. */
  pause(held: Bitfield): Promise<void>;
  /** Everything has been stored: puts it where it belongs. */
  finish(): Promise<void>;
  /** The cause of `thrown`, if that is known here; else `thrown` itself. */
  reasonFor(thrown: unknown): Promise<unknown>;
  close(): void;
}

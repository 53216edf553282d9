// The domain types of a manifest: what the rest of goshare knows of a share once wire.ts and check.ts have
// let its bytes in. Values of these types are trusted; nothing here reads or writes anything.
import type { ContentId } from "../core/ids.js";
import type { Layout } from "./layout.js";

export type ShareKind = "file" | "folder";

export interface FileEntry {
  /** Relative to the share, "/" between components; for a share of kind "file" the share's name. */
  readonly path: string;
  /** Bytes; a safe integer. */
  readonly size: number;
  readonly executable: boolean;
}

export interface SymbolicLink {
  readonly path: string;
  /** Relative, staying inside the share; need not exist. */
  readonly target: string;
}

/** A checked root. Its content id is the SHA-256 of `bytes`, which are kept exactly as they came. */
export interface ManifestRoot {
  readonly bytes: Uint8Array;
  readonly contentId: ContentId;
  readonly name: string;
  readonly kind: ShareKind;
  /** Bytes in a full chunk. */
  readonly chunkSize: number;
  /** Bytes in all files together. */
  readonly totalSize: number;
  readonly chunkCount: number;
  /** Files + empty directories + links. */
  readonly entryCount: number;
  /** Bytes in the encoded body. */
  readonly bodySize: number;
  /** The encoded body, if the root holds it; else undefined, and `pageDigests` is there. */
  readonly inlineBody: Uint8Array | undefined;
  /** 32 bytes for each page of the body, one after another; empty if the body is inline. */
  readonly pageDigests: Uint8Array;
}

/** A checked root with its checked body. */
export interface Manifest {
  readonly root: ManifestRoot;
  /** The encoded body, exactly as it came. */
  readonly bodyBytes: Uint8Array;
  /** Sorted by the UTF-8 bytes of path. */
  readonly files: readonly FileEntry[];
  readonly emptyDirectories: readonly string[];
  readonly symbolicLinks: readonly SymbolicLink[];
  /** 32 bytes for each chunk, one after another. */
  readonly chunkDigests: Uint8Array;
  /** Which bytes of which file make up which chunk. */
  readonly layout: Layout;
}

/** The entries of a share that are laid down: all of them, or some. */
export type Entries = Pick<Manifest, "files" | "emptyDirectories" | "symbolicLinks">;

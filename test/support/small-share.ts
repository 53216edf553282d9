// A share that exists in memory only: a manifest, and the bytes that it describes.
import { createHash, randomBytes } from "node:crypto";
import { KIB } from "../../src/core/units.js";
import { assembleManifest } from "../../src/manifest/assemble.js";
import type { Manifest } from "../../src/manifest/manifest.js";

export interface SmallShare {
  readonly manifest: Manifest;
  /** The bytes of its one file. */
  readonly content: Buffer;
  chunk(chunkIndex: number): Buffer;
}

/** One random file "share.bin" of `chunks` chunks, the last of them `lastBytes` long. */
export function smallShare(chunks: number, chunkSize = 64 * KIB, lastBytes = chunkSize - 1): SmallShare {
  const content = randomBytes((chunks - 1) * chunkSize + lastBytes);
  const chunk = (chunkIndex: number) =>
    content.subarray(chunkIndex * chunkSize, (chunkIndex + 1) * chunkSize);
  const digests = Array.from({ length: chunks }, (_, chunkIndex) =>
    createHash("sha256").update(chunk(chunkIndex)).digest(),
  );
  const manifest = assembleManifest({
    ...{ name: "share.bin", kind: "file", chunkSize, emptyDirectories: [], symbolicLinks: [] },
    files: [{ path: "share.bin", size: content.byteLength, executable: false }],
    chunkDigests: Buffer.concat(digests),
  });
  return { manifest, content, chunk };
}

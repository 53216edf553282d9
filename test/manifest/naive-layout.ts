// The layout rule of manifest.proto, written down as it stands there: the oracle of the layout tests.
import type { ChunkSegment } from "../../src/manifest/layout.js";

/** The segments of every chunk. */
export function naiveLayout(fileSizes: readonly number[], chunkSize: number): ChunkSegment[][] {
  const chunks: ChunkSegment[][] = [];
  let openPack: ChunkSegment[] | undefined;
  fileSizes.forEach((size, fileIndex) => {
    if (size === 0) return;
    if (size >= chunkSize) {
      for (let fileOffset = 0; fileOffset < size; fileOffset += chunkSize) {
        const length = Math.min(chunkSize, size - fileOffset);
        chunks.push([{ fileIndex, fileOffset, chunkOffset: 0, length }]);
      }
      return;
    }
    const packLength = openPack?.reduce((sum, segment) => sum + segment.length, 0) ?? 0;
    if (openPack === undefined || packLength + size > chunkSize || openPack.length >= 1024) {
      openPack = [{ fileIndex, fileOffset: 0, chunkOffset: 0, length: size }];
      chunks.push(openPack);
    } else {
      openPack.push({ fileIndex, fileOffset: 0, chunkOffset: packLength, length: size });
    }
  });
  return chunks;
}

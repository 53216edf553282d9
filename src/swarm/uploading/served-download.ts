// What a download gives to others: the chunks verified so far, read from its part folder or, once it is finished, from
// the final place. Never gives a chunk that is not verified, never writes.
import type { Bitfield } from "../../core/bitfield.js";
import type { GoshareError } from "../../core/errors.js";
import type { Manifest } from "../../manifest/manifest.js";
import { ShareSource, type SourceFiles } from "../../storage/source/share-source.js";
import { AvailabilityNews } from "../availability/availability-news.js";
import type { ServedShare } from "./served-share.js";

export class ServedDownload implements ServedShare {
  readonly manifest: Manifest;
  readonly held: Bitfield;
  readonly news: AvailabilityNews;
  readonly #failed: (error: GoshareError) => void;
  #source: ShareSource;

  /** `held` grows while the download runs; `files` is where it writes. `failed` is told when a chunk cannot be
   * read. */
  constructor(manifest: Manifest, held: Bitfield, files: SourceFiles, failed: (error: GoshareError) => void) {
    this.manifest = manifest;
    this.held = held;
    this.news = new AvailabilityNews(manifest.root.contentId);
    this.#source = new ShareSource(manifest, files);
    this.#failed = failed;
  }

  readChunk(chunkIndex: number, offset: number, into: Uint8Array): Promise<void> | undefined {
    const source = this.#source;
    return source.readChunk(chunkIndex, offset, into)?.catch((thrown: unknown) => {
      // The files were moved to their final name in the middle of the read.
      if (source === this.#source) throw thrown;
      return this.#source.readChunk(chunkIndex, offset, into);
    });
  }

  readFailed(error: GoshareError): void {
    this.#failed(error);
  }

  /** The files are at `files` from now on. */
  moved(files: SourceFiles): void {
    this.#source.close();
    this.#source = new ShareSource(this.manifest, files);
  }

  close(): void {
    this.#source.close();
  }
}

// What already has the name of a download. If it holds all of the share, nothing is left to fetch: the same command may
// be run again and again. Does not change it.
import * as fs from "node:fs";
import { Bitfield } from "../../core/bitfield.js";
import { GoshareError } from "../../core/errors.js";
import type { EventObserver } from "../../events/event.js";
import type { Manifest, ShareKind } from "../../manifest/manifest.js";
import type { Selection } from "../../manifest/selection.js";
import { finishedFiles } from "../../storage/final/finished-files.js";
import { compareTarget } from "../../storage/final/target-comparison.js";
import { discardPart } from "../../storage/part/discard-part.js";
import type { PartPaths } from "../../storage/part/part-paths.js";
import type { ChunkStore } from "../../workers/chunk-store.js";
import type { WorkerPool } from "../../workers/worker-pool.js";
import { verifyOnDisk } from "../hashing/chunks-on-disk.js";
import type { Arrival } from "./destination.js";

export class PresentTarget {
  /** Absolute. */
  readonly path: string;
  readonly #refusal: GoshareError;

  readonly #partPath: string;

  /** `refusal`: the error if something else is there, so that nothing is downloaded to that place. */
  constructor({ target, part }: PartPaths, refusal: GoshareError) {
    this.path = target;
    this.#partPath = part;
    this.#refusal = refusal;
  }

  /** Reads all of it. Throws the refusal at the first difference from the share, and for a part of a share, of which
   * not every chunk could be verified. */
  async verify(
    selection: Selection,
    pool: WorkerPool,
    observe: EventObserver,
    signal: AbortSignal,
  ): Promise<Arrival> {
    const { manifest } = selection;
    if (!selection.hasAllChunks || !isOfKind(manifest.root.kind, this.path)) throw this.#refusal;
    const comparison = await compareTarget(this.path, manifest, signal);
    const findings = comparison.files.size + comparison.entries.length + comparison.modes.length;
    if (findings > 0) throw this.#differs();
    // Their identities before they are read: files that change from here on are never given to others.
    const files = await finishedFiles(this.path, selection);
    if (!(await isRight(this.path, manifest, pool, observe, signal))) throw this.#differs();
    const { chunkCount } = manifest.root;
    return {
      store: new FullStore(this.#refusal),
      ...{
        held: Bitfield.full(chunkCount),
        unchecked: new Bitfield(chunkCount),
        resumedBytes: selection.bytes,
      },
      files,
    };
  }

  #differs(): GoshareError {
    const { code, message, hint } = this.#refusal;
    return new GoshareError(code, `${message}, and it is not what is in the share`, {
      hint: `goshare verify WHAT PATH --repair fetches what is wrong in it; or ${hint}`,
      cause: this.#refusal,
    });
  }

  /** Removes what an earlier run left: it is no longer needed. */
  async finish(): Promise<void> {
    // If another process uses it, or something else is in it, it stays: the download is done all the same.
    await discardPart(this.#partPath, this.path).catch(() => undefined);
  }
}

/** A link is of neither kind: what it leads to is not the download's own. */
function isOfKind(kind: ShareKind, path: string): boolean {
  const stats = fs.lstatSync(path, { throwIfNoEntry: false });
  return kind === "file" ? stats?.isFile() === true : stats?.isDirectory() === true;
}

/** Whether every chunk has its digest. Reads no more than needed to know that. */
async function isRight(
  rootPath: string,
  manifest: Manifest,
  pool: WorkerPool,
  observe: EventObserver,
  signal: AbortSignal,
): Promise<boolean> {
  const chunks = Bitfield.full(manifest.root.chunkCount);
  const work = { manifest, rootPath, givenPath: rootPath, chunks, mayBeLonger: false };
  const wrong = new AbortController();
  const either = AbortSignal.any([signal, wrong.signal]);
  try {
    await verifyOnDisk(work, pool, () => wrong.abort(), observe, either);
  } catch (thrown) {
    if (!wrong.signal.aborted || signal.aborted) throw thrown;
  }
  return !wrong.signal.aborted;
}

/** Has everything, so it is never asked to store a chunk. */
class FullStore implements ChunkStore {
  readonly keepsChunks = true;
  readonly askBelow = undefined;
  readonly waiting = 0;
  onProgress: () => void = () => undefined;
  onFailure: (error: unknown) => void = () => undefined;
  readonly #refusal: GoshareError;

  constructor(refusal: GoshareError) {
    this.#refusal = refusal;
  }

  async put(): Promise<boolean> {
    throw this.#refusal;
  }

  record(): void {}

  *checks(): Iterable<never> {}

  async finish(): Promise<void> {}

  isDiskSlow(): boolean {
    return false;
  }
}

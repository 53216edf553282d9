// A download into a folder: its part folder from the first chunk to the commit, and what an earlier run left in it.
import { existsSync } from "node:fs";
import { Bitfield } from "../../core/bitfield.js";
import { DISK_HINTS, type ErrorCode, GoshareError } from "../../core/errors.js";
import type { EventObserver } from "../../events/event.js";
import type { ManifestRoot } from "../../manifest/manifest.js";
import type { Selection } from "../../manifest/selection.js";
import { requireSpace } from "../../storage/files/free-space.js";
import { commit, finishCommit } from "../../storage/final/commit.js";
import { partFiles } from "../../storage/final/finished-files.js";
import { refuseUnsupportedNames } from "../../storage/final/target-names.js";
import { isThere } from "../../storage/part/part-files.js";
import { PartFolder, targetExists } from "../../storage/part/part-folder.js";
import { partPaths } from "../../storage/part/part-paths.js";
import { findReusable } from "../../storage/part/reuse.js";
import type { IfTaken } from "../../storage/part/taken-name.js";
import type { SyncedEntry } from "../../storage/part/written-files.js";
import { syncTasks } from "../../workers/batches.js";
import { PartStore } from "../../workers/part-store.js";
import type { SlotPool } from "../../workers/slots.js";
import type { WorkerPool } from "../../workers/worker-pool.js";
import { toldWait } from "../told-wait.js";
import type { Arrival, Destination } from "./destination.js";
import { PresentTarget } from "./present-target.js";

/** What else a user can do for a download into a folder, besides remedies for the disk. */
const MORE_HINTS: Partial<Record<ErrorCode, string>> = {
  DISK_FULL: "; what is verified is kept",
  PERMISSION_DENIED: ", or choose another folder with --output",
};

interface FolderWish {
  readonly outputDirectory: string;
  readonly ifTaken: IfTaken;
  /** Sorted patterns of what is wanted; none: everything. */
  readonly patterns: readonly string[];
  /** A folder in which an older version may be. */
  readonly reuseDirectory: string | undefined;
}

/** What exists once the manifest is known. */
interface Preparation {
  readonly selection: Selection;
  readonly pool: WorkerPool;
}

export class FolderDestination implements Destination {
  readonly #wish: FolderWish;
  readonly #observe: EventObserver;
  #open: PartFolder | undefined;
  #present: PresentTarget | undefined;
  #prepared: Preparation | undefined;
  #isWatching = false;
  #displacement: GoshareError | undefined;
  readonly isHeldUp = false;
  isCommitted = false;

  constructor(wish: FolderWish, observe: EventObserver) {
    this.#wish = wish;
    this.#observe = observe;
  }

  get path(): string {
    return this.#present?.path ?? this.#part.targetPath;
  }

  async open(root: ManifestRoot, ticket: string, signal: AbortSignal): Promise<boolean> {
    const { outputDirectory, ifTaken, patterns } = this.#wish;
    let part: PartFolder;
    try {
      const wait = toldWait(this.#observe, outputDirectory, signal);
      part = await PartFolder.open(outputDirectory, root, ifTaken, patterns, wait);
    } catch (thrown) {
      const paths = partPaths(outputDirectory, root);
      if (ifTaken !== "refuse" || !isInTheWay(GoshareError.from(thrown), paths.target)) throw thrown;
      this.#present = new PresentTarget(paths, targetExists(paths.target));
      return false;
    }
    this.#open = part;
    if (part.isClaimed) this.#tellLeft(finishCommit(part));
    else part.storeTicket(ticket);
    if (!part.isClaimed && part.replaces && isThere(part.targetPath)) this.#tellReplaced(part.targetPath);
    return part.isClaimed;
  }

  /** The sharer has chosen the name, so the user is told before anything happens to what has it. */
  #tellReplaced(path: string): void {
    const message = "this already exists, and will be replaced once the download is complete";
    this.#observe({ type: "warning", code: "TARGET_EXISTS", message, path });
  }

  /** The download itself is complete: if what it replaced cannot be removed, that is only a warning. */
  #tellLeft(problem: GoshareError | undefined): void {
    if (problem === undefined) return;
    const path = this.#part.partPath;
    const message = `what was replaced cannot be removed (${problem.message}); it is still in this folder`;
    this.#observe({ type: "warning", code: problem.code, message, path });
  }

  storedBody(): Uint8Array | undefined {
    return this.#open?.storedBody();
  }

  keepBody(body: Uint8Array): void {
    this.#open?.storeBody(body);
  }

  async prepare(
    selection: Selection,
    pool: WorkerPool,
    slots: SlotPool,
    signal: AbortSignal,
  ): Promise<Arrival> {
    if (this.#present !== undefined) return this.#present.verify(selection, pool, this.#observe, signal);
    const part = this.#part;
    refuseUnsupportedNames(selection, part);
    const claimed = claimedOf(selection, part.claims.held);
    // Chunks that an earlier run wrongly claims to have written have their room already.
    requireSpace(part.partPath, selection.bytes - bytesOf(selection, claimed));
    part.storeSelection({ patterns: this.#wish.patterns, chunks: selection.chunks.count });
    this.#prepared = { selection, pool };
    const { reuseDirectory } = this.#wish;
    const reusable = reuseDirectory === undefined ? undefined : await findReusable(reuseDirectory, selection);
    // Chunks that an earlier run has written need not be looked for elsewhere.
    for (const chunkIndex of claimed) reusable?.chunks.delete(chunkIndex);
    await part.sizeFiles(selection, claimed, signal);
    if (reusable !== undefined) await part.sizeFiles(selection, reusable.chunks, signal);
    const store = new PartStore(selection, part, pool, slots, reusable);
    const none = new Bitfield(claimed.length);
    const isTrusted = claimed.count > 0 && (await part.takePauseMark(selection.manifest));
    const held = isTrusted ? claimed : none;
    const unchecked = isTrusted ? none : checkable(selection, claimed);
    const resumedBytes = bytesOf(selection, held) + bytesOf(selection, unchecked);
    for (const chunkIndex of reusable?.chunks ?? []) unchecked.add(chunkIndex);
    return { store, held, unchecked, resumedBytes, files: partFiles(part) };
  }

  /** Reported progress is in the journal: if the process is stopped now, nothing of it is lost. */
  flush(): void {
    // With its files open a download would write on, and fail only when everything is there.
    if (this.#displacement !== undefined) throw this.#displacement;
    this.#watch();
    this.#open?.flushJournal();
  }

  /** Looks whether the part folder is in its place, once at a time; the next `flush` throws what it finds. */
  #watch(): void {
    if (this.#isWatching || this.#open === undefined) return;
    this.#isWatching = true;
    void this.#open.displacement().then((displacement) => {
      this.#displacement = displacement;
      this.#isWatching = false;
    });
  }

  async pause(held: Bitfield): Promise<void> {
    if (held.count === 0 || this.#prepared === undefined) return;
    const { selection } = this.#prepared;
    const part = this.#part;
    await part.makeDurable(filesWith(held, selection, part), (entries) => this.#syncFiles(entries));
    await part.pause(selection.manifest, held);
  }

  async finish(): Promise<void> {
    if (this.#present !== undefined) await this.#present.finish();
    else {
      if (this.#prepared === undefined) throw new Error("nothing is committed before it is prepared");
      const { selection } = this.#prepared;
      this.#tellLeft(await commit(this.#part, selection, (entries) => this.#syncFiles(entries)));
    }
    this.isCommitted = true;
  }

  async reasonFor(thrown: unknown): Promise<unknown> {
    const { code, message, hint } = GoshareError.from(thrown);
    if (code === "DISK_FAILED") return (await this.#open?.displacement()) ?? thrown;
    const more = MORE_HINTS[code];
    if (more === undefined || hint !== DISK_HINTS[code]) return thrown;
    return new GoshareError(code, message, { hint: `${hint}${more}`, cause: thrown });
  }

  close(): void {
    this.#open?.close();
  }

  get #part(): PartFolder {
    if (this.#open === undefined) throw new Error("the part folder is not open");
    return this.#open;
  }

  async #syncFiles(entries: Iterable<SyncedEntry>): Promise<void> {
    await this.#prepared?.pool.runAll(syncTasks(entries), () => undefined);
  }
}

/** Whether no part folder was opened because something has the target's name; or because nothing can be written there,
 * which does not matter if all of the share is there. */
function isInTheWay({ code }: GoshareError, targetPath: string): boolean {
  if (code === "TARGET_EXISTS") return true;
  return (code === "DISK_FULL" || code === "PERMISSION_DENIED") && existsSync(targetPath);
}

/** The files that hold bytes of these chunks. */
function* filesWith(held: Bitfield, selection: Selection, part: PartFolder): Iterable<SyncedEntry> {
  const { files, layout } = selection.manifest;
  for (const [fileIndex, file] of files.entries()) {
    if (!selection.hasFile(fileIndex)) continue;
    const { first, count } = layout.chunksOfFile(fileIndex);
    for (let chunkIndex = first; chunkIndex < first + count; chunkIndex++) {
      if (!held.has(chunkIndex)) continue;
      yield { path: part.filePath(file.path), fileBytes: file.size };
      break;
    }
  }
}

/** Which chunks of the selection an earlier run claims to have written; a journal is only a claim. */
function claimedOf(selection: Selection, held: Bitfield): Bitfield {
  const claimed = new Bitfield(held.length);
  for (const chunkIndex of held) if (selection.chunks.has(chunkIndex)) claimed.add(chunkIndex);
  return claimed;
}

/** The chunks that can be verified again: parts of the others were dropped, so they are fetched again. */
function checkable(selection: Selection, claimed: Bitfield): Bitfield {
  const whole = new Bitfield(claimed.length);
  for (const chunkIndex of claimed) if (selection.isWholeChunk(chunkIndex)) whole.add(chunkIndex);
  return whole;
}

function bytesOf(selection: Selection, chunks: Bitfield): number {
  let bytes = 0;
  for (const chunkIndex of chunks) bytes += selection.bytesIn(chunkIndex);
  return bytes;
}

// The journal of a part folder as a file that grows: appends records in groups, behind its last whole record. Knows
// chunks only by their numbers.
import * as fs from "node:fs";
import { errorAt } from "../../core/errors.js";
import type { ContentId } from "../../core/ids.js";
import {
  encodeCommitMark,
  encodeJournalHeader,
  encodeJournalRecords,
  type JournalClaims,
  noClaims,
} from "./journal.js";
import { requireFile } from "./part-files.js";

/** Verified chunks are put into the journal in groups of this many. */
const JOURNAL_GROUP = 16;

interface JournaledContent {
  readonly contentId: ContentId;
  readonly chunkCount: number;
}

export class PartJournal {
  readonly #path: string;
  readonly #fd: number;
  readonly #content: JournaledContent;
  #unwritten: number[] = [];
  /** Whole records end here; what a failed write left behind this is overwritten. */
  #wholeBytes: number;
  #records: number;
  #isClosed = false;

  /** Continues the journal at `path`, or begins one. `claims` is what was read from it. */
  constructor(path: string, content: JournaledContent, claims: JournalClaims) {
    const { O_RDWR, O_CREAT, O_NOFOLLOW } = fs.constants;
    this.#path = path;
    this.#content = content;
    this.#wholeBytes = claims.wholeBytes;
    this.#records = claims.held.count;
    this.#fd = fs.openSync(path, O_RDWR | O_CREAT | O_NOFOLLOW, 0o600);
    try {
      requireFile(this.#fd, path);
      this.#writeHeader();
      fs.ftruncateSync(this.#fd, claims.wholeBytes);
    } catch (thrown) {
      this.close();
      throw thrown;
    }
  }

  /** Whether the file claims no chunks. */
  get isEmpty(): boolean {
    return this.#records === 0;
  }

  /** Notes that the chunk is verified and written. */
  record(chunkIndex: number): void {
    this.#unwritten.push(chunkIndex);
    if (this.#unwritten.length >= JOURNAL_GROUP) this.flush();
  }

  flush(): void {
    if (this.#unwritten.length === 0 || this.#isClosed) return;
    this.#append(encodeJournalRecords(this.#unwritten));
    this.#records += this.#unwritten.length;
    this.#unwritten = [];
  }

  /** Notes that a target with our name may be our own from now on, or is not ours after all. */
  markCommitting(isCommitting: boolean): void {
    this.flush();
    this.#append(encodeCommitMark(isCommitting));
    this.sync();
  }

  sync(): void {
    fs.fsyncSync(this.#fd);
  }

  /** Withdraws all claims. `isCommitting`: an empty target may still be our own. */
  giveUp(isCommitting: boolean): void {
    this.#unwritten = [];
    this.#records = 0;
    this.#wholeBytes = noClaims(this.#content.chunkCount).wholeBytes;
    fs.ftruncateSync(this.#fd, 0);
    this.#writeHeader();
    if (isCommitting) this.#append(encodeCommitMark(true));
  }

  /** What the disk loses of it by then costs time: it is only ever a claim. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    try {
      fs.closeSync(this.#fd);
    } catch {
      // Closed all the same.
    }
  }

  #writeHeader(): void {
    const { contentId, chunkCount } = this.#content;
    fs.writeSync(this.#fd, encodeJournalHeader(contentId, chunkCount), 0, undefined, 0);
  }

  #append(bytes: Buffer): void {
    try {
      for (let done = 0; done < bytes.byteLength; )
        done += fs.writeSync(this.#fd, bytes, done, bytes.byteLength - done, this.#wholeBytes + done);
    } catch (thrown) {
      throw errorAt(thrown, this.#path);
    }
    this.#wholeBytes += bytes.byteLength;
  }
}

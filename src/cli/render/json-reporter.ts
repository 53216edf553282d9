// --json: every event as one line on stdout, for programs. Only the stack of a bug, and details where they are wanted,
// go to stderr.
import type { Writable } from "node:stream";
import type { DetailObserver, GoshareEvent } from "../../events/event.js";
import { eventLine } from "../../events/wire.js";
import type { Reporter } from "./reporter.js";

/** What its reader has not taken yet; from here on nothing is added to it that another event will say again, or that
 * anybody who connects could make happen: whoever reads a share's events for a while and then no more must not cost it
 * its memory. */
const UNREAD_BYTES = 1024 * 1024;
const DROPPABLE: ReadonlySet<GoshareEvent["type"]> = new Set([
  "hashing",
  "progress",
  "serving",
  "peerConnected",
  "peerDisconnected",
] as const);

export class JsonReporter implements Reporter {
  readonly detail: DetailObserver | undefined;
  readonly #stdout: Writable;
  readonly #stderr: Writable;

  constructor(stdout: Writable, stderr: Writable, detail: DetailObserver | undefined) {
    this.detail = detail;
    this.#stdout = stdout;
    this.#stderr = stderr;
  }

  observe(event: GoshareEvent): void {
    if (DROPPABLE.has(event.type) && this.#stdout.writableLength > UNREAD_BYTES) return;
    this.#stdout.write(`${eventLine(event)}\n`);
  }

  tell(): void {}

  showStack(stack: string): void {
    this.#stderr.write(`${stack}\n`);
  }

  close(): void {}
}

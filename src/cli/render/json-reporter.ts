// --json: every event as one line on stdout, for programs. Only the stack of a bug, and details where they are wanted,
// go to stderr.
import type { Writable } from "node:stream";
import { isUnread } from "../../core/unread.js";
import type { DetailObserver, GoshareEvent } from "../../events/event.js";
import { eventLine } from "../../events/wire.js";
import type { Reporter } from "./reporter.js";

/** Events that are left out while the reader takes none: another event will repeat them, or anybody who connects could
 * cause them. */
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
    if (DROPPABLE.has(event.type) && isUnread(this.#stdout)) return;
    this.#stdout.write(`${eventLine(event)}\n`);
  }

  tell(): void {}

  showStack(stack: string): void {
    this.#stderr.write(`${stack}\n`);
  }

  close(): void {}
}

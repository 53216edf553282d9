// --json: every event as one line on stdout, for programs. Only the stack of a bug, and details where they are wanted,
// go to stderr.
import type { Writable } from "node:stream";
import type { DetailObserver, GoshareEvent } from "../../events/event.js";
import { eventLine } from "../../events/wire.js";
import type { Reporter } from "./reporter.js";

/** While the reader leaves more than this untaken, events are dropped that another event will repeat, or that anybody
 * who connects could cause: whoever reads a share's events for a while and then stops must not cost the share its
 * memory. */
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

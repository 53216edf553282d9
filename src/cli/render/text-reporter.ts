// Text for people: results on stdout, so that they can be piped and copied, everything else on stderr. Quiet leaves
// only results and problems.
import { basename } from "node:path";
import type { Writable } from "node:stream";
import { isUnread } from "../../core/unread.js";
import type { DetailObserver, GoshareEvent } from "../../events/event.js";
import { connectionText, describe } from "./describe.js";
import { folded } from "./fold.js";
import type { Palette } from "./palette.js";
import { printable } from "./printable.js";
import type { ProgressDisplay, Reporter } from "./reporter.js";
import { Transfers } from "./transfers.js";

export interface TextReporterParts {
  readonly stdout: Writable;
  readonly stderr: Writable;
  readonly palette: Palette;
  readonly quiet: boolean;
  /** Undefined: nobody wants details. */
  readonly detail: DetailObserver | undefined;
  /** Undefined: progress is not shown. */
  readonly progress: ProgressDisplay | undefined;
}

export class TextReporter implements Reporter {
  readonly detail: DetailObserver | undefined;
  readonly #parts: TextReporterParts;
  readonly #transfers = new Transfers();
  /** Names of what is shared, by content id. */
  readonly #shares = new Map<string, string>();
  #transferring = false;
  #lastWaiting = "";

  constructor(parts: TextReporterParts) {
    this.#parts = parts;
    this.detail = parts.detail;
  }

  observe(event: GoshareEvent): void {
    if (event.type === "hashing" || event.type === "progress") {
      this.#showProgress(event);
      return;
    }
    if (event.type === "serving") {
      this.#showServing(event);
      return;
    }
    if (event.type === "sharing") this.#shares.set(event.contentId, event.name);
    if (event.type === "downloading") {
      this.#transfers.begun(event);
      this.#transferring = true;
    }
    if (event.type === "done" || event.type === "failed") this.#transfers.ended(event.contentId ?? "");
    if (event.type === "peerConnected" || event.type === "peerDisconnected") {
      this.#showConnection(event);
      return;
    }
    if (event.type === "waiting") {
      if (event.waitingFor === this.#lastWaiting) return;
      this.#lastWaiting = event.waitingFor;
    }
    this.#write(event);
  }

  tell(text: string): void {
    if (this.#parts.quiet) return;
    this.#parts.progress?.clear();
    const { stderr } = this.#parts;
    for (const line of text.split("\n")) stderr.write(`${folded(stderr, line)}\n`);
  }

  showStack(stack: string): void {
    this.#parts.progress?.clear();
    this.#parts.stderr.write(`${stack.split("\n").map(printable).join("\n")}\n`);
  }

  close(): void {
    this.#parts.progress?.clear();
  }

  #write(event: GoshareEvent): void {
    const { stdout, stderr, palette, quiet, progress } = this.#parts;
    const contentId = event.type === "copied" && this.#shares.size > 1 ? event.contentId : "";
    const lines = describe(event, palette, this.#shares.get(contentId)).filter(
      (line) => !quiet || line.kind !== "note",
    );
    if (lines.length === 0) return;
    progress?.clear();
    for (const { kind, text, hangingCells, isWhole } of lines) {
      const stream = kind === "result" ? stdout : stderr;
      stream.write(`${isWhole ? text : folded(stream, text, hangingCells)}\n`);
    }
  }

  /** A sharer sees who comes and goes; next to a progress bar, which counts them, that would be noise. */
  #showConnection(event: Parameters<typeof connectionText>[0]): void {
    if (this.detail !== undefined) this.detail("peer", connectionText(event));
    else if (!this.#transferring && !isUnread(this.#parts.stderr)) this.#write(event);
  }

  /** Of several shares, shows the one that peers are taking from. */
  #showServing(event: Extract<GoshareEvent, { type: "serving" }>): void {
    const { bytesSent, bytesPerSecond, peers, chunks, neighbours } = event;
    if (peers === 0) {
      this.#parts.progress?.clear();
      return;
    }
    const percents = neighbours.map(({ chunksHeld }) => Math.floor((100 * chunksHeld) / Math.max(1, chunks)));
    const name = printable(event.name);
    this.#parts.progress?.show({ name, verb: "sharing", bytesSent, bytesPerSecond, peers, percents });
  }

  #showProgress(event: Extract<GoshareEvent, { type: "hashing" | "progress" }>): void {
    if (event.type === "progress") {
      this.#parts.progress?.show(this.#transfers.progressed(event));
      return;
    }
    const { bytesDone, bytesTotal, bytesPerSecond } = event;
    const name = printable(basename(event.path) || event.path);
    const etaMs = bytesPerSecond > 0 ? ((bytesTotal - bytesDone) * 1000) / bytesPerSecond : 0;
    this.#parts.progress?.show({
      name,
      verb: "hashing",
      ...{ bytesDone, bytesTotal, bytesPerSecond },
      etaMs: Math.max(0, etaMs),
      peers: undefined,
      stall: "",
    });
  }
}

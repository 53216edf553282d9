// Warns why no peer helps, once a flow has waited for some seconds: each reason once. Decides nothing.
import type { EventObserver } from "../../events/event.js";
import type { DownloadSwarm } from "../../swarm/download-swarm.js";

/** Peers come and go; a shorter wait is no news. */
const LONELY_MS = 3_000;
/** Each of many peers may fail in its own way. */
const MAX_TOLD = 10;

export class LonelyWarnings {
  readonly #swarm: Pick<DownloadSwarm, "peerCount" | "lastError">;
  readonly #observe: EventObserver;
  readonly #told = new Set<string>();
  #sinceMs: number;

  constructor(
    swarm: Pick<DownloadSwarm, "peerCount" | "lastError">,
    observe: EventObserver,
    nowMs = performance.now(),
  ) {
    this.#swarm = swarm;
    this.#observe = observe;
    this.#sinceMs = nowMs;
  }

  /** To be called a few times a second. */
  tell(nowMs: number): void {
    const { peerCount, lastError } = this.#swarm;
    if (peerCount > 0) this.#sinceMs = nowMs;
    if (lastError === undefined || nowMs - this.#sinceMs < LONELY_MS) return;
    const { code, message } = lastError;
    // A peer that sent wrong bytes has been named for that (chunk-troubles.ts).
    if (code === "DIGEST_MISMATCH") return;
    if (this.#told.has(message) || this.#told.size >= MAX_TOLD) return;
    this.#told.add(message);
    this.#observe({ type: "warning", code, message, path: "" });
  }
}

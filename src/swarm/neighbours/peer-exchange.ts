// Asks neighbours which other peers they know, one at a time and ever less often, so that downloads find each other
// where no tracker answers. Believes nothing they say: it only passes addresses on.
import { eachDialable } from "../../address/resolve.js";
import { pause } from "../../core/clock.js";
import type { ContentId } from "../../core/ids.js";
import type { PeerConnection } from "../../peer/connection.js";
import { MAX_PEER_LIST } from "../../peer/limits.js";
import type { PeerAddress } from "../../peer/messages.js";

export interface PeerExchangeOptions {
  /** First wait between two questions; doubles up to the last. */
  readonly minExchangeMs: number;
  readonly maxExchangeMs: number;
}

export interface PeerExchangeSetUp {
  readonly contentId: ContentId;
  readonly options: PeerExchangeOptions;
  /** The neighbours that can be asked now. */
  readonly neighbours: () => readonly PeerConnection[];
  /** A neighbour named a peer, with addresses that may be dialled. */
  readonly found: (peer: PeerAddress) => void;
}

export class PeerExchange {
  readonly #setUp: PeerExchangeSetUp;
  readonly #closing = new AbortController();
  #hurry = new AbortController();
  #pauseMs: number;

  constructor(setUp: PeerExchangeSetUp) {
    this.#setUp = setUp;
    this.#pauseMs = setUp.options.minExchangeMs;
    void this.#run();
  }

  /** A neighbour was lost: asks again soon. */
  hurry(): void {
    this.#pauseMs = this.#setUp.options.minExchangeMs;
    this.#hurry.abort();
  }

  close(): void {
    this.#closing.abort();
  }

  async #run(): Promise<void> {
    const { signal } = this.#closing;
    while (!signal.aborted) {
      this.#hurry = new AbortController();
      // Half of the pause is random, so that downloads that began together do not all ask at once.
      await pause(this.#pauseMs * (0.5 + Math.random() / 2), AbortSignal.any([signal, this.#hurry.signal]));
      if (this.#hurry.signal.aborted) await pause(this.#pauseMs, signal);
      if (signal.aborted) return;
      this.#pauseMs = Math.min(this.#setUp.options.maxExchangeMs, this.#pauseMs * 2);
      await this.#askOne();
    }
  }

  async #askOne(): Promise<void> {
    const all = this.#setUp.neighbours();
    const asked = all[Math.floor(Math.random() * all.length)];
    if (asked !== undefined) await this.ask(asked);
  }

  /** Asks this neighbour now. Never rejects. */
  async ask(asked: PeerConnection): Promise<void> {
    const { contentId, found } = this.#setUp;
    // A neighbour that takes few requests at a time may have no room for this one; another is asked next time.
    if (asked.openRequests >= asked.remote.maxRequestsInFlight) return;
    try {
      const { reply } = await asked.request({ type: "getPeers", contentId, max: MAX_PEER_LIST });
      if (reply.type !== "peerList") return;
      await eachDialable(reply.peers, asked.remoteHost, found, this.#closing.signal);
    } catch {
      // The neighbour has gone; another is asked next time.
    }
  }
}

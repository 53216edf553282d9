// Keeps a download's neighbours worth having: now and then the least useful makes room for another, and more are looked
// for if none has a missing chunk. Says which to let go; dials and closes nothing itself.

import { LeastUseful } from "../uploading/least-useful.js";
import type { DownloadPeer } from "./download-peer.js";

export interface TurnoverOptions {
  /** How often the neighbour that gave and took least makes room for another, if there are as many as are wanted. */
  readonly rotationMs: number;
  /** How often to check whether any neighbour has a missing chunk; if none has, one more is looked for. */
  readonly starvationTickMs: number;
}

/** The neighbours that are looked after. */
export interface Turned {
  /** Neighbours with which the share is exchanged and which the user did not name. */
  exchangeable(): readonly DownloadPeer[];
  /** Whether there are as many as are wanted, and another could be dialled. */
  mayReplace(): boolean;
  /** Whether no neighbour has a missing chunk. */
  hasNothing(): boolean;
  lookFurther(): void;
  letGo(peer: DownloadPeer): void;
}

export class Turnover {
  readonly #owner: Turned;
  readonly #leastUseful = new LeastUseful<DownloadPeer>();
  readonly #timers: readonly NodeJS.Timeout[];
  /** Whether no neighbour has a missing chunk, however many there are. */
  isStarved = false;

  constructor(options: TurnoverOptions, owner: Turned) {
    this.#owner = owner;
    this.#timers = [
      setInterval(() => this.#rotate(), options.rotationMs).unref(),
      setInterval(() => this.#look(), options.starvationTickMs).unref(),
    ];
  }

  close(): void {
    for (const timer of this.#timers) clearInterval(timer);
  }

  #look(): void {
    this.isStarved = this.#owner.hasNothing();
    if (this.isStarved) this.#owner.lookFurther();
  }

  #rotate(): void {
    const peers = this.#owner.exchangeable();
    const least = this.#leastUseful.next(
      peers.map((peer) => [peer, peer.connection.bytesReceived + peer.connection.bytesSent]),
    );
    // If none has a missing chunk, none is less useful than another.
    const dropped = least ?? (this.isStarved ? peers[0] : undefined);
    if (dropped !== undefined && this.#owner.mayReplace()) this.#owner.letGo(dropped);
  }
}

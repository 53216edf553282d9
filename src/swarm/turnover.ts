// Keeps a download's neighbours worth having: now and then the least useful makes room for another, and where none of
// them has what is missing more are looked for. Says whom to let go; dials and closes nothing itself.
import type { DownloadPeer } from "./download-peer.js";
import { LeastUseful } from "./least-useful.js";

export interface TurnoverOptions {
  /** So often the neighbour that gave and took least makes room for another, where there are as many as are wanted. */
  readonly rotationMs: number;
  /** So often it is looked whether any neighbour has what is missing; if none has, one more is looked for. */
  readonly starvationTickMs: number;
}

/** The neighbours it is about. */
export interface Turned {
  /** Those with whom the share is exchanged and whom the user has not named. */
  exchangeable(): readonly DownloadPeer[];
  /** Whether there are as many as are wanted, and somebody else could be dialled. */
  mayReplace(): boolean;
  /** Whether no neighbour has what is missing. */
  hasNothing(): boolean;
  lookFurther(): void;
  letGo(peer: DownloadPeer): void;
}

export class Turnover {
  readonly #owner: Turned;
  readonly #leastUseful = new LeastUseful<DownloadPeer>();
  readonly #timers: readonly NodeJS.Timeout[];
  /** Enough neighbours are not enough: none of them has what is missing. */
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
    // Where nobody has what is missing none is less useful than another.
    const dropped = least ?? (this.isStarved ? peers[0] : undefined);
    if (dropped !== undefined && this.#owner.mayReplace()) this.#owner.letGo(dropped);
  }
}

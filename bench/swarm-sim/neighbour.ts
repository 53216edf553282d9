// One end of a simulated connection: it does what PeerConnection and DownloadPeer do in production. The other side
// hears later what one side says, in the order in which it was said, and not at all once the connection has ended.
// Decides nothing.
import type { PeerId } from "../../src/core/ids.js";
import type { DeclineReason } from "../../src/peer/messages.js";
import { defaultConnectionOptions } from "../../src/peer/options.js";
import type { PeerCoverage } from "../../src/swarm/availability/coverage.js";
import type { RelievedPeer } from "../../src/swarm/downloading/relief.js";
import { AnswerPace } from "../../src/swarm/neighbours/answer-pace.js";
import { RequestWindow } from "../../src/swarm/neighbours/request-window.js";
import type { OfferedConnection } from "../../src/swarm/uploading/offering.js";
import type { Downlink } from "./downlink.js";

/** The peer whose end it is; it is told what comes from the other side. */
export interface NeighbourOwner {
  readonly id: PeerId;
  readonly downlink: Downlink;
  readonly features: readonly string[];
  readonly coverage: PeerCoverage;
  /** Whether it wants what others have. */
  readonly isDownload: boolean;
  joined(by: Neighbour, coverage: PeerCoverage): void;
  available(from: Neighbour, coverage: PeerCoverage): void;
  asked(by: Neighbour, chunkIndex: number, offerId: number): void;
  cancelled(by: Neighbour, chunkIndex: number): void;
  declined(by: Neighbour, offerId: number, reason: DeclineReason, retryAfterMs: number): void;
  offered(by: Neighbour, offerId: number, chunkIndexes: readonly number[]): void;
  welcomed(by: Neighbour): void;
  gained(from: Neighbour, chunkIndex: number): void;
  received(from: Neighbour, chunkIndex: number): void;
  /** `from` was told not to send the chunk, and does not. */
  left(from: Neighbour, chunkIndex: number): void;
}

/** What takes time between two peers. */
export interface Latency {
  nowMs(): number;
  later(delayMs: number, run: () => void): void;
  /** One way. */
  readonly delayMs: number;
  /** What one answer to an offer takes besides. */
  answerMs(): number;
}

export class Neighbour implements OfferedConnection, RelievedPeer {
  readonly owner: NeighbourOwner;
  readonly #latency: Latency;
  #other: Neighbour;
  readonly trust: RequestWindow;
  isOpen = true;
  hasJoined = false;
  readonly pace = new AnswerPace();
  readonly requests = new Map<number, { isCancelled: boolean }>();
  /** Fixed, since nobody is short of memory here. */
  readonly connection = { isInChunk: false, bytesRead: 0 };
  #lastHeardMs = 0;
  #lastOfferId = 0;

  /** Both ends of a new connection; `dialler` has dialled and will join. */
  static connect(
    dialler: NeighbourOwner,
    listener: NeighbourOwner,
    latency: Latency,
    unprovenRequests: number,
  ): readonly [Neighbour, Neighbour] {
    const first = new Neighbour(dialler, latency, unprovenRequests);
    const second = new Neighbour(listener, latency, unprovenRequests);
    first.#other = second;
    second.#other = first;
    return [first, second];
  }

  together(step: () => void): void {
    step();
  }

  private constructor(owner: NeighbourOwner, latency: Latency, unprovenRequests: number) {
    this.owner = owner;
    this.#latency = latency;
    this.#other = this;
    this.trust = new RequestWindow(unprovenRequests, defaultConnectionOptions.maxRequestsInFlight);
  }

  get id(): PeerId {
    return this.#other.owner.id;
  }

  get remote(): { readonly features: readonly string[] } {
    return this.#other.owner;
  }

  get downlink(): Downlink {
    return this.#other.owner.downlink;
  }

  close(): void {
    this.isOpen = false;
    this.#other.isOpen = false;
  }

  get other(): Neighbour {
    return this.#other;
  }

  get window(): number {
    return this.trust.size;
  }

  get isReady(): boolean {
    return this.isOpen && this.trust.hasRoom(this.requests.size);
  }

  get isReadyForOne(): boolean {
    return this.isOpen && this.trust.hasRoomForOne(this.requests.size);
  }

  get hasRoomForGroup(): boolean {
    return this.isOpen && this.trust.hasRoomForGroup(this.requests.size);
  }

  join(): void {
    this.hasJoined = true;
    const { coverage } = this.owner;
    this.#tell((other) => {
      const answer = other.owner.coverage;
      other.#tell((asker) => asker.owner.available(asker, answer));
      other.owner.joined(other, coverage);
      if (!other.hasJoined && other.owner.isDownload) other.join();
    });
  }

  request(chunkIndex: number, offerId: number): void {
    this.pace.asked(this.#latency.nowMs());
    this.requests.set(chunkIndex, { isCancelled: false });
    const lateMs = offerId === 0 ? 0 : this.#latency.answerMs();
    this.#tell((other) => other.owner.asked(other, chunkIndex, offerId), lateMs);
  }

  cancel(chunkIndex: number): void {
    const request = this.requests.get(chunkIndex);
    if (request === undefined || request.isCancelled) return;
    request.isCancelled = true;
    this.#tell((other) => other.owner.cancelled(other, chunkIndex));
  }

  decline(offerId: number, reason: DeclineReason, retryAfterMs: number): void {
    const lateMs = this.#latency.answerMs();
    this.#tell((other) => other.owner.declined(other, offerId, reason, retryAfterMs), lateMs);
  }

  nextOfferId(): number {
    return ++this.#lastOfferId;
  }

  notify(notice: Parameters<OfferedConnection["notify"]>[0]): void {
    if (notice.type === "offer") {
      const { offerId, chunks } = notice;
      this.#tell((other) => other.owner.offered(other, offerId, chunks));
    } else {
      const { requests } = notice;
      this.#tell((other) => {
        other.trust.pullWindow = requests;
        other.owner.welcomed(other);
      });
    }
  }

  sendChunk(chunkIndex: number): void {
    this.#tell((other) => other.owner.received(other, chunkIndex));
  }

  leaveChunk(chunkIndex: number): void {
    this.#tell((other) => other.owner.left(other, chunkIndex));
  }

  /** Lets the other end hear something, once it has travelled there, and after everything that was said before. */
  #tell(hear: (other: Neighbour) => void, lateMs = 0): void {
    const nowMs = this.#latency.nowMs();
    this.#lastHeardMs = Math.max(this.#lastHeardMs, nowMs + this.#latency.delayMs + lateMs);
    const other = this.#other;
    this.#latency.later(this.#lastHeardMs - nowMs, () => {
      if (other.isOpen) hear(other);
    });
  }
}

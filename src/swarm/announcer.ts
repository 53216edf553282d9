// Keeps a peer's leases with its trackers alive: announces to every one of them at its own pace, hands in roots they
// ask for, and withdraws at the end. A tracker that is down is asked again, ever more slowly and in the end as seldom
// as leases are renewed: so not all peers ask it at once when it is back. It stops nothing.
import { type Endpoint, formatEndpoint } from "../address/endpoint.js";
import { pause, withTimeout } from "../core/clock.js";
import { GoshareError } from "../core/errors.js";
import type { ContentId, PeerId } from "../core/ids.js";
import { askedToWaitMs } from "../rpc/rpc-error.js";
import type { AnnounceAnswer, Announcement, ShareAnnouncement } from "../tracker/announcement.js";
import type { TrackerClient } from "../tracker/client.js";

export interface AnnouncedPeer {
  readonly peerId: PeerId;
  readonly runEpochMs: number;
  readonly endpoints: readonly Endpoint[];
  listenPort(): number;
  /** What is held now. */
  shares(): readonly ShareAnnouncement[];
  /** The encoded root of a share, or undefined if it is not to be handed in. */
  rootOf(contentId: ContentId): Uint8Array | undefined;
}

export interface AnnouncerEvents {
  /** A tracker answered. */
  answered(tracker: string, answer: AnnounceAnswer): void;
  /** A tracker did not answer, or took no manifest, and is asked again later. Called once until it does. */
  failed(tracker: string, error: GoshareError): void;
}

/** Renewals are spread by this part of their interval either way, so that not all peers come at once. */
const JITTER = 0.2;
const MIN_BACKOFF_MS = 1_000;
const MAX_BACKOFF_MS = 60_000;
/** A peer that leaves waits no longer than this to tell a tracker. */
const MAX_WITHDRAW_MS = 1_500;

export class Announcer {
  readonly #peer: AnnouncedPeer;
  readonly #events: AnnouncerEvents;
  readonly #closing = new AbortController();
  #waking = new AbortController();
  readonly #loops: readonly Promise<void>[];
  readonly #first: readonly Promise<void>[];

  constructor(trackers: readonly Endpoint[], peer: AnnouncedPeer, events: AnnouncerEvents) {
    this.#peer = peer;
    this.#events = events;
    const started = trackers.map((tracker) => this.#start(tracker));
    this.#loops = started.map(({ loop }) => loop);
    this.#first = started.map(({ first }) => first);
  }

  /** Resolves when every tracker has answered or failed once, or after `maxMs`; false if that was too soon. */
  settled(maxMs: number): Promise<boolean> {
    const settled = Promise.all(this.#first).then(() => true);
    return withTimeout(settled, maxMs).catch(() => false);
  }

  /** Announces everywhere without waiting for the next renewal. */
  announceNow(): void {
    const waking = this.#waking;
    this.#waking = new AbortController();
    waking.abort();
  }

  /** Withdraws everywhere and stops. */
  async close(): Promise<void> {
    this.#closing.abort();
    await Promise.all(this.#loops);
  }

  #start(tracker: Endpoint): { readonly loop: Promise<void>; readonly first: Promise<void> } {
    let settle: () => void = () => undefined;
    const first = new Promise<void>((resolve) => {
      settle = resolve;
    });
    return { first, loop: this.#announceForever(tracker, settle) };
  }

  async #announceForever(tracker: Endpoint, settle: () => void): Promise<void> {
    const { signal } = this.#closing;
    const name = formatEndpoint(tracker);
    // Loaded only where there is a tracker to talk to.
    const { TrackerClient } = await import("../tracker/client.js");
    const client = new TrackerClient(tracker);
    let failures = 0;
    let refusals = 0;
    let hasLease = false;
    let maxBackoffMs = MAX_BACKOFF_MS;
    while (!signal.aborted) {
      let waitMs: number;
      const woken = this.#waking.signal;
      try {
        const answer = await client.announce(this.#announcement(), signal);
        hasLease = true;
        failures = 0;
        waitMs = answer.renewAfterMs * (1 - JITTER + 2 * JITTER * Math.random());
        maxBackoffMs = Math.max(MAX_BACKOFF_MS, answer.renewAfterMs);
        this.#events.answered(name, answer);
        // A refused manifest is no reason to announce everything again: the tracker asks with the next renewal.
        await this.#publish(client, answer.wantedManifests, signal).then(
          () => {
            if (answer.wantedManifests.length > 0) refusals = 0;
          },
          (thrown: unknown) => {
            if (!signal.aborted && refusals++ === 0) this.#events.failed(name, GoshareError.from(thrown));
          },
        );
      } catch (thrown) {
        if (signal.aborted) break;
        if (failures++ === 0) this.#events.failed(name, GoshareError.from(thrown));
        const ceilingMs = Math.min(maxBackoffMs, MIN_BACKOFF_MS * 2 ** Math.min(failures, 16));
        const spread = 0.5 + Math.random() / 2;
        waitMs = Math.max(ceilingMs * spread, askedToWaitMs(thrown) * 2 * spread);
      }
      settle();
      await pause(waitMs, AbortSignal.any([signal, woken]));
    }
    settle();
    // A tracker that cannot be told forgets when the lease ends. Other announcers of this peer may announce other
    // shares.
    const contentIds = this.#peer.shares().map(({ contentId }) => contentId);
    if (hasLease) {
      const withdrawn = client.withdraw(this.#peer.peerId, contentIds);
      await withTimeout(withdrawn, MAX_WITHDRAW_MS).catch(() => undefined);
    }
    await client.close();
  }

  #announcement(): Announcement {
    const { peerId, runEpochMs, endpoints } = this.#peer;
    return {
      peerId,
      runEpochMs,
      endpoints,
      listenPort: this.#peer.listenPort(),
      shares: this.#peer.shares(),
    };
  }

  async #publish(client: TrackerClient, wanted: readonly ContentId[], signal: AbortSignal): Promise<void> {
    for (const contentId of wanted) {
      const root = this.#peer.rootOf(contentId);
      if (root !== undefined) await client.publishManifest(this.#peer.peerId, root, signal);
    }
  }
}

// The leases of a peer with one tracker, on all of its shares: announces them together, hands in roots that are asked
// for, and withdraws what is no longer shared. A tracker that is down is asked again, ever more slowly and in the end
// as seldom as leases are renewed: so not all peers ask it at once when it is back. It stops nothing.
import { type Endpoint, formatEndpoint } from "../address/endpoint.js";
import { pause, withTimeout } from "../core/clock.js";
import { GoshareError } from "../core/errors.js";
import type { ContentId } from "../core/ids.js";
import { partsOf } from "../core/parts.js";
import { askedToWaitMs, isRefusedForGood } from "../rpc/rpc-error.js";
import type { ShareAnnouncement } from "../tracker/announcement.js";
import type { TrackerClient } from "../tracker/client.js";
import { MAX_SHARES_PER_ANNOUNCE } from "../tracker/limits.js";
import type { AnnouncedPeer, AnnouncerEvents } from "./announcer.js";

/** Renewals are spread by this part of their interval either way, so that not all peers come at once. */
const JITTER = 0.2;
const MIN_BACKOFF_MS = 1_000;
const MAX_BACKOFF_MS = 60_000;
/** A peer that leaves waits no longer than this to tell a tracker. */
const MAX_WITHDRAW_MS = 1_500;
/** Shares that come or go within this time do so in one call. */
const GATHER_MS = 100;
/** How often groups of shares that are refused as a whole are halved before they are given up for now: twice what it
 * takes to find a single share that a tracker does not take among a thousand. */
const MAX_SPLITS = 20;
/** A tracker that is sent roots faster than it takes them is left alone for at least this long. */
const MIN_PUBLISH_WAIT_MS = 1_000;

/** Something that happens once. */
interface Occasion {
  readonly happened: Promise<void>;
  readonly happen: () => void;
}

export class TrackerLeases {
  readonly #tracker: Endpoint;
  readonly #name: string;
  readonly #peer: AnnouncedPeer;
  readonly #events: AnnouncerEvents;
  readonly #closing = new AbortController();
  readonly #over: Promise<void>;
  #bell = new AbortController();
  /** When what has been taken is announced again, when what has not been taken is, and before when neither is. */
  #renewAtMs = Number.POSITIVE_INFINITY;
  #othersAtMs = 0;
  #notBeforeMs = 0;
  #failures = 0;
  #maxBackoffMs = MAX_BACKOFF_MS;
  /** Shares that were announced, or should have been, whatever became of it. */
  readonly #sent = new Set<ContentId>();
  /** Those of them that the tracker took when it was last told of them. */
  readonly #taken = new Set<ContentId>();
  /** Those with whose next success a failure will be news again. */
  readonly #failed = new Set<ContentId>();
  readonly #settled = new Map<ContentId, Occasion>();
  readonly #wanted = new Set<ContentId>();
  #handingIn: Promise<void> | undefined;
  #isHandedIn = true;

  constructor(tracker: Endpoint, peer: AnnouncedPeer, events: AnnouncerEvents) {
    this.#tracker = tracker;
    this.#name = formatEndpoint(tracker);
    this.#peer = peer;
    this.#events = events;
    this.#over = this.#run();
  }

  /** Resolves when the tracker has answered for a share, with its root if that is wanted, or has failed to. */
  settled(contentId: ContentId): Promise<void> {
    return this.#occasion(contentId).happened;
  }

  sharesChanged(): void {
    this.#othersAtMs = Math.min(this.#othersAtMs, performance.now() + GATHER_MS);
    this.#ring();
  }

  announceNow(): void {
    this.#renewAtMs = 0;
    this.#ring();
  }

  /** Withdraws everything and stops. */
  async close(): Promise<void> {
    this.#closing.abort();
    this.#ring();
    await this.#over;
  }

  #ring(): void {
    const bell = this.#bell;
    this.#bell = new AbortController();
    bell.abort();
  }

  async #run(): Promise<void> {
    const { signal } = this.#closing;
    // Loaded only where there is a tracker to talk to.
    const { TrackerClient } = await import("../tracker/client.js");
    const client = new TrackerClient(this.#tracker);
    while (!signal.aborted) {
      const dueAtMs = Math.max(this.#notBeforeMs, Math.min(this.#renewAtMs, this.#othersAtMs));
      const waitMs = dueAtMs - performance.now();
      if (waitMs > 0) await pause(Math.min(waitMs, 2 * MAX_BACKOFF_MS), this.#bell.signal);
      else await this.#round(client);
    }
    await this.#handingIn;
    await this.#withdraw(client, [...this.#sent]);
    for (const { happen } of this.#settled.values()) happen();
    await client.close();
  }

  /** Tells the tracker what it is due to be told. */
  async #round(client: TrackerClient): Promise<void> {
    const nowMs = performance.now();
    const isRenewal = nowMs >= this.#renewAtMs;
    const isForOthers = nowMs >= this.#othersAtMs;
    if (isRenewal) this.#renewAtMs = Number.POSITIVE_INFINITY;
    if (isForOthers) this.#othersAtMs = Number.POSITIVE_INFINITY;
    const shares = this.#peer.shares();
    const shared = new Set(shares.map(({ contentId }) => contentId));
    await this.#withdraw(
      client,
      [...this.#sent].filter((contentId) => !shared.has(contentId)),
    );
    const taken = isRenewal ? shares.filter(({ contentId }) => this.#taken.has(contentId)) : [];
    const others = isForOthers ? shares.filter(({ contentId }) => !this.#taken.has(contentId)) : [];
    const thrown = await this.#announceAll(client, partsOf([...taken, ...others], MAX_SHARES_PER_ANNOUNCE));
    if (this.#closing.signal.aborted) return;
    if (thrown !== undefined) this.#backOff(thrown);
    else if (shares.every(({ contentId }) => this.#taken.has(contentId))) this.#failures = 0;
    this.#handingIn ??= this.#handIn(client).finally(() => {
      this.#handingIn = undefined;
    });
  }

  /** Announces all groups, or up to one that was not answered; returns why not all of them were taken. */
  async #announceAll(client: TrackerClient, groups: (readonly ShareAnnouncement[])[]): Promise<unknown> {
    const refused: ShareAnnouncement[] = [];
    let refusal: unknown;
    let failure: unknown;
    let splits = 0;
    let renewAfterMs = Number.POSITIVE_INFINITY;
    for (let group = groups.shift(); group !== undefined; group = groups.shift()) {
      try {
        renewAfterMs = Math.min(renewAfterMs, await this.#announce(client, group));
      } catch (thrown) {
        if (this.#closing.signal.aborted) return thrown;
        if (!isRefusedForGood(thrown)) {
          failure = thrown;
          this.#fail([...group, ...groups.splice(0).flat()], thrown, false);
        } else if (group.length > 1 && splits++ < MAX_SPLITS) {
          groups.unshift(...partsOf(group, Math.ceil(group.length / 2)));
        } else {
          refusal = thrown;
          refused.push(...group);
        }
      }
    }
    if (refused.length > 0) this.#fail(refused, refusal, true);
    const spread = 1 - JITTER + 2 * JITTER * Math.random();
    this.#renewAtMs = Math.min(this.#renewAtMs, performance.now() + renewAfterMs * spread);
    return failure ?? refusal;
  }

  /** Returns after how long the leases are to be renewed. */
  async #announce(client: TrackerClient, shares: readonly ShareAnnouncement[]): Promise<number> {
    const { peerId, runEpochMs, endpoints } = this.#peer;
    const contentIds = shares.map(({ contentId }) => contentId);
    for (const contentId of contentIds) this.#sent.add(contentId);
    const answer = await client.announce(
      { peerId, runEpochMs, endpoints, listenPort: this.#peer.listenPort(), shares },
      this.#closing.signal,
    );
    this.#maxBackoffMs = Math.max(MAX_BACKOFF_MS, answer.renewAfterMs);
    this.#events.answered(this.#name, answer, contentIds);
    for (const contentId of answer.wantedManifests) this.#wanted.add(contentId);
    for (const contentId of contentIds) {
      this.#taken.add(contentId);
      this.#failed.delete(contentId);
      if (!this.#wanted.has(contentId)) this.#occasion(contentId).happen();
    }
    return answer.renewAfterMs;
  }

  #fail(shares: readonly ShareAnnouncement[], thrown: unknown, isAboutShares: boolean): void {
    const contentIds = shares.map(({ contentId }) => contentId);
    const news = contentIds.filter((contentId) => !this.#failed.has(contentId));
    const isNews = isAboutShares ? news.length > 0 : this.#failed.size === 0;
    for (const contentId of contentIds) {
      this.#sent.add(contentId);
      this.#taken.delete(contentId);
      this.#failed.add(contentId);
      this.#occasion(contentId).happen();
    }
    if (isNews) this.#events.failed(this.#name, GoshareError.from(thrown), isAboutShares ? news : []);
  }

  #backOff(thrown: unknown): void {
    this.#failures += 1;
    const ceilingMs = Math.min(this.#maxBackoffMs, MIN_BACKOFF_MS * 2 ** Math.min(this.#failures, 16));
    const spread = 0.5 + Math.random() / 2;
    const waitMs = Math.max(ceilingMs * spread, askedToWaitMs(thrown) * 2 * spread);
    const againAtMs = performance.now() + waitMs;
    this.#othersAtMs = Math.min(this.#othersAtMs, againAtMs);
    // What it has not taken is no reason to keep from it what it will take.
    if (!isRefusedForGood(thrown)) this.#notBeforeMs = againAtMs;
  }

  /** Hands in what is wanted, beside the announcements: a thousand roots take longer than leases live. */
  async #handIn(client: TrackerClient): Promise<void> {
    const { signal } = this.#closing;
    for (let [contentId] = this.#wanted; contentId !== undefined; [contentId] = this.#wanted) {
      try {
        const root = this.#peer.rootOf(contentId);
        if (root !== undefined) await client.publishManifest(this.#peer.peerId, root, signal);
        this.#isHandedIn = true;
      } catch (thrown) {
        if (signal.aborted) return;
        const waitMs = askedToWaitMs(thrown);
        if (waitMs > 0) {
          await pause(Math.max(MIN_PUBLISH_WAIT_MS, 2 * waitMs), signal);
          continue;
        }
        if (this.#isHandedIn) this.#events.failed(this.#name, GoshareError.from(thrown), []);
        this.#isHandedIn = false;
        // No reason to announce everything again: the tracker asks with the next renewal.
        for (const wanted of this.#wanted) this.#occasion(wanted).happen();
        this.#wanted.clear();
        return;
      }
      if (this.#wanted.delete(contentId)) this.#occasion(contentId).happen();
    }
  }

  /** A tracker that cannot be told forgets when the leases end. Names all, since others may announce other shares as
   * the same peer. */
  async #withdraw(client: TrackerClient, contentIds: readonly ContentId[]): Promise<void> {
    for (const contentId of contentIds) {
      for (const set of [this.#sent, this.#taken, this.#failed, this.#wanted]) set.delete(contentId);
      this.#settled.get(contentId)?.happen();
      this.#settled.delete(contentId);
    }
    if (contentIds.length === 0) return;
    const withdrawn = client.withdraw(this.#peer.peerId, contentIds);
    await withTimeout(withdrawn, MAX_WITHDRAW_MS).catch(() => undefined);
  }

  #occasion(contentId: ContentId): Occasion {
    const known = this.#settled.get(contentId);
    if (known !== undefined) return known;
    let happen: () => void = () => undefined;
    const happened = new Promise<void>((resolve) => {
      happen = resolve;
    });
    const occasion = { happened, happen };
    this.#settled.set(contentId, occasion);
    return occasion;
  }
}

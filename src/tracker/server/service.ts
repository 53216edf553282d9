// The tracker's six calls, as tracker.proto describes them, over a store. Leases, moves and listing rules meet here;
// knows no sockets and keeps nothing itself.
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { setImmediate as othersFirst } from "node:timers/promises";
import { TrackerService } from "../../../gen/goshare/v1/tracker_pb.js";
import { AGENT } from "../../core/agent.js";
import { GoshareError } from "../../core/errors.js";
import { contentIdFromBytes, type PeerId } from "../../core/ids.js";
import { checkRoot } from "../../manifest/check.js";
import { MAX_ROOT_BYTES } from "../../manifest/limits.js";
import type { ManifestRoot } from "../../manifest/manifest.js";
import { type CallContext, type RpcMethods, unary, unaryBytes } from "../../rpc/adapter.js";
import { NEVER, RpcError } from "../../rpc/rpc-error.js";
import type { Announcement, ShareAnnouncement } from "../announcement.js";
import {
  MAX_PEERS_PER_RESPONSE,
  MAX_RESPONSE_BYTES,
  MAX_SHARES_PER_ANNOUNCE,
  MIN_RENEW_MS,
} from "../limits.js";
import type { AddressQuota } from "./address-quota.js";
import {
  type Caller,
  callerAt,
  DRAWN_FOR_NEAR,
  endpointsFor,
  Handout,
  nearFirst,
  type ToldAnswer,
  type ToldShare,
} from "./handout.js";
import type { LeaseTokens } from "./lease-token.js";
import type { TrackerOptions } from "./options.js";
import { PeerRows } from "./peer-rows.js";
import type { Listing, ProvenEndpoints } from "./proven-endpoints.js";
import type { RenewalPace } from "./renewal-pace.js";
import type { LeaseUpdate, TrackerStore } from "./store.js";
import { storeCall } from "./store-call.js";
import type { LeaseKey } from "./stored-peer.js";
import {
  announcementFromWire,
  encodeAnnounceAnswer,
  encodeSwarm,
  type LeaseClaim,
  peersQueryFromWire,
  publicationFromWire,
  requiredContentId,
  withdrawalFromWire,
} from "./wire.js";

const INSTANCE_ID_BYTES = 16;

/** How many bytes of a response peers may take; the rest is for ids and counts of 1,000 shares. */
const MAX_PEER_BYTES = MAX_RESPONSE_BYTES - 256 * MAX_SHARES_PER_ANNOUNCE;

/** The calls of one tracker process. */
export class TrackerCalls {
  readonly service = TrackerService;
  readonly #store: TrackerStore;
  readonly #options: TrackerOptions;
  readonly #tokens: LeaseTokens;
  readonly #pace: RenewalPace;
  readonly #quota: AddressQuota;
  readonly #provenEndpoints: ProvenEndpoints;
  readonly #instanceId = randomBytes(INSTANCE_ID_BYTES);

  /** `tokens` uses the store's secret. */
  constructor(
    store: TrackerStore,
    tokens: LeaseTokens,
    pace: RenewalPace,
    quota: AddressQuota,
    proven: ProvenEndpoints,
    options: TrackerOptions,
  ) {
    this.#store = store;
    this.#tokens = tokens;
    this.#pace = pace;
    this.#quota = quota;
    this.#provenEndpoints = proven;
    this.#options = options;
  }

  methods(): RpcMethods<typeof TrackerService> {
    const { method } = TrackerService;
    return {
      announce: storeCall(
        unaryBytes(method.announce, async (request, context) => {
          const caller = callerOf(context);
          if (request.shares.length >= MANY_SHARES) await othersFirst();
          const { answer, token } = await this.#announce(announcementFromWire(request), caller);
          if (answer.answers.length >= MANY_SHARES) await othersFirst();
          const bytes = encodeAnnounceAnswer(answer, token);
          for (const { peers } of answer.answers) peers.rows.giveBack();
          return bytes;
        }),
      ),
      withdraw: storeCall(
        unary(method.withdraw, async (request) => {
          const { contentIds, ...claim } = withdrawalFromWire(request);
          await this.#store.withdraw(this.#proven(claim), contentIds);
          return {};
        }),
      ),
      listPeers: storeCall(
        unaryBytes(method.listPeers, async (request, context) => {
          const { contentId, max, excludePeerId } = peersQueryFromWire(request);
          const exclude = excludePeerId === undefined ? [] : [excludePeerId];
          const query = { contentId, wantPeers: max };
          const [answer] = await this.#answers([query], exclude, callerOf(context));
          assert(answer !== undefined, "one query has one answer");
          const bytes = encodeSwarm(answer);
          answer.peers.rows.giveBack();
          return bytes;
        }),
      ),
      getManifest: storeCall(
        unary(method.getManifest, async (request) => {
          const contentId = requiredContentId("content_id", request.contentId);
          const manifest = await this.#store.manifest(contentId);
          if (manifest === undefined) throw new RpcError("NOT_FOUND", `no manifest of ${contentId}`);
          return { manifest };
        }),
      ),
      publishManifest: storeCall(
        unary(method.publishManifest, async (request) => {
          const { manifest, ...claim } = publicationFromWire(request);
          return { stored: await this.#publish(claim, manifest) };
        }),
      ),
      getTrackerInfo: unary(method.getTrackerInfo, async (_request, context) => ({
        agent: AGENT,
        instanceId: this.#instanceId,
        ttlMs: this.#pace.ttlMs,
        maxSharesPerAnnounce: MAX_SHARES_PER_ANNOUNCE,
        maxManifestBytes: this.#options.maxManifests === 0 ? 0 : MAX_ROOT_BYTES,
        observedHost: callerOf(context).host,
      })),
    };
  }

  async #announce(
    announcement: Announcement & LeaseClaim,
    caller: Caller,
  ): Promise<{ answer: ToldAnswer; token: Uint8Array }> {
    const { peerId, leaseToken, listenPort, runEpochMs, shares, excludePeerId } = announcement;
    const key: LeaseKey = { peerId, host: caller.host, listenPort };
    const { intervalMs, ttlMs } = this.#pace;
    const isInPlace = this.#tokens.isFor(caller.host, listenPort, leaseToken);
    const movedFrom = isInPlace ? undefined : this.#tokens.read(peerId, leaseToken);
    // A move takes all leases of a peer along, whatever it announces.
    const moved = movedFrom === undefined ? 0 : MAX_SHARES_PER_ANNOUNCE;
    const waitMs = this.#quota.leases(caller.host, shares.length + moved, intervalMs);
    if (waitMs > 0) {
      const isSoon = waitMs <= MAX_PUSHBACK_MS;
      throw exhausted("this address announces too many shares", isSoon ? waitMs : NEVER);
    }
    const { endpoints, isLooking } = this.#listing(announcement, caller);
    if (shares.length >= MANY_SHARES) await othersFirst();
    const isHeld = await this.#hold({ key, movedFrom, runEpochMs, endpoints, shares, ttlMs });
    if (shares.length >= MANY_SHARES) await othersFirst();

    const exclude = excludePeerId === undefined ? [peerId] : [peerId, excludePeerId];
    const wanting = shares.filter(({ wantPeers }) => wantPeers > 0);
    const answer: ToldAnswer = {
      ttlMs,
      renewAfterMs: isLooking ? MIN_RENEW_MS : this.#pace.nextRenewalMs(),
      listedEndpoints: isHeld === undefined ? [] : endpointsFor(caller, { key, endpoints }),
      answers: wanting.length === 0 ? [] : await this.#answers(wanting, exclude, caller),
      wantedManifests: isHeld?.wantedManifests ?? [],
    };
    // An announcement of an earlier run must not get the means to withdraw what the later run holds.
    if (isHeld === undefined) return { answer, token: new Uint8Array(0) };
    return { answer, token: isInPlace ? leaseToken : this.#tokens.issue(key) };
  }

  /** Which of the places where a peer says it is may be told to others. */
  #listing({ peerId, endpoints, listenPort }: Announcement, caller: Caller): Listing {
    if (this.#options.trustAnnounced) return { endpoints, isLooking: false };
    // It is listed anyway where it is seen.
    const others = endpoints.filter(({ host, port }) => host !== caller.host || port !== listenPort);
    return this.#provenEndpoints.listing(peerId, others, caller.host);
  }

  /** Undefined for an announcement of an earlier run, which is ignored. */
  async #hold(update: LeaseUpdate): Promise<Pick<ToldAnswer, "wantedManifests"> | undefined> {
    const { outcome, wantedManifests } = await this.#store.announce(update);
    switch (outcome) {
      case "held":
        return { wantedManifests };
      case "stale":
        return undefined;
      case "peerFull":
        throw exhausted(
          `a peer may hold ${this.#options.maxLeasesPerPeer} leases here; those it had are renewed`,
          NEVER,
        );
      case "swarmFull":
        throw exhausted(
          `a share may have ${this.#options.maxLeasesPerSwarm} peers here; the other announced shares are held`,
          NEVER,
        );
      case "trackerFull":
        throw exhausted("this tracker is full; leases it already had are renewed", NEVER);
    }
  }

  async #answers(
    shares: readonly Pick<ShareAnnouncement, "contentId" | "wantPeers">[],
    exclude: readonly PeerId[],
    caller: Caller,
  ): Promise<readonly ToldShare[]> {
    const { preferNear } = this.#options;
    const drawn = preferNear ? DRAWN_FOR_NEAR : 1;
    const queries = shares.map(({ contentId, wantPeers }) => ({ contentId, max: wantPeers * drawn }));
    const samples = await this.#store.sample(queries, exclude, MAX_PEERS_PER_RESPONSE * drawn);
    if (shares.length >= MANY_SHARES) await othersFirst();
    const handout = new Handout(caller, MAX_PEER_BYTES);
    const answers: ToldShare[] = [];
    let left = MAX_PEERS_PER_RESPONSE;
    for (const [index, { contentId, wantPeers }] of shares.entries()) {
      const sample = samples[index];
      if (sample === undefined) continue;
      const max = Math.min(wantPeers, left);
      let found = sample.peers;
      if (preferNear) {
        found = PeerRows.of(nearFirst([...found], caller.host, max));
        sample.peers.giveBack();
      }
      left -= found.length;
      answers.push({ contentId, peers: handout.peersOf(found), counts: sample.counts });
    }
    return answers;
  }

  async #publish(claim: LeaseClaim, manifest: Uint8Array): Promise<boolean> {
    const key = this.#proven(claim);
    const contentId = contentIdFromBytes(createHash("sha256").update(manifest).digest());
    if (contentId === undefined || !(await this.#store.holdsLease(key, contentId))) {
      throw new RpcError("PERMISSION_DENIED", `no lease on ${contentId}: announce it first`);
    }
    return this.#store.putManifest(contentId, checkedRoot(manifest).bytes, key.host);
  }

  /** The lease whose token the caller shows. */
  #proven({ peerId, leaseToken }: LeaseClaim): LeaseKey {
    const key = this.#tokens.read(peerId, leaseToken);
    if (key !== undefined) return key;
    throw new RpcError("PERMISSION_DENIED", "lease_token is not of this tracker and peer: announce first");
  }
}

/** Of so many shares each step, from checking what came to encoding the answer, takes a millisecond or two: whatever else
 * the event loop has to do comes first, between any two of them. */
const MANY_SHARES = 200;

/** The longest a caller is asked to wait: its call has a deadline. */
const MAX_PUSHBACK_MS = 4_000;

function exhausted(message: string, retryAfterMs: number): RpcError {
  return new RpcError("RESOURCE_EXHAUSTED", message, undefined, retryAfterMs);
}

function callerOf({ peerHost, localHost }: CallContext): Caller {
  const caller = callerAt(peerHost, localHost);
  if (caller === undefined) throw new RpcError("CANCELLED", "the caller is gone");
  return caller;
}

function checkedRoot(bytes: Uint8Array): ManifestRoot {
  try {
    return checkRoot(bytes);
  } catch (cause) {
    if (cause instanceof GoshareError) throw new RpcError("INVALID_ARGUMENT", cause.message, cause);
    throw cause;
  }
}

// The limits of the tracker's protocol, as in proto/goshare/v1/tracker.proto. Every limit is here and nowhere else;
// what a tracker chooses for itself is in server/options.ts.
import { KIB, MIB } from "../core/units.js";

export const DEFAULT_TRACKER_PORT = 8080;
/** Calls a second from one address that a tracker answers, unless it is told otherwise. */
export const DEFAULT_CALLS_PER_ADDRESS = 100;
/** Most peers that hold a lease at one tracker, and those of one content; unless it is told otherwise. */
export const MAX_PEERS_KEPT = 250_000;
export const DEFAULT_PEERS_PER_CONTENT = MAX_PEERS_KEPT / 2;

/** Bytes in an encoded request: the largest root and what goes with it. */
export const MAX_REQUEST_BYTES = MIB + 256 * KIB;
/** Bytes in an encoded response. */
export const MAX_RESPONSE_BYTES = 2 * MIB;

export const MAX_SHARES_PER_ANNOUNCE = 1000;
/** Content ids in one Withdraw. */
export const MAX_WITHDRAWN_SHARES = 1000;
/** Endpoints that a peer may announce. */
export const MAX_ANNOUNCED_ENDPOINTS = 8;
export const MAX_LEASE_TOKEN_BYTES = 64;

/** Most peers that one share may want, and that ListPeers gives. */
export const MAX_WANT_PEERS = 50;
/** Peers in one response, all shares together. */
export const MAX_PEERS_PER_RESPONSE = 2000;
/** Most endpoints that are believed of one peer: those it may announce, and those observed over IPv4 and IPv6. */
export const MAX_ENDPOINTS_PER_PEER = MAX_ANNOUNCED_ENDPOINTS + 2;

/** Fields in a request and in a response, at all depths: more than the limits above need (5,100 and 125,000),
 * few enough that decoding what a stranger sends costs no more than some megabytes. */
export const MAX_REQUEST_FIELDS = 8 * KIB;
export const MAX_RESPONSE_FIELDS = 128 * KIB;

/** The bounds that a peer puts on a tracker's renewal interval. A peer whose announced address is being dialled is told
 * the least, to learn soon whether it is listed. */
export const MIN_RENEW_MS = 5_000;
export const MAX_RENEW_MS = 10 * 60_000;

/** A lease outlives two renewals that were lost. */
export const TTL_PER_RENEWAL = 2.5;
/** No lease is longer. */
export const MAX_LEASE_MS = MAX_RENEW_MS * TTL_PER_RENEWAL;

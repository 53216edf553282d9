// The limits and deadlines of peer connections, each written once. The rules behind them are in
// proto/goshare/v1/peer.proto.
import { EVERY_HOST } from "../address/listening.js";

export interface ConnectionOptions {
  /** How long a dial may take until TCP is connected. */
  readonly dialTimeoutMs: number;
  /** How long one address of a peer is tried alone before the next is tried as well (RFC 8305). */
  readonly nextAddressMs: number;
  /** How long the other side may take for its Hello. */
  readonly helloTimeoutMs: number;
  /** A connection without any byte for this long is closed. */
  readonly idleTimeoutMs: number;
  /** A reply must begin within this time. */
  readonly firstByteTimeoutMs: number;
  /** A reply that has begun must keep `minBytesPerSecond` over this time. */
  readonly slowReplyWindowMs: number;
  readonly minBytesPerSecond: number;
  /** How many unanswered requests are accepted from the other side. */
  readonly maxRequestsInFlight: number;
  /** How long a goodbye may take until the socket is destroyed. */
  readonly closeTimeoutMs: number;
}

export const defaultConnectionOptions: ConnectionOptions = Object.freeze({
  dialTimeoutMs: 10_000,
  nextAddressMs: 250,
  helloTimeoutMs: 5_000,
  idleTimeoutMs: 120_000,
  firstByteTimeoutMs: 20_000,
  slowReplyWindowMs: 30_000,
  minBytesPerSecond: 16 * 1024,
  maxRequestsInFlight: 64,
  closeTimeoutMs: 5_000,
});

export interface ListenerOptions {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  /** If `port` is taken, take a free one instead. */
  readonly fallBackToFreePort: boolean;
  readonly maxConnections: number;
  /** Of these, from one address: an IPv4 one, or the /64 of an IPv6 one. Many, since a whole cluster may be behind
   * one. */
  readonly maxConnectionsPerHost: number;
}

export const defaultListenerOptions: ListenerOptions = Object.freeze({
  host: EVERY_HOST,
  port: 9000,
  fallBackToFreePort: true,
  maxConnections: 1024,
  maxConnectionsPerHost: 512,
});

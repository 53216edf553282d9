// What this peer says in its Hello, and whether to talk to the sender of another. Pure; connection.ts sends and
// receives.
import { type ErrorCode, GoshareError } from "../core/errors.js";
import type { PeerId } from "../core/ids.js";
import { type GoodbyeReason, type Hello, PROTOCOL_VERSION } from "./messages.js";
import type { ConnectionOptions } from "./options.js";

/** This process, as other peers see it. */
export interface LocalPeer {
  readonly peerId: PeerId;
  readonly agent: string;
  readonly features: readonly string[];
  /** Random for each process, 16 bytes as hex. */
  readonly nonce: string;
  readonly protocolMin: number;
  readonly protocolMax: number;
  /** 0 while nothing is accepted. */
  listenPort(): number;
}

export interface HelloProblem {
  readonly reason: GoodbyeReason;
  readonly code: ErrorCode;
  readonly message: string;
  readonly hint?: string;
}

/** What a goodbye instead of a Hello means, if it is more than a closed connection. */
const BEFORE_HELLO: Partial<Record<GoodbyeReason, ErrorCode>> = {
  version: "NEWER_FORMAT",
  self: "PEER_SELF",
};

/** The error of a connection that ended with a goodbye before its Hello. */
export function goodbyeBeforeHello(reason: GoodbyeReason, message: string): GoshareError {
  const text = message === "" ? reason : `${reason}: ${message}`;
  return new GoshareError(BEFORE_HELLO[reason] ?? "PEER_CLOSED", `the peer hung up (${text})`);
}

/** The Hello of `local`. */
export function helloOf(local: LocalPeer, options: ConnectionOptions, probe: boolean): Hello {
  const { peerId, agent, features, nonce, protocolMin, protocolMax } = local;
  const { maxRequestsInFlight, idleTimeoutMs } = options;
  return {
    ...{
      protocolMin,
      protocolMax,
      peerId,
      agent,
      features,
      nonce,
      probe,
      maxRequestsInFlight,
      idleTimeoutMs,
    },
    listenPort: local.listenPort(),
  };
}

/** Why not to talk to the sender of `hello`; undefined if there is no reason. */
export function helloProblem(hello: Hello, local: LocalPeer): HelloProblem | undefined {
  if (hello.nonce === local.nonce) {
    return { reason: "self", code: "PEER_SELF", message: "this is the same process" };
  }
  const version = Math.min(hello.protocolMax, local.protocolMax);
  if (version < hello.protocolMin || version < local.protocolMin) {
    return {
      reason: "version",
      code: "NEWER_FORMAT",
      message: `the peer speaks protocol ${hello.protocolMin} to ${hello.protocolMax}, this goshare ${PROTOCOL_VERSION}`,
      hint: "use the same version of goshare on both sides",
    };
  }
  return undefined;
}

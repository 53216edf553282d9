// What a server asks and tells about its calls: whether to serve somebody, and how it went. Types only.
import type { RpcStatus } from "./rpc-error.js";

/** Why a call is not served: what its caller is told, and when it may come back. */
export interface CallRefusal {
  readonly message: string;
  readonly retryAfterMs: number;
  /** The caller does not heed refusals: its connections are ended as well. */
  readonly hangUp: boolean;
}

/** `stream`: it may stay open for as long as both sides wish. */
export type CallKind = "unary" | "stream";

export interface EndedCall {
  /** Of the method, such as "/goshare.v1.TrackerService/Announce". */
  readonly path: string;
  readonly host: string;
  readonly kind: CallKind;
  readonly status: RpcStatus | "OK";
  /** By `refusal`. */
  readonly wasRefused: boolean;
  readonly durationMs: number;
}

/** Asked before anything is read, so all of it must be quick. Hosts are as the socket shows them. */
export interface CallWatch {
  /** Whether a connection from `host` is taken at all. */
  mayConnect(host: string): boolean;
  /** Undefined: the call is served. */
  refusal(host: string, kind: CallKind): CallRefusal | undefined;
  /** A request of so many bytes is there, and is looked at now. */
  read(host: string, bytes: number): void;
  /** A call has ended, one that was refused too. */
  ended(call: EndedCall): void;
}

/** Everybody is served, and nobody is told. */
export const noWatch: CallWatch = {
  mayConnect: () => true,
  refusal: () => undefined,
  read: () => undefined,
  ended: () => undefined,
};

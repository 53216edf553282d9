// What a server asks about its calls, and tells: whether to serve one, and how it ended. Types only.
import type { RpcStatus } from "./rpc-error.js";

/** Why a call is not served: what its caller is told, and when it may call again. */
export interface CallRefusal {
  readonly message: string;
  readonly retryAfterMs: number;
  /** Whether the caller does not heed refusals: then its connections are ended as well. */
  readonly hangUp: boolean;
}

/** `stream`: may stay open for as long as both sides wish. */
export type CallKind = "unary" | "stream";

export interface EndedCall {
  /** Of the method, such as "/goshare.v1.TrackerService/Announce". */
  readonly path: string;
  readonly host: string;
  readonly kind: CallKind;
  readonly status: RpcStatus | "OK";
  /** Whether `refusal` refused it. */
  readonly wasRefused: boolean;
  readonly durationMs: number;
}

/** Most of it is called before anything is read, so all of it must be quick. Hosts are as the socket shows them. */
export interface CallWatch {
  /** Whether to take a connection from `host` at all. */
  mayConnect(host: string): boolean;
  /** Undefined: the call is served. */
  refusal(host: string, kind: CallKind): CallRefusal | undefined;
  /** A request of so many bytes has arrived, and is about to be read. */
  read(host: string, bytes: number): void;
  /** A connection has brought so many bytes since it was last looked at, whatever they are: most frames of HTTP/2 are no
   * calls. Returns whether to end all connections from `host`. */
  brought(host: string, bytes: number): boolean;
  /** A call has ended, whether served or refused. */
  ended(call: EndedCall): void;
}

/** Serves every call, and ignores what it is told. */
export const noWatch: CallWatch = {
  mayConnect: () => true,
  refusal: () => undefined,
  read: () => undefined,
  brought: () => false,
  ended: () => undefined,
};

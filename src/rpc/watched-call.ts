// One call between the gRPC library and a CallWatch: refuses it before its request is read, counts the response until
// it is taken, and tells how the call ended. Reads no message.
import { Metadata, type ServerInterceptingCallInterface } from "@grpc/grpc-js";
import type { CallKind, CallRefusal, CallWatch } from "./call-watch.js";
import { NEVER, PUSHBACK_TRAILER, RPC_STATUS, rpcStatusFromCode } from "./rpc-error.js";
import type { UntakenResponses } from "./untaken-responses.js";

/** The two ends of a call's connection, as its socket shows them; undefined if that is gone. */
export interface Connection {
  readonly localAddress?: string | undefined;
  readonly remoteAddress?: string | undefined;
  readonly remotePort?: number | undefined;
}

/** What all calls of a server share. */
export interface CallSurroundings {
  readonly watch: CallWatch;
  readonly untaken: UntakenResponses;
  /** Ends the connection from this port of a host, or without a port all from that host. */
  hangUpOn(host: string, port: number | undefined): void;
}

const OK = 0;

/** The method that is called. */
export interface CalledMethod {
  readonly path: string;
  readonly requestStream: boolean;
  readonly responseStream: boolean;
}

export class WatchedCall {
  readonly #path: string;
  readonly #kind: CallKind;
  readonly #call: ServerInterceptingCallInterface;
  readonly connection: Connection;
  readonly #surroundings: CallSurroundings;
  readonly #startedAtMs = performance.now();
  /** CANCELLED if the caller goes away before it is answered. */
  #code: number = RPC_STATUS.CANCELLED;
  #wasRefused = false;
  #isOver = false;

  constructor(method: CalledMethod, call: ServerInterceptingCallInterface, surroundings: CallSurroundings) {
    this.#path = method.path;
    this.#kind = method.requestStream || method.responseStream ? "stream" : "unary";
    this.#call = call;
    this.connection = call.getConnectionInfo();
    this.#surroundings = surroundings;
    this.#watchOwnStatuses();
  }

  /** The library's own refusals, of messages beyond the limits, pass no interceptor and say nothing of when to come
   * again, as if the server were full for the moment. Such a call will never be served. */
  #watchOwnStatuses(): void {
    const call = this.#call;
    const send = call.sendStatus.bind(call);
    call.sendStatus = (status) => {
      const isOwn = status.code === RPC_STATUS.RESOURCE_EXHAUSTED && this.#code !== status.code;
      if (isOwn) this.answered(status.code);
      send(isOwn ? { ...status, metadata: pushback(NEVER) } : status);
    };
  }

  /** Whether the call is refused; if so, its caller has been told. */
  isRefused(): boolean {
    const host = this.connection.remoteAddress ?? "";
    const refusal = this.#surroundings.watch.refusal(host, this.#kind);
    if (refusal === undefined) return false;
    this.#refuse(refusal, host);
    return true;
  }

  #refuse({ message, retryAfterMs, hangUp }: CallRefusal, host: string): void {
    this.#code = RPC_STATUS.RESOURCE_EXHAUSTED;
    this.#wasRefused = true;
    this.#call.sendStatus({ code: this.#code, details: message, metadata: pushback(retryAfterMs) });
    this.over();
    if (hangUp) this.#surroundings.hangUpOn(host, undefined);
  }

  /** Whether a response of so many bytes may go to the caller. */
  maySend(bytes: number): boolean {
    // A caller that has gone takes nothing, so there is nothing to count.
    if (this.#isOver) return true;
    const { remoteAddress = "", remotePort } = this.connection;
    const { untaken, hangUpOn } = this.#surroundings;
    const hangUp = (): void => hangUpOn(remoteAddress, remotePort);
    return untaken.mayGo(this, bytes, remoteAddress, performance.now(), hangUp);
  }

  answered(code: number): void {
    this.#code = code;
  }

  /** May be called more than once. */
  over(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    const { untaken, watch } = this.#surroundings;
    untaken.over(this);
    watch.ended({
      path: this.#path,
      host: this.connection.remoteAddress ?? "",
      kind: this.#kind,
      status: this.#code === OK ? "OK" : rpcStatusFromCode(this.#code),
      wasRefused: this.#wasRefused,
      durationMs: performance.now() - this.#startedAtMs,
    });
  }
}

/** The metadata that tells a caller when to try again; negative: not at all. */
export function pushback(retryAfterMs: number): Metadata {
  const metadata = new Metadata();
  metadata.set(PUSHBACK_TRAILER, String(Math.ceil(retryAfterMs)));
  return metadata;
}

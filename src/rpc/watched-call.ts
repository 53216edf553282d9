// One call on its way through the server: refuses it before its request is read, bounds the messages it may hold,
// counts its response until that is taken, and tells how it ended. One object that the library both sends through and
// reports to: what is made for each call is made thousands of times a second. Reads no message.
import { constants, type ServerHttp2Stream } from "node:http2";
import { Metadata, ServerInterceptingCall, type ServerInterceptingCallInterface } from "@grpc/grpc-js";
import type { CallKind, CallRefusal, CallWatch } from "./call-watch.js";
import { NEVER, PUSHBACK_TRAILER, RPC_STATUS, rpcStatusFromCode } from "./rpc-error.js";
import type { StallWatch, UnreadCall } from "./stall-watch.js";
import type { UntakenResponse, UntakenResponses } from "./untaken-responses.js";

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
  readonly stalls: StallWatch;
  /** Ends the connection from this port of a host, or without a port all from that host. */
  hangUpOn(host: string, port: number | undefined): void;
  /** The request of this call is there in full, and its handler is called next; undefined: it has been called. */
  serving(call: WatchedCall | undefined): void;
}

const OK = 0;

/** For calls that stream: tools ask for a schema with a few messages, and each may wait for its answer to be taken. */
const MAX_MESSAGES_PER_CALL = 64;

/** The method that is called. */
export interface CalledMethod {
  readonly path: string;
  readonly requestStream: boolean;
  readonly responseStream: boolean;
}

/** What the library calls for what comes in, and what it is given to send. It exports no names for them. */
type Inbound = Parameters<ServerInterceptingCallInterface["start"]>[0];
type Status = Parameters<ServerInterceptingCallInterface["sendStatus"]>[0];

/** The library asks for its own class here; of that, all that a call goes through is overridden. */
export class WatchedCall extends ServerInterceptingCall implements Inbound {
  readonly connection: Connection;
  readonly #method: CalledMethod;
  readonly #call: ServerInterceptingCallInterface;
  readonly #stream: ServerHttp2Stream | undefined;
  readonly #surroundings: CallSurroundings;
  readonly #startedAtMs = performance.now();
  #inbound: Inbound | undefined;
  #messages = 0;
  /** Undefined once the request is there in full, and for calls that may send for as long as they wish. */
  #unread: UnreadCall | undefined;
  #response: UntakenResponse | undefined;
  /** CANCELLED if the caller goes away before it is answered. */
  #code: number = RPC_STATUS.CANCELLED;
  #wasRefused = false;
  #isOver = false;

  /** `call` is what the library has made of `stream`. */
  constructor(
    method: CalledMethod,
    call: ServerInterceptingCallInterface,
    stream: ServerHttp2Stream | undefined,
    surroundings: CallSurroundings,
  ) {
    super(call);
    this.connection = call.getConnectionInfo();
    this.#method = method;
    this.#call = call;
    this.#stream = stream;
    this.#surroundings = surroundings;
    this.#watchOwnStatuses();
    if (!method.requestStream) this.#unread = surroundings.stalls.begin(call, this.#startedAtMs);
  }

  /** The library's own refusals, of messages beyond the limits, pass no interceptor and say nothing of when to come
   * again, as if the server were full for the moment. Such a call will never be served. */
  #watchOwnStatuses(): void {
    const call = this.#call;
    const send = call.sendStatus.bind(call);
    call.sendStatus = (status) => {
      const isOwn = status.code === RPC_STATUS.RESOURCE_EXHAUSTED && this.#code !== status.code;
      if (isOwn) this.#code = status.code;
      send(isOwn ? { ...status, metadata: pushback(NEVER) } : status);
    };
  }

  override start(inbound: Inbound): void {
    this.#inbound = inbound;
    this.#call.start(this);
  }

  override sendMetadata(metadata: Metadata): void {
    this.#call.sendMetadata(metadata);
  }

  override sendMessage(message: unknown, sent: () => void): void {
    this.#call.sendMessage(message, sent);
  }

  override sendStatus(status: Status): void {
    this.#code = status.code ?? OK;
    this.#call.sendStatus(status);
  }

  onReceiveMetadata(metadata: Metadata): void {
    const refusal = this.#surroundings.watch.refusal(this.#host, this.#kind);
    if (refusal === undefined) {
      this.#inbound?.onReceiveMetadata(metadata);
      return;
    }
    this.#endStallWatch();
    this.#refuse(refusal);
  }

  onReceiveMessage(message: unknown): void {
    if (this.#isOver) return;
    this.#messages += 1;
    if (this.#messages <= MAX_MESSAGES_PER_CALL) {
      this.#inbound?.onReceiveMessage(message);
      return;
    }
    this.#call.sendStatus({
      code: RPC_STATUS.RESOURCE_EXHAUSTED,
      details: `a call may hold ${MAX_MESSAGES_PER_CALL} messages`,
      metadata: null,
    });
  }

  /** The library reports this of calls that are over too, since closing a stream ends what it reads: one whose caller
   * was told that its request took too long would be served after that, without counting as open. */
  onReceiveHalfClose(): void {
    if (this.#isOver) return;
    this.#endStallWatch();
    this.#unread = undefined;
    this.#surroundings.serving(this);
    this.#inbound?.onReceiveHalfClose();
    this.#surroundings.serving(undefined);
  }

  /** The library calls this at the end of every call, however that ended. */
  onCancel(): void {
    // Once the answer has gone: Node 22.23 and 26.9 send an end of the same tick in its place.
    if (this.#unread !== undefined) setImmediate(endReading, this.#stream);
    this.#endStallWatch();
    this.#over();
    this.#inbound?.onCancel();
  }

  #endStallWatch(): void {
    if (this.#unread !== undefined) this.#surroundings.stalls.end(this.#unread);
  }

  get #host(): string {
    return this.connection.remoteAddress ?? "";
  }

  get #kind(): CallKind {
    return this.#method.requestStream || this.#method.responseStream ? "stream" : "unary";
  }

  #refuse({ message, retryAfterMs, hangUp }: CallRefusal): void {
    this.#code = RPC_STATUS.RESOURCE_EXHAUSTED;
    this.#wasRefused = true;
    this.#call.sendStatus({ code: this.#code, details: message, metadata: pushback(retryAfterMs) });
    this.#over();
    if (hangUp) this.#surroundings.hangUpOn(this.#host, undefined);
  }

  /** Whether a response of so many bytes may go to the caller. */
  maySend(bytes: number): boolean {
    // A caller that has gone takes nothing, so there is nothing to count.
    if (this.#isOver) return true;
    this.#response = this.#surroundings.untaken.letGo(this, bytes, this.#host, performance.now());
    return this.#response !== undefined;
  }

  /** Ends the connection that the call came on. */
  hangUp(): void {
    this.#surroundings.hangUpOn(this.#host, this.connection.remotePort);
  }

  /** May be called more than once. */
  #over(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    const { untaken, watch } = this.#surroundings;
    if (this.#response !== undefined) untaken.over(this.#response);
    watch.ended({
      path: this.#method.path,
      host: this.#host,
      kind: this.#kind,
      status: this.#code === OK ? "OK" : rpcStatusFromCode(this.#code),
      wasRefused: this.#wasRefused,
      durationMs: performance.now() - this.#startedAtMs,
    });
  }
}

/** The caller was answered before all of the request was there: the library would read the rest, and drop it. */
function endReading(stream: ServerHttp2Stream | undefined): void {
  if (stream !== undefined && !stream.closed && stream.state.remoteClose !== 1)
    stream.close(constants.NGHTTP2_NO_ERROR);
}

/** The metadata that tells a caller when to try again; negative: not at all. */
export function pushback(retryAfterMs: number): Metadata {
  const metadata = new Metadata();
  metadata.set(PUSHBACK_TRAILER, String(Math.ceil(retryAfterMs)));
  return metadata;
}

// Watches every stream on its way into the gRPC library. Begins it when its address has its turn, and reports streams
// that the library answers by itself: calls of unknown methods, and whatever is not a gRPC call. The library's
// interceptors do not see those, so its own entry point has to be watched. Answers nothing.
import { constants, type Http2Session, type ServerHttp2Stream } from "node:http2";
import type { Socket } from "node:net";
import type { Server } from "@grpc/grpc-js";
import { CallTurns } from "./call-turns.js";
import { ReadGate } from "./read-gate.js";
import type { RpcStatus } from "./rpc-error.js";

/** The library's method by which every stream comes in. Private, but no public one sees all of them. */
const WAY_IN = "_streamHandler";

/** For one address, in one turn of the event loop: to begin a call, or refuse it, takes up to half a millisecond. */
const CALLS_BEGUN_PER_TURN = 2;
/** Each waiting stream may hold as much as its flow control window lets it send. */
const MAX_WAITING_PER_ADDRESS = 256;

/** Turned away, cancelled before its turn, or a call of an unknown method. */
export type UnservedStatus = Extract<RpcStatus, "RESOURCE_EXHAUSTED" | "CANCELLED" | "UNIMPLEMENTED">;

export class IncomingStreams {
  /** The stream that is coming in now. */
  #stream: ServerHttp2Stream | undefined;
  #isServed = false;
  readonly #turns = new CallTurns(CALLS_BEGUN_PER_TURN, MAX_WAITING_PER_ADDRESS);
  readonly #gate = new ReadGate((host) => this.#turns.waitingOf(host));

  /** To be made before the server takes calls. `came` is called with the connection of each stream, and `unserved` for
   * each stream that no method served, once it is over, with its address and how it ended. */
  constructor(
    server: Server,
    came: (session: Http2Session) => void,
    unserved: (host: string, how: UnservedStatus) => void,
  ) {
    const wayIn: unknown = Reflect.get(server, WAY_IN);
    // A version of the library without it serves as well, but nothing is reported; a test would notice.
    if (typeof wayIn !== "function") return;
    const watched = (interceptors: unknown, stream: ServerHttp2Stream, headers: unknown): void => {
      // When a session breaks, so does each of its streams; nothing else listens to one that has not begun.
      stream.on("error", ignore);
      const { session } = stream;
      const host = session?.socket.remoteAddress ?? "";
      if (session !== undefined) came(session);
      const turn = this.#turns.take(host, () => begin(host, interceptors, stream, headers));
      if (turn === "waits") this.#gate.waited(host);
      if (turn !== "turnedAway") return;
      // It counts at once, so that an address that floods is disconnected at once: then nothing is left to be closed.
      unserved(host, "RESOURCE_EXHAUSTED");
      setImmediate(() => {
        if (!stream.closed && !stream.destroyed) stream.close(constants.NGHTTP2_REFUSED_STREAM);
      });
    };
    const begin = (
      host: string,
      interceptors: unknown,
      stream: ServerHttp2Stream,
      headers: unknown,
    ): undefined => {
      // The stream was over before it had its turn: the library would wait for its end.
      if (stream.destroyed || stream.closed) {
        unserved(host, "CANCELLED");
        return;
      }
      this.#isServed = false;
      this.#stream = stream;
      // A stream without data has already emitted its end, which the library has not heard.
      const hasEnded = stream.readableEnded;
      Reflect.apply(wayIn, server, [interceptors, stream, headers]);
      stream.once("close", forgetListeners);
      if (hasEnded) stream.emit("end");
      this.#stream = undefined;
      if (!this.#isServed) unserved(host, "UNIMPLEMENTED");
    };
    Reflect.set(server, WAY_IN, watched);
  }

  /** To be called with every connection, once the library reads it. */
  connected(socket: Socket): void {
    this.#gate.add(socket);
  }

  /** Drops the streams that wait for their turn. */
  close(): void {
    this.#turns.close();
    this.#gate.close();
  }

  /** To be called by an interceptor as it is made, which happens while its stream comes in. Returns that stream. */
  served(): ServerHttp2Stream | undefined {
    this.#isServed = true;
    return this.#stream;
  }
}

function ignore(): void {}

/** Node keeps streams that are over until the next full collection of garbage. Their listeners, which hold all that the
 * call was, need not be kept so long: collecting them in time makes a call a tenth cheaper. */
function forgetListeners(this: ServerHttp2Stream): void {
  this.removeAllListeners();
  this.on("error", ignore);
}

// Every stream on its way into the gRPC library: begun when its address has its turn, and told of if the library answers
// it by itself and tells nobody, as it does with calls of methods that there are not and whatever is no call of gRPC. Its
// interceptors are not asked for those, so its own way in has to be watched. Answers nothing.
import { constants, type Http2Session, type ServerHttp2Stream } from "node:http2";
import type { Server } from "@grpc/grpc-js";
import { CallTurns } from "./call-turns.js";
import type { RpcStatus } from "./rpc-error.js";

/** A method of the library, by which every stream comes in; private, for there is no other that sees all of them. */
const WAY_IN = "_streamHandler";

/** Of one address, in one turn of the event loop: to begin one, or to refuse it, takes up to half a millisecond. */
const CALLS_BEGUN_PER_TURN = 2;
/** Each may hold what a window of flow control lets it send. */
const MAX_WAITING_PER_ADDRESS = 256;

/** Turned away, taken back before its turn, or a call of what there is not. */
export type UnservedStatus = Extract<RpcStatus, "RESOURCE_EXHAUSTED" | "CANCELLED" | "UNIMPLEMENTED">;

export class IncomingStreams {
  /** The one that comes in now. */
  #stream: ServerHttp2Stream | undefined;
  #isServed = false;
  readonly #turns = new CallTurns(CALLS_BEGUN_PER_TURN, MAX_WAITING_PER_ADDRESS);

  /** To be made before the server serves anybody. `came` is told of the connection of each stream, and `unserved` of the
   * address of each that no method served, once it is over, and how it ended. */
  constructor(
    server: Server,
    came: (session: Http2Session) => void,
    unserved: (host: string, how: UnservedStatus) => void,
  ) {
    const wayIn: unknown = Reflect.get(server, WAY_IN);
    // A version without it serves as well, and nobody is told: tests say so.
    if (typeof wayIn !== "function") return;
    const watched = (interceptors: unknown, stream: ServerHttp2Stream, headers: unknown): void => {
      // When a session breaks, so does each of its streams, and nobody else listens to one that has not begun.
      stream.on("error", () => undefined);
      const { session } = stream;
      const host = session?.socket.remoteAddress ?? "";
      if (session !== undefined) came(session);
      if (this.#turns.take(host, () => begin(host, interceptors, stream, headers))) return;
      // It counts at once, so that whoever floods is hung up on at once.
      if (!stream.closed) stream.close(constants.NGHTTP2_REFUSED_STREAM);
      unserved(host, "RESOURCE_EXHAUSTED");
    };
    const begin = (
      host: string,
      interceptors: unknown,
      stream: ServerHttp2Stream,
      headers: unknown,
    ): void => {
      // It was over before it had its turn: the library would wait for its end.
      if (stream.destroyed || stream.closed) return unserved(host, "CANCELLED");
      this.#isServed = false;
      this.#stream = stream;
      // It ends where it has nothing to be read, and nobody has heard it.
      const hasEnded = stream.readableEnded;
      Reflect.apply(wayIn, server, [interceptors, stream, headers]);
      if (hasEnded) stream.emit("end");
      this.#stream = undefined;
      if (!this.#isServed) unserved(host, "UNIMPLEMENTED");
    };
    Reflect.set(server, WAY_IN, watched);
  }

  /** What waits for its turn is dropped. */
  close(): void {
    this.#turns.close();
  }

  /** To be called by an interceptor as it is made, which happens while the stream comes in: that stream. */
  served(): ServerHttp2Stream | undefined {
    this.#isServed = true;
    return this.#stream;
  }
}

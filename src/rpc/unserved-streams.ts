// Streams that the gRPC library answers by itself and tells nobody of: calls of methods that there are not, and whatever
// is no call of gRPC. Its interceptors are not asked for them, so its own way in has to be watched. Answers nothing.
import type { ServerHttp2Stream } from "node:http2";
import type { Server } from "@grpc/grpc-js";

/** A method of the library, by which every stream comes in; private, for there is no other that sees all of them. */
const WAY_IN = "_streamHandler";

export class UnservedStreams {
  /** The one that comes in now. */
  #stream: ServerHttp2Stream | undefined;
  #isServed = false;

  /** To be made before the server serves anybody. `unserved` is told of each such stream once it has been answered. */
  constructor(server: Server, unserved: (stream: ServerHttp2Stream) => void) {
    const wayIn: unknown = Reflect.get(server, WAY_IN);
    // A version without it serves as well, and nobody is told: tests say so.
    if (typeof wayIn !== "function") return;
    const watched = (interceptors: unknown, stream: ServerHttp2Stream, headers: unknown): void => {
      this.#isServed = false;
      this.#stream = stream;
      Reflect.apply(wayIn, server, [interceptors, stream, headers]);
      this.#stream = undefined;
      if (!this.#isServed) unserved(stream);
    };
    Reflect.set(server, WAY_IN, watched);
  }

  /** To be called by an interceptor as it is made, which happens while the stream comes in: that stream. */
  served(): ServerHttp2Stream | undefined {
    this.#isServed = true;
    return this.#stream;
  }
}

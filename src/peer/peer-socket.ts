// One TCP socket as a FrameReader's source and a queue of frames to write. The kernel puts payload where the reader
// wants it (`onread`), so that it is never copied. Everything else that has come goes into one small buffer of this
// thread. Reads nothing while the reader is blocked. Knows frames, not what they mean.
import * as net from "node:net";
import { type Endpoint, formatEndpoint } from "../address/endpoint.js";
import { normaliseHost } from "../address/host.js";
import { GoshareError } from "../core/errors.js";
import type { FrameReader } from "./frame.js";

/** Called once, when the other side has sent all that it will send. With an error if this was in the middle of a frame,
 * if the socket broke, or if the reader refused what came. */
export type EndListener = (error: GoshareError | undefined) => void;

/** Room for several small frames, but for little payload, since that is copied from here. */
const FRAMES_BYTES = 4 * 1024;
/** What comes after the end is read in steps of this size. */
const DISCARD_BYTES = 64 * 1024;

/** Where everything but payload arrives, for all sockets: Node hands it on before it reads again. */
const arrivals = Buffer.alloc(DISCARD_BYTES);
const frameArrivals = arrivals.subarray(0, FRAMES_BYTES);

export class PeerSocket {
  readonly #socket: net.Socket;
  readonly #reader: FrameReader;
  #onEnd: EndListener | undefined;
  /** Bytes that came while the reader was blocked, or before there was a listener. */
  #leftover: Uint8Array | undefined;
  /** Whether the kernel's next read goes into a payload's own buffer. */
  #readsIntoPayload = false;
  #isDiscarding = false;
  #sawEnd = false;
  #isFinished = false;
  #firstError: GoshareError | undefined;

  /** Use `dial` or `accepted`. */
  constructor(reader: FrameReader, makeSocket: (peer: PeerSocket) => net.Socket) {
    this.#reader = reader;
    this.#socket = makeSocket(this);
    this.#socket.on("error", (cause: NodeJS.ErrnoException) => {
      this.#finish(
        new GoshareError("PEER_CLOSED", `the connection broke: ${cause.code ?? cause.message}`, { cause }),
      );
    });
    this.#socket.on("end", () => {
      this.#sawEnd = true;
      if (this.#leftover === undefined) this.#endOfStream();
    });
    this.#socket.on("close", () =>
      this.#finish(new GoshareError("PEER_CLOSED", "the connection was closed")),
    );
  }

  /** Connects within `timeoutMs`; bytes that arrive go to `reader`. Throws PEER_UNREACHABLE. */
  static dial(
    endpoint: Endpoint,
    reader: FrameReader,
    timeoutMs: number,
    signal: AbortSignal,
  ): Promise<PeerSocket> {
    return new Promise((resolve, reject) => {
      const fail = (reason: string, cause?: unknown) => {
        done();
        reject(
          new GoshareError("PEER_UNREACHABLE", `cannot reach ${formatEndpoint(endpoint)}: ${reason}`, {
            cause,
          }),
        );
        peer.destroy();
      };
      const onAbort = () => fail("given up");
      const timer = setTimeout(() => fail(`no answer within ${timeoutMs} ms`), timeoutMs);
      const done = () => {
        clearTimeout(timer);
        signal.removeEventListener("abort", onAbort);
      };
      const peer = new PeerSocket(reader, (self) =>
        net
          .connect({
            host: endpoint.host,
            port: endpoint.port,
            noDelay: true,
            allowHalfOpen: true,
            onread: self.#onread,
          })
          .once("error", (cause: NodeJS.ErrnoException) => fail(cause.code ?? cause.message, cause))
          .once("connect", () => {
            done();
            resolve(peer);
          }),
      );
      signal.addEventListener("abort", onAbort, { once: true });
      if (signal.aborted) onAbort();
    });
  }

  /** For a socket that a server with allowHalfOpen and pauseOnConnect accepted. */
  static accepted(socket: net.Socket, reader: FrameReader): PeerSocket {
    socket.setNoDelay(true);
    const peer = new PeerSocket(reader, (self) => onreadSocket(socket, self.#onread) ?? socket);
    if (peer.#socket === socket) {
      socket.on("data", (bytes: Buffer) => {
        if (!peer.#push(bytes)) socket.pause();
      });
    }
    return peer;
  }

  get #onread(): net.OnReadOpts {
    return {
      buffer: () => this.#nextTarget(),
      callback: (count, bytes) => this.#filled(bytes.subarray(0, count)),
    };
  }

  get remoteHost(): string {
    return normaliseHost(this.#socket.remoteAddress ?? "") ?? "";
  }

  get remotePort(): number {
    return this.#socket.remotePort ?? 0;
  }

  /** Bytes received so far. */
  get bytesRead(): number {
    return this.#socket.bytesRead;
  }

  /** Bytes given to `write` that the kernel has not taken. */
  get pendingWriteBytes(): number {
    return this.#socket.writableLength;
  }

  /** Sets the listener that is told of the end. To be called before anything is read. */
  listen(onEnd: EndListener): void {
    this.#onEnd = onEnd;
    this.#socket.resume();
    if (this.#isFinished) onEnd(this.#firstError);
  }

  /** Reads on after the reader was unblocked. */
  resume(): void {
    const rest = this.#leftover;
    this.#leftover = undefined;
    if (rest !== undefined && !this.#push(rest)) return;
    if (this.#sawEnd) this.#endOfStream();
    else this.#socket.resume();
  }

  /** Queues a frame; header and payload leave in one system call. `written` is called once, when the kernel has taken
   * the payload or never will: only then may the payload's buffer be used again. */
  write(header: Uint8Array, payload?: Uint8Array, written?: () => void): void {
    if (payload === undefined) {
      this.#socket.write(header, written);
      return;
    }
    this.#socket.cork();
    this.#socket.write(header);
    this.#socket.write(payload, written);
    this.#socket.uncork();
  }

  /** Everything that `step` writes leaves in one system call. */
  together(step: () => void): void {
    this.#socket.cork();
    try {
      step();
    } finally {
      this.#socket.uncork();
    }
  }

  /** Sends what is queued, then the end of the stream. Bytes that still come are read and thrown away: the reader, its
   * payload's buffer and the listener are no longer touched. */
  end(): void {
    this.#isFinished = true;
    this.#isDiscarding = true;
    this.#leftover = undefined;
    if (this.#readsIntoPayload) {
      // The kernel has that buffer already: the only way not to fill it is not to read.
      this.#socket.pause();
      this.#socket.end(() => this.#socket.destroy());
    } else {
      this.#socket.end();
      this.#socket.resume();
    }
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #nextTarget(): Uint8Array {
    this.#readsIntoPayload = !this.#isFinished && this.#reader.isInPayload;
    if (this.#readsIntoPayload) return this.#reader.target();
    return this.#isDiscarding ? arrivals : frameArrivals;
  }

  /** The kernel put `bytes` where `#nextTarget` said; false stops the reading. All answers leave together. */
  #filled(bytes: Uint8Array): boolean {
    this.#socket.cork();
    try {
      if (!this.#readsIntoPayload) return this.#push(bytes);
      return this.#guarded(() => this.#reader.advance(bytes.byteLength));
    } finally {
      this.#socket.uncork();
    }
  }

  /** False if the reader is blocked and nothing more should be read. */
  #push(bytes: Uint8Array): boolean {
    return this.#guarded(() => {
      const taken = this.#leftover === undefined ? this.#reader.push(bytes) : 0;
      if (taken === bytes.byteLength) return;
      // The rest is copied: the next read overwrites it.
      this.#leftover = Buffer.concat([this.#leftover ?? new Uint8Array(0), bytes.subarray(taken)]);
    });
  }

  /** Whether to go on reading after `step`; what the reader throws ends the connection. */
  #guarded(step: () => void): boolean {
    if (this.#isFinished) return this.#isDiscarding;
    try {
      step();
    } catch (thrown) {
      this.#finish(GoshareError.from(thrown));
    }
    return this.#isDiscarding || !(this.#reader.isBlocked || this.#isFinished);
  }

  #endOfStream(): void {
    const isCut = this.#reader.isMidFrame;
    this.#finish(
      isCut ? new GoshareError("PEER_CLOSED", "the connection ended in the middle of a frame") : undefined,
    );
  }

  #finish(error: GoshareError | undefined): void {
    if (this.#isFinished) return;
    this.#isFinished = true;
    this.#firstError = error;
    this.#onEnd?.(error);
  }
}

/** `accepted` as a socket that reads by `onread`, which Node offers only to sockets that dial: another socket takes
 * over its handle. Without this every read makes a buffer of 64 KiB and a copy, and collecting them took a quarter of
 * all CPU time of eight downloads that exchange a share. Undefined if a socket has no handle to take over. */
function onreadSocket(accepted: net.Socket, onread: net.OnReadOpts): net.Socket | undefined {
  const handle: unknown = Reflect.get(accepted, "_handle");
  if (typeof handle !== "object" || handle === null) return undefined;
  const options = { handle, pauseOnCreate: true, allowHalfOpen: true, onread };
  const socket = new net.Socket(options);
  // The server counts the socket that it knows, which now has only its own place to give up.
  Reflect.set(accepted, "_handle", null);
  socket.once("close", () => accepted.destroy());
  return socket;
}

// An open connection between two peers: requests with their replies, notices, and the rules of
// proto/goshare/v1/peer.proto about which side may send what when. Symmetric: which side dialled matters only for the
// parity of ids. Decides nothing about which chunks to ask for or to grant.
import assert from "node:assert/strict";
import { type Clock, monotonicClock } from "../core/clock.js";
import { GoshareError } from "../core/errors.js";
import type { ConnectionHandler } from "./connection-handler.js";
import {
  type EncodedNotice,
  encodeFrame,
  type FrameHandler,
  FrameReader,
  type PayloadSink,
} from "./frame.js";
import { goodbyeBeforeHello, helloOf, helloProblem, type LocalPeer } from "./handshake.js";
import { LIVENESS_LOOK_MS, Liveness, type LivenessView } from "./liveness.js";
import {
  aMessage,
  type ChunkSlice,
  type FrameHeader,
  type GoodbyeReason,
  type Hello,
  isReply,
  isRequest,
  type Notice,
  type RefusalReason,
  type Reply,
  type Request,
} from "./messages.js";
import type { ConnectionOptions } from "./options.js";
import { type ChunkRequest, type ControlReply, Outstanding } from "./outstanding.js";
import type { PeerSocket } from "./peer-socket.js";
import { requestSink, Unanswered } from "./unanswered.js";

export type Role = "dialler" | "listener";

const violation = (message: string) => new GoshareError("PEER_PROTOCOL", message);

export class PeerConnection {
  readonly role: Role;
  readonly #local: LocalPeer;
  readonly #options: ConnectionOptions;
  readonly #clock: Clock;
  readonly #handlerFor: (connection: PeerConnection) => ConnectionHandler;
  readonly #outstanding = new Outstanding();
  /** Requests of the other side without an answer. */
  readonly #unanswered: Unanswered;
  readonly reader: FrameReader;
  #socket: PeerSocket | undefined;
  #handler: ConnectionHandler | undefined;
  #remote: Hello | undefined;
  #nextId: number;
  #opened: { resolve: () => void; reject: (error: GoshareError) => void } | undefined;
  #tick: NodeJS.Timeout | undefined;
  #isClosed = false;
  #saidGoodbye = false;
  #heardGoodbye = false;
  #isAnswerWanted = true;
  #liveness: Liveness | undefined;
  bytesReceived = 0;
  bytesSent = 0;

  /** Use `dialPeer` or `PeerListener`. */
  constructor(
    role: Role,
    local: LocalPeer,
    options: ConnectionOptions,
    handlerFor: (connection: PeerConnection) => ConnectionHandler,
    clock: Clock = monotonicClock,
  ) {
    this.role = role;
    this.#local = local;
    this.#options = options;
    this.#handlerFor = handlerFor;
    this.#clock = clock;
    this.#nextId = role === "dialler" ? 1 : 2;
    this.#unanswered = new Unanswered(role === "dialler" ? 0 : 1);
    // The read that held the frame which ended the connection may hold more frames.
    const frames: FrameHandler = {
      frameStarted: (header, payloadBytes) =>
        this.#isClosed ? "discard" : this.#frameStarted(header, payloadBytes),
      frameEnded: (header, payload) => {
        if (!this.#isClosed) this.#frameEnded(header, payload);
      },
    };
    this.reader = new FrameReader(frames);
  }

  /** Exchanges Hellos over `socket`; resolves when requests may be sent. Rejects with what went wrong; the socket is
   * gone then. */
  open(socket: PeerSocket, probe = false): Promise<void> {
    assert(this.#socket === undefined);
    this.#socket = socket;
    this.#liveness = new Liveness(this.#options, this.#clock.nowMs());
    return new Promise((resolve, reject) => {
      this.#opened = { resolve, reject };
      const tickMs = Math.min(LIVENESS_LOOK_MS, this.#options.helloTimeoutMs);
      this.#tick = setInterval(() => this.#checkLiveness(), tickMs);
      if (this.role === "dialler") this.#sendHello(probe);
      socket.listen((error) => this.#finish(error));
    });
  }

  /** The other side's Hello; only after `open`. */
  get remote(): Hello {
    assert(this.#remote !== undefined, "not open");
    return this.#remote;
  }

  get remoteHost(): string {
    return this.#socket?.remoteHost ?? "";
  }

  get remotePort(): number {
    return this.#socket?.remotePort ?? 0;
  }

  /** Whether new requests may be sent. */
  get isOpen(): boolean {
    return this.#remote !== undefined && !this.#isClosed && !this.#saidGoodbye && !this.#heardGoodbye;
  }

  /** Own requests without an answer. */
  get openRequests(): number {
    return this.#outstanding.size;
  }

  /** Whether the other side has begun a chunk and not ended it, even if it has begun another meanwhile. */
  get isInChunk(): boolean {
    return !this.#isClosed && this.#outstanding.holdsPlace;
  }

  /** Bytes of any kind received so far. */
  get bytesRead(): number {
    return this.#socket?.bytesRead ?? 0;
  }

  /** Bytes that wait for the kernel. */
  get pendingWriteBytes(): number {
    return this.#socket?.pendingWriteBytes ?? 0;
  }

  /** Asks for anything but a chunk. Resolves with the reply, which may be a refusal; rejects if the connection ends
   * first. `payloadRange`: how many bytes of payload the proper reply may carry. */
  request(
    request: Exclude<Request, { type: "getChunk" }>,
    payloadRange: readonly [min: number, max: number] = [0, 0],
    payload?: Uint8Array,
  ): Promise<ControlReply> {
    if (!this.isOpen) return Promise.reject(new GoshareError("PEER_CLOSED", "the connection is closed"));
    const id = this.#takeId();
    const reply = this.#outstanding.addControl(id, request, payloadRange, this.#clock.nowMs());
    this.#send({ requestId: id, message: request }, payload);
    return reply;
  }

  /** Everything that `step` sends leaves in one system call, and mostly arrives in one. */
  together(step: () => void): void {
    assert(this.#socket !== undefined);
    this.#socket.together(step);
  }

  /** Asks for a chunk; the answer goes to `request`. The returned id is for `cancel`. */
  requestChunk(request: ChunkRequest): number {
    assert(this.isOpen, "requests need an open connection");
    const id = this.#takeId();
    const { contentId, chunkIndex, offerId } = request;
    this.#outstanding.addChunk(id, request, this.#clock.nowMs());
    this.#send({ requestId: id, message: { type: "getChunk", contentId, chunkIndex, offerId } });
    return id;
  }

  /** The reply to an own request is no longer needed. One comes all the same: a refusal, if what was asked for was not
   * on its way yet. */
  cancel(id: number): void {
    if (!this.#isClosed && this.#outstanding.has(id))
      this.#send({ requestId: id, message: { type: "cancel" } });
  }

  /** No own request matters any more: a goodbye does not wait for their replies. */
  abandonRequests(): void {
    this.#isAnswerWanted = false;
    this.#endIfDone();
  }

  /** There may be room again for a chunk whose `place` had none. */
  resumeReading(): void {
    if (this.#isClosed || !this.reader.isBlocked) return;
    const sink = this.#outstanding.unblock();
    if (sink === undefined) return;
    this.#liveness?.unblocked(this.bytesRead, this.#clock.nowMs());
    this.reader.unblock(sink);
    this.#socket?.resume();
  }

  /** A `notice` that goes to many peers may come already encoded. */
  notify(notice: Exclude<Notice, { type: "hello" | "goodbye" }> | EncodedNotice): void {
    if (!this.#isClosed && !this.#saidGoodbye)
      this.#send("frame" in notice ? notice : { requestId: 0, message: notice });
  }

  reply(id: number, reply: Exclude<Reply, { type: "chunkData" | "refusal" }>, payload?: Uint8Array): void {
    if (this.#unanswered.answered(id) && !this.#isClosed)
      this.#send({ requestId: id, message: reply }, payload);
    this.#endIfDone();
  }

  refuse(id: number, reason: RefusalReason, message = "", retryAfterMs = 0): void {
    if (!this.#unanswered.answered(id) || this.#isClosed) return;
    this.#send({ requestId: id, message: { type: "refusal", reason, message, retryAfterMs } });
    this.#endIfDone();
  }

  /** Sends a slice of a chunk. Slices of one chunk ascend without gaps, and the last one answers the request. `sent` is
   * called once, when the bytes may be used again, with how many of them are out: all, or 0. */
  sendChunk(id: number, slice: ChunkSlice, sent: (sentBytes: number) => void): void {
    const { chunkIndex, offset, bytes, isLast } = slice;
    const isAsked = isLast ? this.#unanswered.answered(id) : this.#unanswered.has(id);
    if (!isAsked || this.#isClosed) return sent(0);
    this.#send({ requestId: id, message: { type: "chunkData", chunkIndex, offset } }, bytes, () => {
      const sentBytes = this.#isClosed ? 0 : bytes.byteLength;
      this.bytesSent += sentBytes;
      sent(sentBytes);
    });
  }

  /** Says goodbye, sends the running replies, then closes; at the latest after closeTimeoutMs. */
  close(reason: GoodbyeReason, message = ""): void {
    if (this.#isClosed || this.#saidGoodbye) return;
    this.#sayGoodbye(reason, message);
    setTimeout(() => this.#finish(undefined), this.#options.closeTimeoutMs).unref();
    this.#endIfDone();
  }

  /** The other side broke a rule, or stands still: says so and closes at once. */
  fail(error: GoshareError, reason: GoodbyeReason = "protocolError"): void {
    if (this.#isClosed) return;
    if (!this.#saidGoodbye) this.#sayGoodbye(reason, error.message);
    this.#finish(error);
  }

  /** The other side takes nothing, so a goodbye would only queue behind what it does not take. Closes at once. */
  hangUp(error: GoshareError): void {
    if (this.#isClosed) return;
    this.#socket?.destroy();
    this.#finish(error);
  }

  #takeId(): number {
    const id = this.#nextId;
    this.#nextId += 2;
    assert(id <= 0xffff_ffff, "request ids are used up");
    return id;
  }

  #send(header: FrameHeader | EncodedNotice, payload?: Uint8Array, written?: () => void): void {
    assert(this.#socket !== undefined);
    const head = "frame" in header ? header.frame : encodeFrame(header, payload?.byteLength ?? 0);
    this.#liveness?.writing(this.pendingWriteBytes, this.#clock.nowMs());
    this.#socket.write(head, payload, () => {
      this.#liveness?.written(this.#clock.nowMs());
      written?.();
      this.#endIfDone();
    });
  }

  #sendHello(probe: boolean): void {
    const hello = helloOf(this.#local, this.#options, probe);
    this.#send({ requestId: 0, message: { type: "hello", ...hello } });
  }

  #sayGoodbye(reason: GoodbyeReason, message: string): void {
    this.#saidGoodbye = true;
    this.#send({ requestId: 0, message: { type: "goodbye", reason, message } });
  }

  #frameStarted(header: FrameHeader, payloadBytes: number): PayloadSink {
    const { requestId, message } = header;
    if (this.#remote === undefined && message.type !== "hello" && message.type !== "goodbye")
      throw violation(`${aMessage(message)} before Hello`);
    if (message.type === "unknown") return "discard";
    if (isReply(message)) {
      const begun = { startedAtMs: this.#clock.nowMs(), bytesReadAtStart: this.bytesRead };
      return this.#outstanding.replyStarted(requestId, message, payloadBytes, begun);
    }
    if (isRequest(message)) {
      this.#unanswered.started(requestId);
      return requestSink(message, payloadBytes, (id) => this.#handler?.bitfieldBytes(id));
    }
    if (payloadBytes > 0) throw violation(`${aMessage(message)} with payload`);
    if (message.type !== "cancel" && requestId !== 0) throw violation(`${aMessage(message)} with an id`);
    return "discard";
  }

  #frameEnded(header: FrameHeader, payload: Uint8Array | undefined): void {
    const { requestId, message } = header;
    if (message.type === "unknown") this.#unknownEnded(requestId);
    else if (isReply(message)) {
      if (message.type === "chunkData") this.bytesReceived += payload?.byteLength ?? 0;
      this.#outstanding.replyEnded(requestId, message, payload, this.#clock.nowMs());
      this.#endIfDone();
    } else if (isRequest(message)) this.#requestEnded(requestId, message, payload);
    else if (message.type === "cancel") {
      if (this.#unanswered.has(requestId)) this.#handler?.cancelled(requestId);
    } else if (message.type === "hello") this.#helloEnded(message);
    else if (message.type === "goodbye") this.#goodbyeEnded(message.reason, message.message);
    else this.#handler?.noticed(message);
  }

  #unknownEnded(id: number): void {
    if (id === 0) return;
    if (!this.#unanswered.isTheirs(id)) {
      this.#outstanding.replyUnknown(id, this.#clock.nowMs());
      return;
    }
    this.#unanswered.started(id);
    this.#unanswered.ended(id);
    this.refuse(id, "unimplemented", "this body is not known here");
  }

  #requestEnded(id: number, request: Request, payload: Uint8Array | undefined): void {
    this.#unanswered.ended(id);
    if (this.#unanswered.size > this.#options.maxRequestsInFlight) {
      this.refuse(id, "limitExceeded", `more than ${this.#options.maxRequestsInFlight} requests in flight`);
    } else if (this.#saidGoodbye) this.refuse(id, "shuttingDown");
    else if (request.type === "ping") this.reply(id, { type: "pong" });
    else this.#handler?.requested(id, request, payload ?? new Uint8Array(0));
  }

  #helloEnded(hello: Hello): void {
    if (this.#remote !== undefined) throw violation("a second Hello");
    const problem = helloProblem(hello, this.#local);
    if (problem !== undefined) {
      this.fail(new GoshareError(problem.code, problem.message, { hint: problem.hint }), problem.reason);
      return;
    }
    this.#remote = hello;
    if (this.role === "listener") this.#sendHello(false);
    if (hello.probe) {
      this.close("finished");
      return;
    }
    this.#handler = this.#handlerFor(this);
    this.#opened?.resolve();
    this.#opened = undefined;
  }

  #goodbyeEnded(reason: GoodbyeReason, message: string): void {
    this.#heardGoodbye = true;
    if (this.#remote === undefined) {
      this.#finish(goodbyeBeforeHello(reason, message));
      return;
    }
    this.#handler?.goodbye(reason, message);
    this.#endIfDone();
  }

  /** After a goodbye of either side: closes when nothing is running in either direction. */
  #endIfDone(): void {
    if (this.#isClosed || !(this.#saidGoodbye || this.#heardGoodbye)) return;
    const isWaiting = this.#isAnswerWanted && this.#outstanding.size > 0;
    if (this.#unanswered.size === 0 && this.pendingWriteBytes === 0 && !isWaiting) this.#finish(undefined);
  }

  #checkLiveness(): void {
    const liveness = this.#liveness;
    if (liveness === undefined || this.#isClosed) return;
    const nowMs = this.#clock.nowMs();
    const view: LivenessView = {
      ...{ bytesRead: this.bytesRead, pendingWriteBytes: this.pendingWriteBytes },
      ...{ isBlocked: this.reader.isBlocked, remoteIdleTimeoutMs: this.#remote?.idleTimeoutMs },
      ...{ owedSinceMs: this.#outstanding.owedSinceMs, running: this.#outstanding.running },
    };
    const problem = liveness.problem(view, nowMs);
    if (problem !== undefined) {
      const message = `the peer at ${this.remoteHost} is stalled: ${problem}`;
      this.fail(new GoshareError("PEER_UNREACHABLE", message), "timeout");
    } else if (this.isOpen && liveness.isPingDue(view, nowMs)) {
      this.request({ type: "ping" }).catch(() => undefined);
    }
  }

  #finish(error: GoshareError | undefined): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    clearInterval(this.#tick);
    const socket = this.#socket;
    if (error?.code === "PEER_PROTOCOL" && !this.#saidGoodbye)
      this.#sayGoodbye("protocolError", error.message);
    if (socket !== undefined && (this.#saidGoodbye || this.#heardGoodbye)) {
      socket.end();
      setTimeout(() => socket.destroy(), this.#options.closeTimeoutMs).unref();
    } else socket?.destroy();
    const cause = error ?? new GoshareError("PEER_CLOSED", "the connection was closed");
    this.#outstanding.failAll(cause);
    this.#opened?.reject(cause);
    this.#opened = undefined;
    this.#handler?.closed(error);
  }
}

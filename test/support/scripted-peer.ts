// The other end of a peer connection as a test wants it: a raw socket that says what it is told, right or
// wrong, and records what it hears. Speaks through the generated messages and a frame reader of its own, so
// that it knows nothing of the code under test and can break every rule.
import { once } from "node:events";
import * as net from "node:net";
import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { type HelloSchema, type PeerFrame, PeerFrameSchema } from "../../gen/goshare/v1/peer_pb.js";
import type { Endpoint } from "../../src/address/endpoint.js";

/** Whatever a test waits for must come within this time; nothing is measured with it. */
const PATIENCE_MS = 10_000;

type Body = Exclude<PeerFrame["body"], { case: undefined }>;
export type BodyInit = Exclude<
  NonNullable<MessageInitShape<typeof PeerFrameSchema>["body"]>,
  { case?: undefined }
>;
type Values = { readonly [B in Body as B["case"]]: B["value"] };

export type HelloChanges = MessageInitShape<typeof HelloSchema>;

export interface HeardFrame {
  readonly id: number;
  /** Undefined for an unknown body. */
  readonly type: Body["case"] | undefined;
  readonly value: Body["value"] | undefined;
  readonly payload: Buffer;
}

type Heard<C extends Body["case"]> = HeardFrame & { readonly type: C; readonly value: Values[C] };

export interface FrameParts {
  /** 0 unless given. */
  readonly id?: number;
  readonly payload?: Uint8Array;
}

/** The bytes of a frame around any header bytes: the lengths are right, and nothing else is checked. */
export function frameAround(header: Uint8Array, payload: Uint8Array = new Uint8Array(0)): Buffer {
  const prefix = Buffer.alloc(6);
  prefix.writeUInt32BE(2 + header.byteLength + payload.byteLength, 0);
  prefix.writeUInt16BE(header.byteLength, 4);
  return Buffer.concat([prefix, header, payload]);
}

/** The bytes of a frame. */
export function frameBytes(body: BodyInit, { id = 0, payload }: FrameParts = {}): Buffer {
  return frameAround(
    toBinary(PeerFrameSchema, create(PeerFrameSchema, { requestId: id, body })),
    payload ?? new Uint8Array(0),
  );
}

/** A frame whose body nobody knows: field 900 of PeerFrame, with one byte in it. */
export function unknownFrame({ id = 0, payload }: FrameParts = {}): Buffer {
  const header = toBinary(PeerFrameSchema, create(PeerFrameSchema, { requestId: id }));
  return frameAround(Buffer.concat([header, Buffer.from("a2380155", "hex")]), payload);
}

/** A correct Hello with `changes` made to it. */
export function helloBody(changes: HelloChanges = {}): BodyInit {
  return {
    case: "hello",
    value: {
      ...{ protocolMin: 1, protocolMax: 1, agent: "scripted/1", features: [], listenPort: 0 },
      ...{ peerId: Buffer.alloc(32, 0x5c), nonce: Buffer.alloc(16, 0x77) },
      ...{ maxRequestsInFlight: 64, idleTimeoutMs: 120_000, probe: false },
      ...changes,
    },
  };
}

/** Whether a frame has this body. */
export function hasBody<C extends Body["case"]>(frame: HeardFrame, wanted: C): frame is Heard<C> {
  return frame.type === wanted;
}

export async function withinPatience<T>(promise: Promise<T>, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`waited in vain for ${what}`)), PATIENCE_MS);
  });
  try {
    return await Promise.race([promise, limit]);
  } finally {
    clearTimeout(timer);
  }
}

/** Everything scripted that was made so far. */
const endings: (() => void)[] = [];

/** Ends everything scripted, so that a test that failed half-way does not keep its process alive. */
export function destroyScripted(): void {
  for (const end of endings.splice(0)) end();
}

export class ScriptedPeer {
  readonly #socket: net.Socket;
  /** Every frame heard so far, read or not. */
  readonly heard: HeardFrame[] = [];
  #taken = 0;
  #rest: Buffer = Buffer.alloc(0);
  #end: "fin" | "rst" | undefined;
  readonly #waiting = new Set<() => void>();
  bytesHeard = 0;

  constructor(socket: net.Socket) {
    this.#socket = socket;
    endings.push(() => this.destroy());
    socket.setNoDelay(true);
    socket.on("data", (bytes: Buffer) => {
      this.bytesHeard += bytes.byteLength;
      this.#rest = Buffer.concat([this.#rest, bytes]);
      this.#cutFrames();
      this.#wake();
    });
    socket.on("end", () => this.#ended("fin"));
    socket.on("error", () => this.#ended("rst"));
    socket.on("close", () => this.#ended("rst"));
  }

  /** Dials, and says nothing. */
  static async dial(port: number, host = "127.0.0.1"): Promise<ScriptedPeer> {
    const socket = net.connect({ host, port, allowHalfOpen: true });
    await once(socket, "connect");
    return new ScriptedPeer(socket);
  }

  /** How the other side ended, if it has. */
  get end(): "fin" | "rst" | undefined {
    return this.#end;
  }

  send(body: BodyInit, parts: FrameParts = {}): this {
    return this.sendBytes(frameBytes(body, parts));
  }

  sendHello(changes: HelloChanges = {}): this {
    return this.send(helloBody(changes));
  }

  sendUnknown(parts: FrameParts = {}): this {
    return this.sendBytes(unknownFrame(parts));
  }

  /** Sends any bytes: half a frame, two frames, or none at all. */
  sendBytes(bytes: Uint8Array): this {
    this.#socket.write(bytes);
    return this;
  }

  /** Ends this side of the stream, but still hears what comes. */
  fin(): this {
    this.#socket.end();
    return this;
  }

  /** Sends what is queued, then breaks the connection. */
  reset(): this {
    this.#socket.write("", () => this.#socket.resetAndDestroy());
    return this;
  }

  /** Closes without a word; to be called at the end of a test. */
  destroy(): void {
    this.#socket.destroy();
  }

  /** Hears nothing more until `readAgain`; the other side's writes stall when the kernel is full. */
  stopReading(): this {
    this.#socket.pause();
    return this;
  }

  readAgain(): this {
    this.#socket.resume();
    return this;
  }

  /** Bytes given to `sendBytes` that the kernel has not taken. */
  get unsentBytes(): number {
    return this.#socket.writableLength;
  }

  /** The next frame not taken yet. Rejects if the other side ends first. */
  async next(what = "a frame"): Promise<HeardFrame> {
    await this.#until(() => this.heard.length > this.#taken || this.#end !== undefined, what);
    const frame = this.heard[this.#taken];
    if (frame === undefined)
      throw new Error(`the other side ended (${this.#end}) where ${what} was expected`);
    this.#taken++;
    return frame;
  }

  /** The next frame, which has to have this body. */
  async expect<C extends Body["case"]>(wanted: C): Promise<Heard<C>> {
    const frame = await this.next(wanted);
    if (!hasBody(frame, wanted)) throw new Error(`${frame.type} came where ${wanted} was expected`);
    return frame;
  }

  /** The next frame that has this body; others are passed over. */
  async skipTo<C extends Body["case"]>(wanted: C): Promise<Heard<C>> {
    for (;;) {
      const frame = await this.next(wanted);
      if (hasBody(frame, wanted)) return frame;
    }
  }

  /** Frames heard so far that have this body, taken or not. */
  heardOf<C extends Body["case"]>(wanted: C): Heard<C>[] {
    return this.heard.filter((frame): frame is Heard<C> => hasBody(frame, wanted));
  }

  /** Resolves when `count` frames with this body have been heard; takes none of them. */
  async hears(wanted: Body["case"], count = 1): Promise<void> {
    await this.#until(() => this.heardOf(wanted).length >= count, `${count} ${wanted}`);
  }

  /** Resolves with how the other side ended, when it has. */
  async ended(): Promise<"fin" | "rst"> {
    await this.#until(() => this.#end !== undefined, "the end of the connection");
    return this.#end ?? "rst";
  }

  /** Resolves when the kernel has taken all that was sent. */
  async flushed(): Promise<void> {
    if (this.#socket.writableLength > 0) await withinPatience(once(this.#socket, "drain"), "room to send");
  }

  /** Exchanges Hellos as the one who dialled. */
  async greet(changes: HelloChanges = {}): Promise<Heard<"hello">> {
    return this.sendHello(changes).expect("hello");
  }

  /** Exchanges Hellos as the one who was dialled. */
  async welcome(changes: HelloChanges = {}): Promise<Heard<"hello">> {
    const hello = await this.expect("hello");
    this.sendHello(changes);
    return hello;
  }

  /** Sends a Ping and waits for its Pong: by then whatever was sent before has been dealt with. `id` as for any
   * request. */
  async roundTrip(id: number): Promise<void> {
    this.send({ case: "ping", value: {} }, { id });
    for (;;) if ((await this.skipTo("pong")).id === id) return;
  }

  #cutFrames(): void {
    for (;;) {
      if (this.#rest.byteLength < 6) return;
      const end = 4 + this.#rest.readUInt32BE(0);
      if (this.#rest.byteLength < end) return;
      const headerEnd = 6 + this.#rest.readUInt16BE(4);
      const { requestId, body } = fromBinary(PeerFrameSchema, this.#rest.subarray(6, headerEnd));
      const payload = Buffer.from(this.#rest.subarray(headerEnd, end));
      this.heard.push({ id: requestId, type: body.case, value: body.value, payload });
      this.#rest = this.#rest.subarray(end);
    }
  }

  #ended(how: "fin" | "rst"): void {
    this.#end ??= how;
    this.#wake();
  }

  #wake(): void {
    for (const wake of this.#waiting) wake();
  }

  #until(isMet: () => boolean, what: string): Promise<void> {
    if (isMet()) return Promise.resolve();
    let check: () => void = () => undefined;
    const met = new Promise<void>((resolve) => {
      check = () => {
        if (isMet()) resolve();
      };
      this.#waiting.add(check);
    });
    return withinPatience(met, what).finally(() => this.#waiting.delete(check));
  }
}

/** A port where scripted peers answer. */
export class ScriptedListener {
  readonly #server: net.Server;
  readonly #accepted: ScriptedPeer[] = [];
  readonly #waiting: ((peer: ScriptedPeer) => void)[] = [];
  #taken = 0;

  private constructor(server: net.Server) {
    this.#server = server;
    endings.push(() => this.close());
  }

  /** Listens on loopback, and runs `script` for every connection; one that fails breaks its connection. Without a
   * script, `accept` takes connections. */
  static async listen(script?: (peer: ScriptedPeer) => Promise<void>): Promise<ScriptedListener> {
    const server = net.createServer({ allowHalfOpen: true });
    const listener = new ScriptedListener(server);
    server.on("connection", (socket) => {
      const peer = new ScriptedPeer(socket);
      listener.#accepted.push(peer);
      listener.#waiting.shift()?.(peer);
      script?.(peer).catch(() => peer.destroy());
    });
    server.listen({ host: "127.0.0.1", port: 0 });
    await once(server, "listening");
    return listener;
  }

  get endpoint(): Endpoint {
    const address = this.#server.address();
    if (address === null || typeof address === "string") throw new Error("not listening");
    return { host: "127.0.0.1", port: address.port, transport: "tcp" };
  }

  /** Every connection so far. */
  get peers(): readonly ScriptedPeer[] {
    return this.#accepted;
  }

  /** The next connection. */
  async accept(): Promise<ScriptedPeer> {
    const next = this.#accepted[this.#taken++];
    if (next !== undefined) return next;
    return withinPatience(new Promise((resolve) => this.#waiting.push(resolve)), "a connection");
  }

  /** Accepts no more connections; those that there are go on. */
  stopAccepting(): void {
    this.#server.close();
  }

  close(): void {
    this.#server.close();
    for (const peer of this.#accepted) peer.destroy();
  }
}

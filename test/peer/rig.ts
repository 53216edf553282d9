// One connection under test, in either role, with a scripted peer at its other end.
import { once } from "node:events";
import * as net from "node:net";
import { GoshareError } from "../../src/core/errors.js";
import { type ContentId, parseContentId, randomPeerId } from "../../src/core/ids.js";
import { PeerConnection, type Role } from "../../src/peer/connection.js";
import type { ConnectionHandler } from "../../src/peer/connection-handler.js";
import type { LocalPeer } from "../../src/peer/handshake.js";
import type { ChunkSlice, GoodbyeReason, Notice, RefusalReason, Request } from "../../src/peer/messages.js";
import { type ConnectionOptions, defaultConnectionOptions } from "../../src/peer/options.js";
import type { ChunkRequest } from "../../src/peer/outstanding.js";
import { PeerSocket } from "../../src/peer/peer-socket.js";
import {
  type HelloChanges,
  ScriptedListener,
  ScriptedPeer,
  withinPatience,
} from "../support/scripted-peer.js";

/** A clock that stands still until it is moved. */
export class HandClock {
  #nowMs = 1_000_000;

  nowMs(): number {
    return this.#nowMs;
  }

  move(ms: number): void {
    this.#nowMs += ms;
  }
}

export function localPeer(changes: Partial<LocalPeer> = {}): LocalPeer {
  return {
    ...{ peerId: randomPeerId(), agent: "test/1", features: [], nonce: "00112233445566778899aabbccddeeff" },
    ...{ protocolMin: 1, protocolMax: 1, listenPort: () => 0 },
    ...changes,
  };
}

/** A content id of one digit, over and over. */
export function contentIdOf(digit: string): ContentId {
  const id = parseContentId(digit.repeat(64));
  if (id === undefined) throw new Error(`${digit} is no digit`);
  return id;
}

type HandledNotice = Exclude<Notice, { type: "hello" | "goodbye" }>;

/** Records what a connection tells its owner. */
export class RecordingHandler implements ConnectionHandler {
  readonly requests: { readonly id: number; readonly request: Request; readonly payload: Uint8Array }[] = [];
  readonly cancelledIds: number[] = [];
  readonly notices: HandledNotice[] = [];
  readonly goodbyes: (readonly [GoodbyeReason, string])[] = [];
  /** How often the end was told. */
  ends = 0;
  error: GoshareError | undefined;
  /** Calls after the end. */
  lateCalls = 0;
  onRequest: ((id: number, request: Request) => void) | undefined;
  bitfieldLength: number | undefined;
  readonly #closed: Promise<void>;
  #close: () => void = () => undefined;

  constructor() {
    this.#closed = new Promise((resolve) => {
      this.#close = resolve;
    });
  }

  requested(id: number, request: Request, payload: Uint8Array): void {
    this.#called();
    this.requests.push({ id, request, payload });
    this.onRequest?.(id, request);
  }

  cancelled(id: number): void {
    this.#called();
    this.cancelledIds.push(id);
  }

  noticed(notice: HandledNotice): void {
    this.#called();
    this.notices.push(notice);
  }

  goodbye(reason: GoodbyeReason, message: string): void {
    this.#called();
    this.goodbyes.push([reason, message]);
  }

  closed(error: GoshareError | undefined): void {
    this.ends++;
    this.error = error;
    this.#close();
  }

  bitfieldBytes(): number | undefined {
    return this.bitfieldLength;
  }

  /** The end, with its error if it has one. */
  async end(): Promise<GoshareError | undefined> {
    await withinPatience(this.#closed, "the end of the connection under test");
    return this.error;
  }

  #called(): void {
    if (this.ends > 0) this.lateCalls++;
  }
}

export interface RigOptions {
  readonly local?: Partial<LocalPeer>;
  readonly connection?: Partial<ConnectionOptions>;
  /** What the scripted peer says of itself, where that is not the usual. */
  readonly remote?: HelloChanges;
}

export interface Rig {
  readonly connection: PeerConnection;
  readonly handler: RecordingHandler;
  readonly clock: HandClock;
  readonly peer: ScriptedPeer;
  /** Settles as PeerConnection.open does. */
  readonly opened: Promise<void>;
  /** The smallest id of a request of the scripted peer, and of the connection under test. */
  readonly theirId: number;
  readonly ourId: number;
}

/** Connections look at the clock so often, in milliseconds; the clock itself is moved by hand. */
export const QUICK_TICKS = 10;

/** A connection in `role` that has not exchanged Hellos. */
export async function connect(role: Role, options: RigOptions = {}): Promise<Rig> {
  const handler = new RecordingHandler();
  const clock = new HandClock();
  const connectionOptions = {
    ...defaultConnectionOptions,
    ...{ helloTimeoutMs: QUICK_TICKS, closeTimeoutMs: 500 },
    ...options.connection,
  };
  const connection = new PeerConnection(
    role,
    localPeer(options.local),
    connectionOptions,
    () => handler,
    clock,
  );
  const { socket, peer } = await (role === "dialler" ? dialled(connection) : accepted(connection));
  const opened = connection.open(socket);
  opened.catch(() => undefined);
  const ids = role === "dialler" ? { theirId: 2, ourId: 1 } : { theirId: 1, ourId: 2 };
  return { connection, handler, clock, peer, opened, ...ids };
}

async function dialled(connection: PeerConnection) {
  const listener = await ScriptedListener.listen();
  const { signal } = new AbortController();
  const [peer, socket] = await Promise.all([
    listener.accept(),
    PeerSocket.dial(listener.endpoint, connection.reader, 5000, signal),
  ]);
  listener.stopAccepting();
  return { socket, peer };
}

async function accepted(connection: PeerConnection) {
  const server = net.createServer({ allowHalfOpen: true, pauseOnConnect: true });
  server.listen({ host: "127.0.0.1", port: 0 });
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("not listening");
  const socket = new Promise<PeerSocket>((resolve) => {
    server.once("connection", (raw) => resolve(PeerSocket.accepted(raw, connection.reader)));
  });
  const peer = await ScriptedPeer.dial(address.port);
  server.close();
  return { socket: await socket, peer };
}

/** A connection in `role` that is open. */
export async function openRig(role: Role, options: RigOptions = {}): Promise<Rig> {
  const rig = await connect(role, options);
  if (role === "dialler") await rig.peer.welcome(options.remote);
  else await rig.peer.greet(options.remote);
  await rig.opened;
  return rig;
}

/** The code a promise is rejected with. */
export async function codeOf(promise: Promise<unknown>): Promise<string> {
  try {
    await withinPatience(promise, "a promise to settle");
  } catch (thrown) {
    if (thrown instanceof GoshareError) return thrown.code;
    throw thrown;
  }
  return "nothing was thrown";
}

/** A request for a chunk that records what becomes of it. */
export class RecordedChunk implements ChunkRequest {
  readonly offerId = 0;
  readonly buffer: Uint8Array;
  /** In the order of their coming: "received", a refusal's reason, or an error's code. */
  readonly outcomes: (string | RefusalReason)[] = [];
  placed = 0;
  hasRoom = true;
  readonly #settled: Promise<void>;
  #settle: () => void = () => undefined;

  constructor(
    readonly contentId: ContentId,
    readonly chunkIndex: number,
    readonly chunkBytes: number,
  ) {
    this.buffer = Buffer.alloc(chunkBytes);
    this.#settled = new Promise((resolve) => {
      this.#settle = resolve;
    });
  }

  place(): Uint8Array | undefined {
    if (!this.hasRoom) return undefined;
    this.placed++;
    return this.buffer;
  }

  received(): void {
    this.#outcome("received");
  }

  refused(reason: RefusalReason): void {
    this.#outcome(reason);
  }

  lost(error: GoshareError): void {
    this.#outcome(error.code);
  }

  async outcome(): Promise<string> {
    await withinPatience(this.#settled, `the outcome of chunk ${this.chunkIndex}`);
    return this.outcomes.join(", then ");
  }

  #outcome(what: string): void {
    this.outcomes.push(what);
    this.#settle();
  }
}

/** A chunk that is sent in one slice. */
export function wholeChunk(chunkIndex: number, bytes: Uint8Array): ChunkSlice {
  return { chunkIndex, offset: 0, bytes, isLast: true };
}

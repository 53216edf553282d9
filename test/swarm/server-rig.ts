// A chunk server on a real port, with scripted peers at its doors.
import { Bitfield } from "../../src/core/bitfield.js";
import { type Clock, processTimers } from "../../src/core/clock.js";
import type { GoshareError } from "../../src/core/errors.js";
import { idToBytes } from "../../src/core/ids.js";
import type { Manifest } from "../../src/manifest/manifest.js";
import { PeerListener } from "../../src/peer/listener.js";
import {
  type ConnectionOptions,
  defaultConnectionOptions,
  defaultListenerOptions,
} from "../../src/peer/options.js";
import { defaultServerOptions, type ServerOptions } from "../../src/swarm/options.js";
import type { RateBudget } from "../../src/swarm/rate-budget.js";
import { ChunkServer } from "../../src/swarm/uploading/chunk-server.js";
import type { ServedShare } from "../../src/swarm/uploading/served-share.js";
import { localPeer } from "../peer/rig.js";
import { type HelloChanges, ScriptedPeer } from "../support/scripted-peer.js";
import type { SmallShare } from "../support/small-share.js";

/** A share that is served from memory, at once unless told otherwise. */
export class MemoryShare implements ServedShare {
  readonly manifest: Manifest;
  readonly held: Bitfield;
  /** The chunk of every read, in their order. */
  readonly reads: number[] = [];
  /** Every piece of memory that was read into. */
  readonly buffers = new Set<ArrayBufferLike>();
  readonly failures: GoshareError[] = [];
  copies = 0;
  /** What a read waits for, or fails with. */
  beforeRead: ((chunkIndex: number, offset: number) => Promise<void> | undefined) | undefined;
  readonly #share: SmallShare;

  constructor(share: SmallShare, held = Bitfield.full(share.manifest.root.chunkCount)) {
    this.#share = share;
    this.manifest = share.manifest;
    this.held = held;
  }

  get content(): Buffer {
    return this.#share.content;
  }

  chunk(chunkIndex: number): Buffer {
    return this.#share.chunk(chunkIndex);
  }

  get contentId(): Uint8Array {
    return idToBytes(this.manifest.root.contentId);
  }

  readChunk(chunkIndex: number, offset: number, into: Uint8Array): Promise<void> | undefined {
    this.reads.push(chunkIndex);
    this.buffers.add(into.buffer);
    const wait = this.beforeRead?.(chunkIndex, offset);
    const fill = () => into.set(this.#share.chunk(chunkIndex).subarray(offset, offset + into.byteLength));
    if (wait === undefined) {
      fill();
      return undefined;
    }
    return wait.then(fill);
  }

  copied(): void {
    this.copies++;
  }

  readFailed(error: GoshareError): void {
    this.failures.push(error);
  }
}

const rigs: ServerRig[] = [];

/** To be called after the last test, which may have failed half-way. */
export function stopServers(): void {
  for (const rig of rigs) rig.stop();
}

export class ServerRig {
  readonly server: ChunkServer;
  readonly listener: PeerListener;
  readonly peers: ScriptedPeer[] = [];
  /** Connections that have ended. */
  ends = 0;

  private constructor(server: ChunkServer, listener: PeerListener) {
    this.server = server;
    this.listener = listener;
  }

  static async start(
    options: Partial<ServerOptions> = {},
    connectionOptions: Partial<ConnectionOptions> = {},
    budget?: RateBudget,
    clock?: Clock,
  ): Promise<ServerRig> {
    const timers = clock === undefined ? processTimers : { ...processTimers, nowMs: () => clock.nowMs() };
    const server = new ChunkServer({ ...defaultServerOptions, ...options }, budget, timers);
    let rig: ServerRig | undefined;
    const listener = await PeerListener.listen(
      { ...defaultListenerOptions, host: "127.0.0.1", port: 0 },
      localPeer(),
      { ...defaultConnectionOptions, closeTimeoutMs: 200, ...connectionOptions },
      (connection) =>
        server.serve(connection, () => {
          if (rig !== undefined) rig.ends++;
        }),
    );
    rig = new ServerRig(server, listener);
    rigs.push(rig);
    return rig;
  }

  /** A peer that has exchanged Hellos. */
  async peer(changes: HelloChanges = {}): Promise<ScriptedPeer> {
    const peer = await ScriptedPeer.dial(this.listener.port);
    this.peers.push(peer);
    await peer.greet(changes);
    return peer;
  }

  stop(): void {
    this.listener.close();
    for (const peer of this.peers) peer.destroy();
  }
}

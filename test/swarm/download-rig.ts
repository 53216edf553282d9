// A download of a small share from scripted peers, down to the bytes on disk.
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Bitfield } from "../../src/core/bitfield.js";
import { GoshareError } from "../../src/core/errors.js";
import { KIB } from "../../src/core/units.js";
import { Selection } from "../../src/manifest/selection.js";
import { PeerListener } from "../../src/peer/listener.js";
import {
  type ConnectionOptions,
  defaultConnectionOptions,
  defaultListenerOptions,
} from "../../src/peer/options.js";
import { partFiles } from "../../src/storage/final/finished-files.js";
import { PartFolder } from "../../src/storage/part/part-folder.js";
import { DownloadSwarm } from "../../src/swarm/download-swarm.js";
import { ChunkDownload } from "../../src/swarm/downloading/chunk-download.js";
import type { DownloadPeer } from "../../src/swarm/neighbours/download-peer.js";
import { type DownloadSwarmOptions, defaultDownloadSwarmOptions } from "../../src/swarm/options.js";
import type { RateBudget } from "../../src/swarm/rate-budget.js";
import { ServedDownload } from "../../src/swarm/uploading/served-download.js";
import { PartStore } from "../../src/workers/part-store.js";
import { SlotPool, slotMemory } from "../../src/workers/slots.js";
import { WorkerPool } from "../../src/workers/worker-pool.js";
import { localPeer } from "../peer/rig.js";
import { type Service, serveByDialling, serving } from "../support/chunk-answers.js";
import {
  destroyScripted,
  type HelloChanges,
  ScriptedListener,
  ScriptedPeer,
} from "../support/scripted-peer.js";
import type { SmallShare } from "../support/small-share.js";

const QUICK_SWARM = {
  minRedialMs: 2,
  maxRedialMs: 20,
  minRefusalPauseMs: 2,
  maxRefusalPauseMs: 20,
  firstChunk: () => 0,
  unprovenRequests: 64,
};
const QUICK_CONNECTION = { nextAddressMs: 5, closeTimeoutMs: 200 };

const rigs: DownloadRig[] = [];
let current: ChunkDownload | undefined;
/** Where chunks arrive, for pools of a test's own. */
export const downloadMemory = slotMemory();
const slots = new SlotPool(downloadMemory, 64 * KIB, () => current?.slotFreed());
const defaultPool = new WorkerPool(downloadMemory, 1);

/** To be called after the last test, which may have failed half-way. */
export function endDownloads(): Promise<void> {
  for (const rig of rigs) {
    rig.abort.abort();
    void rig.swarm.close("finished");
  }
  destroyScripted();
  return defaultPool.close();
}

export interface DownloadSetUp {
  readonly share: SmallShare;
  readonly services: readonly Omit<Service, "share">[];
  readonly swarm?: Partial<DownloadSwarmOptions>;
  readonly connection?: Partial<ConnectionOptions>;
  readonly budget?: RateBudget;
  /** What an earlier run claims to have written; nothing unless given. */
  readonly unchecked?: Bitfield;
  /** Made with `downloadMemory`; the test closes it. */
  readonly pool?: WorkerPool;
  /** Lies are told to the swarm by `tellVerdicts` only. */
  readonly holdsVerdicts?: boolean;
}

/** A running download, and whom it downloads from. */
export class DownloadRig {
  readonly listeners: ScriptedListener[] = [];
  readonly swarm: DownloadSwarm;
  readonly abort = new AbortController();
  /** Chunks of which wrong bytes came. */
  readonly lies: number[] = [];
  readonly errors: string[] = [];
  readonly #setUp: DownloadSetUp;
  readonly #local = localPeer();
  #port: PeerListener | undefined;
  readonly #verdicts: (() => void)[] = [];
  #folder = "";
  bytesWasted = 0;

  private constructor(setUp: DownloadSetUp) {
    this.#setUp = setUp;
    this.swarm = new DownloadSwarm({
      ...{ contentId: setUp.share.manifest.root.contentId, local: this.#local },
      connectionOptions: { ...defaultConnectionOptions, ...QUICK_CONNECTION, ...setUp.connection },
      options: { ...defaultDownloadSwarmOptions, ...QUICK_SWARM, ...setUp.swarm },
      observe: (event) => {
        if (event.type === "peerDisconnected") this.errors.push(event.code);
      },
    });
  }

  /** Peers are there and being dialled; nothing is asked for. */
  static async start(setUp: DownloadSetUp): Promise<DownloadRig> {
    const rig = new DownloadRig(setUp);
    rigs.push(rig);
    for (const service of setUp.services) await rig.addService(service);
    rig.#folder = await mkdtemp(join(tmpdir(), "goshare-download-"));
    return rig;
  }

  /** One more peer is there and being dialled. */
  async addService(service: Omit<Service, "share">): Promise<void> {
    const hello = { peerId: Buffer.alloc(32, this.listeners.length + 1), ...service.hello };
    const script = serving({ ...service, share: this.#setUp.share, hello });
    const listener = await ScriptedListener.listen(script);
    this.listeners.push(listener);
    this.swarm.addPeer({ endpoints: [listener.endpoint], isNamed: true });
  }

  /** Downloads every chunk; the bytes as they lie on the disk. Throws what the download throws. */
  download(): Promise<Buffer> {
    const downloading = this.#download();
    // A test that failed before it waited for this fails for its own reason.
    downloading.catch(() => undefined);
    return downloading;
  }

  async #download(): Promise<Buffer> {
    const { manifest } = this.#setUp.share;
    const none = new Bitfield(manifest.root.chunkCount);
    const part = await PartFolder.open(this.#folder, manifest.root);
    const events = {
      progressed: () => undefined,
      verified: (chunkIndex: number) => share.news.gained(chunkIndex),
      refused: () => undefined,
      stalled: (peer: DownloadPeer) => this.swarm.stalled(peer),
      lied: (peer: DownloadPeer, chunkIndex: number) => {
        this.lies.push(chunkIndex);
        const ban = () => this.swarm.ban(peer, new GoshareError("DIGEST_MISMATCH", "wrong bytes"));
        if (this.#setUp.holdsVerdicts) this.#verdicts.push(ban);
        else ban();
      },
    };
    const options = { ...defaultDownloadSwarmOptions, ...QUICK_SWARM, ...this.#setUp.swarm };
    const { pool = defaultPool, budget, unchecked = none } = this.#setUp;
    const selection = new Selection(manifest);
    const work = { selection, store: new PartStore(selection, part, pool, slots), pool, slots, budget };
    const download = new ChunkDownload(work, none, unchecked, options, events);
    current = download;
    const share = new ServedDownload(manifest, download.held, partFiles(part), (error) =>
      download.fail(error),
    );
    this.swarm.start(download, share);
    const limit = AbortSignal.timeout(20_000);
    try {
      await download.run(AbortSignal.any([limit, this.abort.signal]));
      return await readFile(part.filePath("share.bin"));
    } finally {
      this.bytesWasted = download.bytesWasted;
      part.close();
    }
  }

  async #listen(): Promise<number> {
    this.#port ??= await PeerListener.listen(
      { ...defaultListenerOptions, host: "127.0.0.1", port: 0 },
      this.#local,
      defaultConnectionOptions,
      (connection) => this.swarm.accept(connection),
    );
    return this.#port.port;
  }

  /** A scripted peer that has dialled the download, joined it as one that has everything, and serves it. */
  async serveFrom(service: Omit<Service, "share">): Promise<ScriptedPeer> {
    return serveByDialling({ ...service, share: this.#setUp.share }, await this.#listen());
  }

  /** A scripted peer that has dialled the download. */
  async connectFrom(hello: HelloChanges): Promise<ScriptedPeer> {
    const peer = await ScriptedPeer.dial(await this.#listen());
    await peer.greet(hello);
    return peer;
  }

  tellVerdicts(): void {
    for (const tell of this.#verdicts.splice(0)) tell();
  }

  /** Every chunk that was asked of a peer, by its number, over all its connections. */
  askedOf(service: number): number[] {
    const peers = this.listeners[service]?.peers ?? [];
    return peers.flatMap((peer) => peer.heardOf("getChunk").map(({ value }) => value.chunkIndex));
  }

  /** The reasons of the goodbyes that a peer heard. */
  goodbyesTo(service: number): number[] {
    const peers = this.listeners[service]?.peers ?? [];
    return peers.flatMap((peer) => peer.heardOf("goodbye").map(({ value }) => value.reason));
  }

  async stop(): Promise<void> {
    void this.swarm.close("finished");
    const peers = this.listeners.flatMap((listener) => listener.peers);
    await Promise.all(peers.map((peer) => peer.ended()));
    for (const listener of this.listeners) listener.close();
    this.#port?.close();
    await rm(this.#folder, { recursive: true, force: true });
  }
}

// What a download may take of memory with as many peers as it keeps, quick ones and ones that stand still in the
// middle of a chunk: the ceiling of ARCHITECTURE.md ("Figures"). The peers are in this process; some are found through
// a tracker, the others dial. With GOSHARE_TESTS=full the download beside those that stand still is waited for, however long.
import { createHash } from "node:crypto";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { requireEndpoint } from "../../src/address/endpoint.js";
import { Bitfield } from "../../src/core/bitfield.js";
import { idToBytes, type PeerId } from "../../src/core/ids.js";
import { KIB, MIB } from "../../src/core/units.js";
import type { PeerConnection } from "../../src/peer/connection.js";
import { dialPeer } from "../../src/peer/dial.js";
import { PeerListener } from "../../src/peer/listener.js";
import { defaultConnectionOptions, defaultListenerOptions } from "../../src/peer/options.js";
import { defaultDownloadSwarmOptions, defaultServerOptions } from "../../src/swarm/options.js";
import { ChunkServer } from "../../src/swarm/uploading/chunk-server.js";
import { TrackerClient } from "../../src/tracker/client.js";
import { localPeer } from "../peer/rig.js";
import { type Ask, serveByDialling, serving } from "../support/chunk-answers.js";
import { freePort } from "../support/free-port.js";
import { isFullSize, report } from "../support/full-size.js";
import { type GoshareProcess, killAll } from "../support/goshare-process.js";
import { ScratchFolder, sha256Of } from "../support/scratch-folder.js";
import { destroyScripted, frameBytes, ScriptedListener } from "../support/scripted-peer.js";
import { skipTest } from "../support/skip-test.js";
import { smallShare } from "../support/small-share.js";
import { type StartedTracker, startDownload, startTracker } from "../support/transfer.js";
import { MemoryShare } from "../swarm/server-rig.js";

const DOWNLOAD_CEILING_BYTES = 180 * MIB;
const PEERS = defaultDownloadSwarmOptions.maxPeers;
const LIFETIME_MS = 600_000;

const scratch = new ScratchFolder();
const share = smallShare(256, MIB, MIB);
const { contentId, chunkCount } = share.manifest.root;
const digest = createHash("sha256").update(share.content).digest("hex");
const server = new ChunkServer(defaultServerOptions);
server.add(new MemoryShare(share));
const listeners: PeerListener[] = [];

test.after(() => {
  destroyScripted();
  for (const listener of listeners) listener.close();
  killAll();
  scratch.remove();
});

/** Peers that a download finds by itself. The others find it: it looks for no more than it needs, and lets in more. */
const FOUND = Math.ceil(defaultDownloadSwarmOptions.targetPeers / 4);

interface Peer {
  /** Waits to be dialled; the port it does that at. */
  readonly listen: () => Promise<number>;
  readonly peerId: PeerId;
  readonly dial: (port: number) => Promise<void>;
}

/** Holds everything, and sends it as fast as it is asked. */
function quickPeer(): Peer {
  const local = localPeer();
  const handler = (connection: PeerConnection) => server.serve(connection, () => undefined);
  return {
    peerId: local.peerId,
    listen: async () => {
      const options = { ...defaultListenerOptions, host: "127.0.0.1", port: 0 };
      const listener = await PeerListener.listen(options, local, defaultConnectionOptions, handler);
      listeners.push(listener);
      return listener.port;
    },
    dial: async (port) => {
      const endpoint = { host: "127.0.0.1", port, transport: "tcp" } as const;
      const never = new AbortController().signal;
      const connection = await dialPeer(endpoint, local, defaultConnectionOptions, handler, never);
      // Refused by who does not know the content yet, and joins by itself when it does.
      const bitfieldBytes = [0, Bitfield.byteLength(chunkCount)] as const;
      await connection.request({ type: "join", contentId, coverage: "complete" }, bitfieldBytes);
    },
  };
}

/** Says that it holds everything, begins to send a chunk, tells `stalled`, and does nothing more. */
function stallingPeer(stalled: () => void): Peer {
  const { peerId } = localPeer();
  const answer = async ({ peer, id, chunkIndex, chunk }: Ask) => {
    const frame = frameBytes({ case: "chunkData", value: { chunkIndex } }, { id, payload: chunk });
    peer.sendBytes(frame.subarray(0, 100 * KIB));
    await peer.flushed();
    stalled();
    await new Promise<never>(() => undefined);
  };
  // One request at a time, so that every one of them is asked for something.
  const service = { share, answer, hello: { peerId: idToBytes(peerId) }, pullWindow: 1 };
  return {
    peerId,
    listen: async () => (await ScriptedListener.listen(serving(service))).endpoint.port,
    dial: async (port) => void (await serveByDialling(service, port)),
  };
}

async function announce(tracker: StartedTracker, { peerId, listen }: Peer): Promise<void> {
  const client = new TrackerClient(requireEndpoint(tracker.endpoint, "tracker", 0));
  await client.announce({
    ...{ peerId, runEpochMs: Date.now(), endpoints: [], listenPort: await listen() },
    shares: [{ contentId, chunksHeld: chunkCount, complete: true, wantPeers: 0 }],
  });
  await client.close();
}

/** A download that finds the first of these peers, and to which the others dial. It stays when it is done, so that it
 * can be asked what it has taken. */
async function downloadFrom(peers: readonly Peer[]) {
  const tracker = await startTracker();
  const port = await freePort();
  for (const peer of peers.slice(0, FOUND)) await announce(tracker, peer);
  const args = ["--tracker", tracker.endpoint, "--seed", "--listen", `127.0.0.1:${port}`];
  const process = startDownload(contentId, scratch.folder(), args, { lifetimeMs: LIFETIME_MS });
  // It listens by now.
  await process.waitFor("waiting");
  await Promise.all(peers.slice(FOUND).map(({ dial }) => dial(port)));
  const stop = () => Promise.all([process, tracker.process].map((one) => one.stop("SIGINT")));
  return { process, port, stop };
}

function assertBelowCeiling(process: GoshareProcess): void {
  const peakBytes = process.peakRssBytes() ?? Number.NaN;
  report(`peak memory of the download: ${Math.round(peakBytes / MIB)} MiB`);
  assert.ok(peakBytes < DOWNLOAD_CEILING_BYTES, `${Math.round(peakBytes / MIB)} MiB`);
}

async function assertDone(process: GoshareProcess): Promise<void> {
  const { path } = await process.waitFor("done");
  assert.is(sha256Of(String(path)), digest);
}

async function manyQuickPeers(): Promise<void> {
  const { process, stop } = await downloadFrom(Array.from({ length: PEERS }, quickPeer));
  await assertDone(process);
  assert.is(process.all("peerConnected").length, PEERS);
  assertBelowCeiling(process);
  await stop();
}

async function manyStallingPeers(): Promise<void> {
  let stalledCount = 0;
  let allStalled: () => void = () => undefined;
  const standingStill = new Promise<void>((resolve) => {
    allStalled = resolve;
  });
  const stalled = () => {
    if (++stalledCount === PEERS - 1) allStalled();
  };
  const stalling = Array.from({ length: PEERS - 1 }, () => stallingPeer(stalled));
  const startedMs = performance.now();
  const { process, port, stop } = await downloadFrom(stalling);
  await standingStill;
  await quickPeer().dial(port);
  await process.waitFor("progress", (body) => body["peers"] === PEERS);
  if (isFullSize) {
    await assertDone(process);
    const seconds = (performance.now() - startedMs) / 1000;
    report(`done after ${seconds.toFixed(1)} s beside ${PEERS - 1} peers that stood still`);
  }
  assertBelowCeiling(process);
  await stop();
}

const TITLES = [
  [`${PEERS} peers that hold everything keep a download below its ceiling`, manyQuickPeers],
  [`${PEERS - 1} peers that stand still in the middle of a chunk keep it there too`, manyStallingPeers],
] as const;
for (const [title, run] of TITLES) {
  if (process.platform === "linux") test(title, run);
  else skipTest(title, "the system does not say what a process has taken");
}

test.run();

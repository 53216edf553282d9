// What a download may take of memory with as many peers as it keeps, quick ones and ones that stand still in the
// middle of a chunk: the ceiling of ARCHITECTURE.md ("Figures"). The peers are in this process, and found through
// a tracker. With GOSHARE_TESTS=full the download beside those that stand still is waited for, however long.
import { createHash } from "node:crypto";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { requireEndpoint } from "../../src/address/endpoint.js";
import { idToBytes, type PeerId } from "../../src/core/ids.js";
import { KIB, MIB } from "../../src/core/units.js";
import { PeerListener } from "../../src/peer/listener.js";
import { defaultConnectionOptions, defaultListenerOptions } from "../../src/peer/options.js";
import { ChunkServer } from "../../src/swarm/chunk-server.js";
import { defaultDownloadSwarmOptions, defaultServerOptions } from "../../src/swarm/options.js";
import { TrackerClient } from "../../src/tracker/client.js";
import { localPeer } from "../peer/rig.js";
import { type Ask, serving } from "../support/chunk-answers.js";
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

interface ListeningPeer {
  readonly peerId: PeerId;
  readonly port: number;
}

/** Holds everything, and sends it as fast as it is asked. */
async function startQuickPeer(): Promise<ListeningPeer> {
  const local = localPeer();
  const options = { ...defaultListenerOptions, host: "127.0.0.1", port: 0 };
  const listener = await PeerListener.listen(options, local, defaultConnectionOptions, (connection) =>
    server.serve(connection, () => undefined),
  );
  listeners.push(listener);
  return { peerId: local.peerId, port: listener.port };
}

/** Says that it holds everything, begins to send a chunk, tells `stalled`, and does nothing more. */
async function startStallingPeer(stalled: () => void): Promise<ListeningPeer> {
  const { peerId } = localPeer();
  const answer = async ({ peer, id, chunkIndex, chunk }: Ask) => {
    const frame = frameBytes({ case: "chunkData", value: { chunkIndex } }, { id, payload: chunk });
    peer.sendBytes(frame.subarray(0, 100 * KIB));
    await peer.flushed();
    stalled();
    await new Promise<never>(() => undefined);
  };
  const hello = { peerId: idToBytes(peerId) };
  // One request at a time, so that every one of them is asked for something.
  const script = serving({ share, answer, hello, pullWindow: 1 });
  const { endpoint } = await ScriptedListener.listen(script);
  return { peerId, port: endpoint.port };
}

async function announce(tracker: StartedTracker, { peerId, port }: ListeningPeer): Promise<void> {
  const client = new TrackerClient(requireEndpoint(tracker.endpoint, "tracker", 0));
  await client.announce({
    ...{ peerId, runEpochMs: Date.now(), endpoints: [], listenPort: port },
    shares: [{ contentId, chunksHeld: chunkCount, complete: true, wantPeers: 0 }],
  });
  await client.close();
}

/** A download that finds these peers. It stays when it is done, so that it can be asked what it has taken. */
async function downloadFrom(peers: readonly ListeningPeer[]) {
  const tracker = await startTracker();
  for (const peer of peers) await announce(tracker, peer);
  const args = ["--tracker", tracker.endpoint, "--seed"];
  const process = startDownload(contentId, scratch.folder(), args, { lifetimeMs: LIFETIME_MS });
  const stop = () => Promise.all([process, tracker.process].map((one) => one.stop("SIGINT")));
  return { process, stop };
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
  const peers = await Promise.all(Array.from({ length: PEERS }, startQuickPeer));
  const { process, stop } = await downloadFrom(peers);
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
  const stalling = Array.from({ length: PEERS - 1 }, () => startStallingPeer(stalled));
  const { process, stop } = await downloadFrom(await Promise.all([startQuickPeer(), ...stalling]));
  const startedMs = performance.now();
  await process.waitFor("downloading");
  await standingStill;
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

// What a process may take of memory, whatever its peers do: the ceilings of ARCHITECTURE.md ("Figures").
import { test } from "uvu";
import * as assert from "uvu/assert";
import { idToBytes, parseContentId } from "../../src/core/ids.js";
import { MIB } from "../../src/core/units.js";
import { killAll } from "../support/goshare-process.js";
import { ScratchFolder, sha256Of } from "../support/scratch-folder.js";
import { destroyScripted, ScriptedPeer } from "../support/scripted-peer.js";
import { skipTest } from "../support/skip-test.js";
import { download, startShare } from "../support/transfer.js";

const SHARER_CEILING_BYTES = 160 * MIB;
/** A chunk that has to wait for a greedy peer's memory, or is refused as BUSY, is later than this. */
const PROMPT_MS = 10_000;
const CHUNKS_ASKED = 16;

const scratch = new ScratchFolder();
test.after(() => {
  destroyScripted();
  killAll();
  scratch.remove();
});

/** Asks for many chunks and reads none of them. */
function askAndReadNothing(peer: ScriptedPeer, contentId: Uint8Array): void {
  peer.stopReading();
  for (let chunkIndex = 0; chunkIndex < CHUNKS_ASKED; chunkIndex++) {
    peer.send({ case: "getChunk", value: { contentId, chunkIndex } }, { id: 2 * chunkIndex + 1 });
  }
}

async function holdsManyConnections(idlePeers: number, greedyPeers: number): Promise<void> {
  const source = scratch.file(`large-${greedyPeers}.bin`, 64 * MIB);
  const share = await startShare(source);
  const port = Number(share.endpoint.split(":").at(-1));
  const dialled = Array.from({ length: idlePeers + greedyPeers }, () => ScriptedPeer.dial(port));
  const peers = await Promise.all(dialled);
  await Promise.all(peers.map((peer) => peer.greet()));
  const contentId = parseContentId(share.contentId);
  assert.ok(contentId);
  const greedy = peers.slice(0, greedyPeers);
  for (const peer of greedy) askAndReadNothing(peer, idToBytes(contentId));
  // Who asks for nothing is answered all the same.
  await Promise.all(greedy.map((peer) => peer.flushed()));
  await peers[greedyPeers]?.roundTrip(1);
  const { path, elapsedMs } = await download(share.ticket, scratch.folder());
  assert.is(sha256Of(path), sha256Of(source));
  assert.ok(elapsedMs < PROMPT_MS, `${elapsedMs} ms`);
  const ended = greedy.filter(({ end }) => end !== undefined);
  assert.is(ended.length, 0, "nobody had to be hung up");
  const peakBytes = share.process.peakRssBytes() ?? Number.NaN;
  assert.ok(peakBytes < SHARER_CEILING_BYTES, `${Math.round(peakBytes / MIB)} MiB`);
  for (const peer of peers) peer.destroy();
  await share.process.stop();
}

for (const [idlePeers, greedyPeers] of [
  [250, 50],
  [10, 300],
] as const) {
  const title = `${idlePeers} idle connections and ${greedyPeers} greedy ones keep a sharer below its ceiling, and a download beside them is prompt`;
  if (process.platform === "linux") test(title, () => holdsManyConnections(idlePeers, greedyPeers));
  else skipTest(title, "the system does not say what a process has taken");
}

test.run();

// When a download does not wait for offers any more, or for a peer that holds its memory. Peers are made up.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { Bitfield } from "../../src/core/bitfield.js";
import { Relief, type RelievedPeer } from "../../src/swarm/downloading/relief.js";
import { ChunkScheduler } from "../../src/swarm/downloading/scheduler.js";
import { AnswerPace } from "../../src/swarm/neighbours/answer-pace.js";
import { defaultDownloadSwarmOptions } from "../../src/swarm/options.js";
import { localPeer } from "../peer/rig.js";

const CHUNKS = 8;
const TICK_MS = defaultDownloadSwarmOptions.handOverTickMs;
/** Ten seconds from the first tick that sees that nothing is asked for. */
const PATIENCE_TICKS = 1 + 10_000 / TICK_MS;

/** A download of a peer that has everything and offers when it likes. */
function waitingForOffers() {
  const scheduler = new ChunkScheduler(new Bitfield(CHUNKS), new Bitfield(CHUNKS));
  const requests = new Map<number, boolean>();
  const connection = { isInChunk: false, bytesRead: 0 };
  const peer: RelievedPeer = {
    id: localPeer().peerId,
    pace: new AnswerPace(),
    connection,
    requests,
    window: 0,
    isReadyForOne: true,
    hasRoomForGroup: false,
    cancel: () => undefined,
  };
  scheduler.peerJoined(peer.id, "complete");
  const asked: number[] = [];
  const stalled: RelievedPeer[] = [];
  const relief = new Relief<RelievedPeer>(defaultDownloadSwarmOptions, scheduler, {
    peers: () => [peer],
    isShortOfMemory: () => connection.isInChunk,
    mayAsk: () => true,
    spare: () => undefined,
    request: (_peer, chunkIndex) => asked.push(chunkIndex),
    stalled: (one) => stalled.push(one),
  });
  let nowMs = 0;
  const ticks = (count: number) => {
    for (let tick = 0; tick < count; tick++) {
      nowMs += TICK_MS;
      relief.tick(nowMs);
    }
  };
  const sleep = (ms: number) => {
    nowMs += ms;
  };
  return { relief, peer, connection, requests, asked, stalled, ticks, sleep };
}

test("where nobody offers anything for ten seconds a chunk is asked for all the same", () => {
  const { asked, ticks } = waitingForOffers();
  ticks(PATIENCE_TICKS - 1);
  assert.equal(asked, []);
  ticks(1);
  assert.equal(asked, [0]);
  ticks(PATIENCE_TICKS);
  assert.equal(asked, [0, 1]);
});

test("a download that gets chunks is not without offers, though no tick sees a request", () => {
  const { relief, peer, asked, ticks } = waitingForOffers();
  for (let chunk = 0; chunk < 10; chunk++) {
    ticks(PATIENCE_TICKS - 1);
    relief.heard(peer);
  }
  assert.equal(asked, []);
});

test("nor is one that waits for a chunk it has asked for", () => {
  const { requests, asked, ticks } = waitingForOffers();
  requests.set(0, true);
  ticks(3 * PATIENCE_TICKS);
  assert.equal(asked, []);
});

test("the time in which this process stood still is not counted as waiting for offers", () => {
  const { asked, ticks, sleep } = waitingForOffers();
  ticks(1);
  sleep(3_600_000);
  ticks(PATIENCE_TICKS - 1);
  assert.equal(asked, []);
  ticks(1);
  assert.equal(asked, [0]);
});

test("a peer in the middle of a chunk has all its time again when this process stood still", () => {
  const { connection, stalled, ticks, sleep } = waitingForOffers();
  const patienceTicks = 1 + defaultDownloadSwarmOptions.stalledSlotMs / TICK_MS;
  connection.isInChunk = true;
  ticks(patienceTicks - 1);
  assert.is(stalled.length, 0);
  sleep(3_600_000);
  ticks(patienceTicks - 1);
  assert.is(stalled.length, 0);
  ticks(1);
  assert.is(stalled.length, 1);
});

test("a peer does not count as slow for the time in which this process stood still", () => {
  const { peer, ticks, sleep } = waitingForOffers();
  const { pace } = peer;
  for (let chunk = 0; chunk < 2; chunk++) pace.asked(0);
  ticks(1);
  pace.answered(TICK_MS);
  sleep(3_600_000);
  ticks(1);
  const wokenMs = 3_600_000 + 2 * TICK_MS;
  assert.is(pace.expectedMs(1, wokenMs), TICK_MS);
  pace.answered(wokenMs + TICK_MS);
  assert.is(pace.expectedMs(1, wokenMs + TICK_MS), TICK_MS);
});

test.run();

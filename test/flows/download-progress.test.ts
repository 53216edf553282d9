import { test } from "uvu";
import * as assert from "uvu/assert";
import { parseContentId } from "../../src/core/ids.js";
import type { GoshareEvent } from "../../src/events/event.js";
import { DownloadProgress } from "../../src/flows/downloading/download-progress.js";

interface Rig {
  readonly progress: DownloadProgress;
  readonly state: { bytesDone: number; bytesFound: number; peers: number };
  readonly events: readonly GoshareEvent[];
  /** What was said since the last call: bytes done, or what is waited for. */
  said(): readonly (number | string)[];
}

function rig(): Rig {
  const contentId = parseContentId("ab".repeat(32));
  if (contentId === undefined) throw new Error("32 bytes in hex are a content id");
  const state = { bytesDone: 0, bytesFound: 0, peers: 1 };
  const events: GoshareEvent[] = [];
  const progress = new DownloadProgress(
    {
      ...{ contentId, bytesTotal: 100, bytesDone: () => state.bytesDone },
      ...{ bytesFound: () => state.bytesFound, peers: () => state.peers },
    },
    (event) => events.push(event),
    0,
  );
  const word = (event: GoshareEvent) =>
    event.type === "progress" ? event.bytesDone : event.type === "waiting" ? event.waitingFor : event.type;
  return { progress, state, events, said: () => events.splice(0).map(word) };
}

test("chunks in quick succession are told together, the last of them after a moment", () => {
  const { progress, state, said } = rig();
  for (const nowMs of [10, 20, 199]) {
    state.bytesDone += 10;
    progress.tell("network", nowMs);
  }
  assert.equal(said(), []);
  progress.tell("network", 200);
  assert.equal(said(), [30]);
  progress.tell("network", 399);
  assert.equal(said(), []);
});

test("what is found on this machine is done, and counts neither in the rate nor in the time that is left", () => {
  const { progress, state, events } = rig();
  state.bytesDone = 50;
  state.bytesFound = 50;
  progress.tell("verification", 1_000);
  state.bytesDone = 60;
  progress.tell("network", 2_000);
  assert.equal(
    events.map((event) => event.type === "progress" && [event.bytesDone, event.bytesPerSecond, event.etaMs]),
    [
      [50, 0, 0],
      [60, 5, 8_000],
    ],
  );
});

test("a download that stands still is told once a second", () => {
  const { progress, state, said } = rig();
  state.bytesDone = 10;
  for (let nowMs = 200; nowMs <= 3_200; nowMs += 200) progress.tell("network", nowMs);
  assert.equal(said(), [10, 10, 10, 10]);
});

test("what holds a download up is told with each event, when it changes at once, and for how long it stands still", () => {
  const { progress, state, events } = rig();
  state.bytesDone = 10;
  for (const [slowReason, nowMs] of [
    ["network", 200],
    ["network", 400],
    ["waitingForOffer", 600],
    ["waitingForOffer", 1_600],
  ] as const)
    progress.tell(slowReason, nowMs);
  state.bytesDone = 20;
  progress.finish("waitingForOffer", 1_700);
  assert.equal(
    events.map((event) => (event.type === "progress" ? [event.slowReason, event.stalledMs] : event.type)),
    [
      ["network", 0],
      ["waitingForOffer", 400],
      ["waitingForOffer", 1_400],
      ["waitingForOffer", 0],
    ],
  );
});

test("the end is told at once, and not twice", () => {
  const { progress, state, said } = rig();
  state.bytesDone = 100;
  progress.finish("network", 5);
  assert.equal(said(), [100]);
  progress.finish("network", 6);
  assert.equal(said(), []);
});

test("when the last peer has gone, that is said once, and again after one came and went", () => {
  const { progress, state, said } = rig();
  state.peers = 0;
  progress.tell("network", 200);
  progress.tell("network", 400);
  assert.equal(said(), [0, "peers"]);
  state.peers = 1;
  progress.tell("network", 600);
  state.peers = 0;
  progress.tell("network", 800);
  assert.equal(said(), [0, 0, "peers"]);
});

test.run();

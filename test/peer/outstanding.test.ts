// Since when a peer owes a reply, by the requests that it has not answered yet. No socket, no clock.
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { Reply, Request } from "../../src/peer/messages.js";
import { Outstanding } from "../../src/peer/outstanding.js";
import { contentIdOf, RecordedChunk } from "./rig.js";

const contentId = contentIdOf("c");
const CHUNK_BYTES = 100;

/** Chunks 0 and 1 are asked for at 1,000 and 1,100 ms, with ids 1 and 3. */
function twoChunksAsked(): Outstanding {
  const outstanding = new Outstanding();
  for (const chunkIndex of [0, 1]) {
    const chunk = new RecordedChunk(contentId, chunkIndex, CHUNK_BYTES);
    outstanding.addChunk(2 * chunkIndex + 1, chunk, 1_000 + 100 * chunkIndex);
  }
  return outstanding;
}

function answer(outstanding: Outstanding, id: number, reply: Reply, payload: Uint8Array, atMs: number): void {
  const begun = { startedAtMs: atMs, bytesReadAtStart: 0 };
  outstanding.replyStarted(id, reply, payload.byteLength, begun);
  outstanding.replyEnded(id, reply, payload, atMs);
}

test("a chunk has to begin in time after the one before it on the connection", () => {
  const outstanding = twoChunksAsked();
  assert.is(outstanding.owedSinceMs, 1_000);
  answer(outstanding, 1, { type: "chunkData", chunkIndex: 0, offset: 0 }, Buffer.alloc(CHUNK_BYTES), 9_000);
  assert.is(outstanding.owedSinceMs, 9_000);
});

test("a page of a manifest takes its time on the connection too", async () => {
  const outstanding = twoChunksAsked();
  const asked = outstanding.addControl(5, { type: "getManifest", contentId, page: 0 }, [1, 100], 1_200);
  answer(outstanding, 5, { type: "manifestData", page: 0 }, Buffer.alloc(50), 9_000);
  await asked;
  assert.is(outstanding.owedSinceMs, 9_000);
});

const small: readonly (readonly [Request, Reply])[] = [
  [{ type: "ping" }, { type: "pong" }],
  [
    { type: "getPeers", contentId, max: 16 },
    { type: "peerList", peers: [] },
  ],
];
for (const [request, reply] of small) {
  test(`a peer that answers a ${request.type} has as little time for its chunks as one that does not`, async () => {
    const outstanding = twoChunksAsked();
    const asked = outstanding.addControl(5, request, [0, 0], 1_200);
    answer(outstanding, 5, reply, new Uint8Array(0), 9_000);
    await asked;
    assert.is(outstanding.owedSinceMs, 1_000);
  });
}

test("what a peer did wrong is said in a sentence", () => {
  const outstanding = twoChunksAsked();
  const reply = { type: "availability", contentId, coverage: "complete" } as const;
  const begun = { startedAtMs: 9_000, bytesReadAtStart: 0 };
  assert.throws(
    () => outstanding.replyStarted(1, reply, 0, begun),
    /^an availability answers the request for chunk 0/,
  );
  assert.throws(() => outstanding.replyStarted(7, reply, 0, begun), /^an availability with id 7/);
  assert.throws(() => outstanding.replyStarted(7, { type: "pong" }, 0, begun), /^a pong with id 7/);
});

test.run();

// The rules of the upload queue, one by one. upload-queue-model.test.ts has them all together.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { Bitfield } from "../../src/core/bitfield.js";
import { KnownCopies } from "../../src/swarm/availability/known-copies.js";
import { defaultOfferingOptions, type UploadQueueOptions } from "../../src/swarm/options.js";
import { UploadQueue } from "../../src/swarm/uploading/upload-queue.js";
import { NamedRecipient } from "./offered-recipient.js";

let A = new NamedRecipient("a");
let B = new NamedRecipient("b");
test.before.each(() => {
  A = new NamedRecipient("a");
  B = new NamedRecipient("b");
});
const random = () => 0;

function field(length: number, ...chunks: number[]): Bitfield {
  const made = new Bitfield(length);
  for (const chunk of chunks) made.add(chunk);
  return made;
}

/** A queue that holds all of so many chunks. */
function queueOf(chunkCount: number, options: Partial<UploadQueueOptions> = {}): UploadQueue<NamedRecipient> {
  return new UploadQueue({ ...defaultOfferingOptions, ...options }, Bitfield.full(chunkCount));
}

test("recipients are offered chunks in turns, the one offered longest ago first", () => {
  const queue = queueOf(100);
  queue.recipientJoined(A, "none", true);
  queue.recipientJoined(B, "none", true);
  const turns = [0, 1, 2, 3].map(() => queue.offer(0, random));
  assert.equal(
    turns.map((offer) => offer?.recipient),
    [B, A, B, A],
  );
  assert.equal(
    turns.map((offer) => offer?.offerId),
    [1, 1, 2, 2],
  );
});

test("who left and joined again has no turn before the others", () => {
  const queue = queueOf(100);
  queue.recipientJoined(A, "none", true);
  queue.recipientJoined(B, "none", true);
  assert.is(queue.offer(0, random)?.recipient, B);
  assert.is(queue.offer(0, random)?.recipient, A);
  queue.recipientLeft(B);
  queue.recipientJoined(B, "none", true);
  assert.is(queue.offer(0, random)?.recipient, A);
});

test("of those that were never offered anything any may be the first", () => {
  for (const [drawn, first] of [
    [0, B],
    [0.9, A],
  ] as const) {
    const queue = queueOf(100);
    queue.recipientJoined(A, "none", true);
    queue.recipientJoined(B, "none", true);
    assert.is(queue.offer(0, () => drawn)?.recipient, first);
  }
});

test("who does not speak offers is offered nothing, and what it asks for by itself is not committed", () => {
  const queue = queueOf(4);
  queue.recipientJoined(A, "none", false);
  assert.is(queue.offer(0, random), undefined);
  queue.requested(A, 0);
  assert.is(queue.committed, 0);
});

test("what is accepted counts as a copy there, the other chunks of the offer do not any more", () => {
  const queue = queueOf(4);
  queue.recipientJoined(A, "none", true);
  const offer = queue.offer(0, random);
  assert.equal(
    [0, 1, 2, 3].map((chunk) => queue.copiesOf(chunk)),
    [1, 1, 1, 1],
  );
  assert.ok(queue.accepted(A, offer?.offerId ?? 0, 2, 5));
  assert.equal(
    [0, 1, 2, 3].map((chunk) => queue.copiesOf(chunk)),
    [0, 0, 1, 0],
  );
  queue.sent(A, 2);
  queue.recipientGained(A, [2]);
  assert.is(queue.copiesOf(2), 1, "sent and announced is one copy");
});

test("a chunk that was not sent after all may be offered again", () => {
  const queue = queueOf(1);
  queue.recipientJoined(A, "none", true);
  queue.requested(A, 0);
  assert.is(queue.copiesOf(0), 1);
  assert.is(queue.offer(0, random), undefined);
  queue.notSent(A, 0);
  assert.is(queue.copiesOf(0), 0);
  assert.equal(queue.offer(0, random)?.chunkIndexes, [0]);
});

test("what one recipient was sent is offered to another after what nobody has", () => {
  const queue = queueOf(3, { maxOfferChunks: 2 });
  queue.recipientJoined(A, "none", false);
  queue.recipientJoined(B, "none", true);
  queue.requested(A, 1);
  queue.sent(A, 1);
  assert.equal([...(queue.offer(0, random)?.chunkIndexes ?? [])].sort(), [0, 2]);
});

test("whoever lets an offer lapse is offered nothing until it answers, however late", () => {
  const queue = queueOf(8);
  queue.recipientJoined(A, "none", true);
  const offer = queue.offer(0, random);
  const deadlineMs = offer?.deadlineMs ?? 0;
  assert.is(queue.nextLapseMs(), deadlineMs);
  queue.lapse(deadlineMs);
  assert.is(queue.committed, 0);
  assert.is(queue.nextLapseMs(), undefined);
  assert.is(queue.offer(deadlineMs + 60_000, random), undefined);
  assert.not(queue.accepted(A, 1, offer?.chunkIndexes[0] ?? 0, 70_000), "an ordinary request");
  assert.is(queue.committed, 1);
  assert.is(queue.offer(70_000, random)?.offerId, 2);
});

test("a chunk that is not in the offer is an ordinary request", () => {
  const queue = queueOf(8);
  queue.recipientJoined(A, "none", true);
  const offered = queue.offer(0, random)?.chunkIndexes ?? [];
  const other = [0, 1, 2, 3, 4, 5, 6, 7].find((chunk) => !offered.includes(chunk)) ?? 0;
  assert.not(queue.accepted(A, 1, other, 0));
  assert.is(queue.copiesOf(other), 1);
});

test("chunks that are not needed are offered again after a while, or after news from there", () => {
  const queue = queueOf(2);
  queue.recipientJoined(A, "none", true);
  queue.offer(0, random);
  queue.declined(A, 1, "notNeeded", 0, 10);
  assert.is(queue.copiesOf(0), 0);
  assert.is(queue.offer(10, random), undefined);
  queue.recipientGained(A, [1]);
  assert.equal(queue.offer(10, random)?.chunkIndexes, [0]);
  queue.declined(A, 2, "notNeeded", 0, 20);
  const { notNeededMs } = defaultOfferingOptions;
  assert.is(queue.offer(19 + notNeededMs, random), undefined);
  assert.equal(queue.offer(20 + notNeededMs, random)?.chunkIndexes, [0]);
});

test("who wants nothing is offered nothing until it leaves", () => {
  const queue = queueOf(2);
  queue.recipientJoined(A, "none", true);
  queue.offer(0, random);
  queue.declined(A, 1, "notWanted", 0, 0);
  queue.recipientGained(A, [0]);
  assert.is(queue.offer(1_000_000, random), undefined);
  queue.recipientLeft(A);
  queue.recipientJoined(A, "none", true);
  assert.is(queue.offer(1_000_000, random)?.offerId, 2, "no id is used twice");
});

test("who has no room is left alone for as long as it says, within bounds, and its chunks are free", () => {
  const queue = queueOf(2);
  const { noRoomPauseMs, maxNoRoomPauseMs } = defaultOfferingOptions;
  queue.recipientJoined(A, "none", true);
  for (const [saidMs, pauseMs] of [
    [0, noRoomPauseMs],
    [3_000, 3_000],
    [2 ** 32 - 1, maxNoRoomPauseMs],
  ] as const) {
    const nowMs = 100_000 + (queue.nextLapseMs() ?? 0);
    const offerId = queue.offer(nowMs, random)?.offerId ?? 0;
    queue.declined(A, offerId, "noRoom", saidMs, nowMs);
    assert.is(queue.copiesOf(0), 0);
    assert.is(queue.offer(nowMs + pauseMs - 1, random), undefined);
    assert.is(queue.nextLapseMs(), nowMs + pauseMs);
    const next = queue.offer(nowMs + pauseMs, random);
    queue.accepted(A, next?.offerId ?? 0, 0, nowMs + pauseMs);
    queue.notSent(A, 0);
  }
});

test("the time for an answer grows with how long answers take, within bounds", () => {
  const queue = queueOf(8);
  queue.recipientJoined(A, "none", true);
  assert.is(queue.answerMs(A), defaultOfferingOptions.firstAnswerMs);
  assert.is(queue.offer(0, random)?.deadlineMs, defaultOfferingOptions.minOfferDeadlineMs);
  queue.declined(A, 1, "notNeeded", 0, 800);
  assert.is(queue.answerMs(A), 800);
  assert.is(queue.offer(800, random)?.deadlineMs, 3_200);
  queue.declined(A, 2, "notNeeded", 0, 60_000);
  assert.is(queue.offer(60_000, random)?.deadlineMs, defaultOfferingOptions.maxOfferDeadlineMs);
});

test("what is held later is offered then", () => {
  const queue = new UploadQueue<NamedRecipient>(defaultOfferingOptions, field(3));
  queue.recipientJoined(A, field(3, 0), true);
  queue.gained(0);
  assert.is(queue.offer(0, random), undefined);
  queue.gained(2);
  assert.equal(queue.offer(0, random)?.chunkIndexes, [2]);
});

test("buckets take no memory for numbers of copies that no chunk has", () => {
  const copies = new KnownCopies(Bitfield.full(4));
  for (let neighbour = 0; neighbour < 50; neighbour++) for (const chunk of [0, 1, 2, 3]) copies.add(chunk);
  assert.ok(copies.bucketCount <= 2, `${copies.bucketCount} buckets`);
  for (let neighbour = 0; neighbour < 50; neighbour++) for (const chunk of [0, 1, 2, 3]) copies.remove(chunk);
  assert.equal(
    [0, 1, 2, 3].map((chunk) => copies.of(chunk)),
    [0, 0, 0, 0],
  );
});

test.run();

// The upload queue against its oracle: whatever neighbours do, both offer to the same and count the same.
import * as fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { Random } from "../../bench/random.js";
import { Bitfield } from "../../src/core/bitfield.js";
import type { DeclineReason } from "../../src/peer/messages.js";
import type { PeerCoverage } from "../../src/swarm/availability/coverage.js";
import { defaultOfferingOptions } from "../../src/swarm/options.js";
import { type ChunkOffer, UploadQueue } from "../../src/swarm/uploading/upload-queue.js";
import { NamedRecipient } from "./offered-recipient.js";
import { OracleQueue, type OracleRecipient } from "./upload-queue-oracle.js";

type Queue = UploadQueue<NamedRecipient>;
type Command = fc.Command<OracleQueue, Queue>;

const OPTIONS = { ...defaultOfferingOptions, maxCommittedPerRecipient: 3 };
const KEYS = Array.from({ length: 5 }, (_, index) => new NamedRecipient(`recipient ${index}`));
/** Beyond those of all offers. */
const UNKNOWN_OFFER_ID = 2 ** 31;

/** Repeatable, so that what fails can be shrunk. */
const random = new Random(1).next;

/** A command out of a name and what it does; checks afterwards that both count the same. */
function command(
  name: string,
  check: (oracle: Readonly<OracleQueue>) => boolean,
  run: (oracle: OracleQueue, queue: Queue) => void,
): Command {
  return {
    check,
    run: (oracle, queue) => {
      run(oracle, queue);
      assertAgree(oracle, queue);
    },
    toString: () => name,
  };
}

const always = () => true;

function assertAgree(oracle: OracleQueue, queue: Queue): void {
  for (let chunk = 0; chunk < oracle.chunkCount; chunk++)
    assert.is(queue.copiesOf(chunk), oracle.copiesOf(chunk), `copies of chunk ${chunk}`);
  assert.is(queue.committed, oracle.committed, "committed");
  for (const key of KEYS) {
    const answerMs = oracle.find(key)?.answerMs ?? OPTIONS.firstAnswerMs;
    assert.ok(Math.abs(queue.answerMs(key) - answerMs) < 1e-6, "answers");
  }
  assert.ok((queue.nextLapseMs() ?? Number.POSITIVE_INFINITY) <= oracle.nextLapseMs, "woken in time");
}

function coverageOf(chunks: readonly number[], chunkCount: number): PeerCoverage {
  if (chunks.length === 0) return "none";
  if (chunks.length === chunkCount) return "complete";
  const field = new Bitfield(chunkCount);
  for (const chunk of chunks) field.add(chunk);
  return field;
}

const below = (oracle: OracleQueue, chunks: readonly number[]) =>
  chunks.filter((chunk) => chunk < oracle.chunkCount);

const gains = (chunk: number) =>
  command(
    `chunk ${chunk} is held`,
    (oracle) => chunk < oracle.chunkCount,
    (oracle, queue) => {
      oracle.held.add(chunk);
      queue.gained(chunk);
    },
  );

const joins = (key: NamedRecipient, chunks: readonly number[], speaksOffers: boolean) =>
  command(`${key.name} joins with ${chunks}`, always, (oracle, queue) => {
    const had = below(oracle, chunks);
    oracle.join(key, had, speaksOffers);
    queue.recipientJoined(key, coverageOf(had, oracle.chunkCount), speaksOffers);
  });

const leaves = (key: NamedRecipient) =>
  command(`${key.name} leaves`, always, (oracle, queue) => {
    oracle.leave(key);
    queue.recipientLeft(key);
  });

const updates = (key: NamedRecipient, chunks: readonly number[], isGained: boolean) =>
  command(`${key.name} ${isGained ? "gains" : "loses"} ${chunks}`, always, (oracle, queue) => {
    const changed = below(oracle, chunks);
    oracle.update(key, isGained ? changed : [], isGained ? [] : changed);
    if (isGained) queue.recipientGained(key, changed);
    else queue.recipientLost(key, changed);
  });

const passes = (ms: number) =>
  command(`${ms} ms pass`, always, (oracle, queue) => {
    oracle.nowMs += ms;
    oracle.lapse();
    queue.lapse(oracle.nowMs);
  });

const offers = () =>
  command("an offer", always, (oracle, queue) => {
    oracle.lapse();
    const { candidates } = oracle;
    const offer = queue.offer(oracle.nowMs, random);
    const one = candidates.find(({ key }) => key === offer?.recipient);
    assert.is(offer === undefined, candidates.length === 0);
    if (offer === undefined) return;
    if (one === undefined) throw new Error("not the one offered longest ago");
    assertOffer(oracle, one, offer);
  });

const offersTo = (key: NamedRecipient) =>
  command(`an offer to ${key.name}`, always, (oracle, queue) => {
    oracle.lapse();
    const one = oracle.find(key);
    const offer = queue.offerTo(key, oracle.nowMs, random);
    assert.is(offer === undefined, one === undefined || !oracle.mayBeOffered(one));
    if (offer !== undefined && one !== undefined) assertOffer(oracle, one, offer);
  });

function assertOffer(oracle: OracleQueue, one: OracleRecipient, offer: ChunkOffer<NamedRecipient>): void {
  const { offerId, chunkIndexes, deadlineMs } = offer;
  assert.is(offerId, offer.recipient.lastOfferId);
  assert.is(new Set(chunkIndexes).size, chunkIndexes.length, "no chunk twice");
  const lacking = oracle.lacks(one);
  for (const chunk of chunkIndexes) assert.ok(lacking.includes(chunk), `chunk ${chunk} is lacking there`);
  assert.equal(
    chunkIndexes.map((chunk) => oracle.copiesOf(chunk)),
    oracle.copiesFor(one),
    "those with the fewest copies, the rarest first",
  );
  const { minOfferDeadlineMs, maxOfferDeadlineMs } = OPTIONS;
  assert.ok(deadlineMs >= minOfferDeadlineMs && deadlineMs <= maxOfferDeadlineMs);
  oracle.offered(one, offerId, chunkIndexes, deadlineMs);
}

/** Of an offer that waits for an answer if there is one, else of one that is not known. */
function offerOf(
  oracle: OracleQueue,
  key: NamedRecipient,
  which: number,
): { offerId: number; chunks: readonly number[] } {
  const known = oracle.find(key)?.offers ?? [];
  return known[which % (known.length + 1)] ?? { offerId: UNKNOWN_OFFER_ID + which, chunks: [] };
}

const accepts = (key: NamedRecipient, which: number, chunk: number) =>
  command(
    `${key.name} accepts ${chunk} of offer ${which}`,
    (oracle) => chunk < oracle.chunkCount,
    (oracle, queue) => {
      const { offerId, chunks } = offerOf(oracle, key, which);
      const named = chunks[chunk] ?? chunk;
      oracle.lapse();
      const isOffered = oracle.accept(key, offerId, named);
      assert.is(queue.accepted(key, offerId, named, oracle.nowMs), isOffered);
    },
  );

const declines = (key: NamedRecipient, which: number, reason: DeclineReason, retryAfterMs: number) =>
  command(`${key.name} declines offer ${which}: ${reason}`, always, (oracle, queue) => {
    const { offerId } = offerOf(oracle, key, which);
    oracle.lapse();
    const isAnswer = oracle.decline(key, offerId, reason, retryAfterMs);
    assert.is(queue.declined(key, offerId, reason, retryAfterMs, oracle.nowMs), isAnswer);
  });

const requests = (key: NamedRecipient, chunk: number) =>
  command(
    `${key.name} asks for ${chunk}`,
    (oracle) => chunk < oracle.chunkCount,
    (oracle, queue) => {
      oracle.ask(key, chunk);
      queue.requested(key, chunk);
    },
  );

const ends = (which: number, isSent: boolean) =>
  command(
    `request ${which} is ${isSent ? "" : "not "}sent`,
    ({ running }) => running.length > 0,
    (oracle, queue) => {
      const ended = oracle.end(which, isSent);
      const key = KEYS.find((one) => one === ended.key);
      assert.ok(key);
      if (isSent) queue.sent(key, ended.chunk);
      else queue.notSent(key, ended.chunk);
    },
  );

const reasons: readonly DeclineReason[] = ["notNeeded", "notNeeded", "notWanted", "noRoom", "unspecified"];

/** Few chunks, that everything happens to; or more than are looked at one by one, of which few things are said. */
function commandsFor(maxChunks: number, maxCommands: number): fc.Arbitrary<Iterable<Command>> {
  const key = fc.constantFrom(...KEYS);
  const chunk = fc.nat(maxChunks - 1);
  const chunks = fc.uniqueArray(chunk, { maxLength: 12 });
  const every = fc.constant(Array.from({ length: maxChunks }, (_, index) => index));
  const offer = fc.constant(offers());
  const accept = fc
    .tuple(key, fc.nat(4), fc.oneof(fc.nat(3), chunk))
    .map(([who, which, one]) => accepts(who, which, one));
  const end = fc.tuple(fc.nat(50), fc.boolean()).map(([which, isSent]) => ends(which, isSent));
  return fc.commands(
    [
      chunk.map(gains),
      fc
        .tuple(key, fc.oneof(chunks, chunks, every), fc.boolean(), fc.boolean())
        .map(([who, which, speaks, also]) => joins(who, which, speaks || also)),
      key.map(leaves),
      fc.tuple(key, chunks, fc.boolean()).map(([who, which, isGained]) => updates(who, which, isGained)),
      fc.oneof(fc.nat(300), fc.nat(12_000)).map(passes),
      ...[offer, offer, offer, key.map(offersTo), accept, accept, end, end],
      fc
        .tuple(key, fc.nat(4), fc.constantFrom(...reasons), fc.oneof(fc.constant(0), fc.nat(60_000)))
        .map(([who, which, reason, retryAfterMs]) => declines(who, which, reason, retryAfterMs)),
      fc.tuple(key, chunk).map(([who, one]) => requests(who, one)),
    ],
    { maxCommands, size: "max" },
  );
}

function begin(chunkCount: number, heldChunks: readonly number[]): { oracle: OracleQueue; queue: Queue } {
  const oracle = new OracleQueue(OPTIONS, chunkCount);
  const held = new Bitfield(chunkCount);
  for (const chunk of heldChunks) {
    oracle.held.add(chunk);
    held.add(chunk);
  }
  return { oracle, queue: new UploadQueue<NamedRecipient>(OPTIONS, held) };
}

function assertNothingLeft(oracle: OracleQueue, queue: Queue): void {
  for (const key of KEYS) leaves(key).run(oracle, queue);
  for (let chunk = 0; chunk < oracle.chunkCount; chunk++) assert.is(queue.copiesOf(chunk), 0);
  assert.is(queue.committed, 0);
  queue.lapse(oracle.nowMs + 1_000_000);
  assert.is(queue.nextLapseMs(), undefined);
}

function assertModel(maxChunks: number, minHeld: number, maxCommands: number, numRuns: number): void {
  const beginning = fc
    .integer({ min: Math.max(1, minHeld), max: maxChunks })
    .chain((count) =>
      fc.tuple(
        fc.constant(count),
        fc.uniqueArray(fc.nat(count - 1), { minLength: Math.min(minHeld, count), maxLength: count }),
      ),
    );
  fc.assert(
    fc.property(beginning, commandsFor(maxChunks, maxCommands), ([count, heldChunks], steps) => {
      const pair = begin(count, heldChunks);
      fc.modelRun(() => ({ model: pair.oracle, real: pair.queue }), steps);
      assertNothingLeft(pair.oracle, pair.queue);
    }),
    { numRuns },
  );
}

test("whatever neighbours do, the one offered longest ago is offered the rarest of what it lacks", () => {
  assertModel(12, 0, 150, 300);
});

test("with many chunks too, where not each is looked at", () => {
  assertModel(400, 250, 60, 40);
});

test.run();

// A chunk goes in slices: together exactly the chunk, and what may come between two of them.
import * as fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { GoodbyeReason, RefusalReason } from "../../gen/goshare/v1/peer_pb.js";
import { GoshareError } from "../../src/core/errors.js";
import { KIB, MIB } from "../../src/core/units.js";
import type { ServerOptions } from "../../src/swarm/options.js";
import type { ScriptedPeer } from "../support/scripted-peer.js";
import { smallShare } from "../support/small-share.js";
import { MemoryShare, ServerRig, stopServers } from "./server-rig.js";

function ask(peer: ScriptedPeer, contentId: Uint8Array, chunks: readonly number[], firstId = 1): void {
  for (const [index, chunkIndex] of chunks.entries())
    peer.send({ case: "getChunk", value: { contentId, chunkIndex } }, { id: firstId + 2 * index });
}

/** Takes the frames of the reply `id` and nothing else: they must ascend without gaps up to `chunk`. */
async function receiveChunk(
  peer: ScriptedPeer,
  id: number,
  chunkIndex: number,
  chunk: Buffer,
): Promise<number> {
  const payloads: Buffer[] = [];
  for (let bytes = 0; bytes < chunk.byteLength; ) {
    const frame = await peer.expect("chunkData");
    assert.equal([frame.id, frame.value.chunkIndex, frame.value.offset], [id, chunkIndex, bytes]);
    assert.ok(frame.payload.byteLength > 0);
    payloads.push(frame.payload);
    bytes += frame.payload.byteLength;
  }
  assert.is(Buffer.compare(Buffer.concat(payloads), chunk), 0);
  return payloads.length;
}

/** A server of four chunks of 1 MiB, a peer of it, and a gate in front of every slice but the first of chunk 0. */
async function heldAfterFirstSlice(options: Partial<ServerOptions> = {}, closeTimeoutMs = 5000) {
  const share = new MemoryShare(smallShare(4, MIB));
  let open: () => void = () => undefined;
  const gate = new Promise<void>((resolve) => {
    open = resolve;
  });
  share.beforeRead = (chunkIndex, offset) => (chunkIndex === 0 && offset > 0 ? gate : undefined);
  const rig = await ServerRig.start(options, { closeTimeoutMs });
  rig.server.add(share);
  const peer = await rig.peer();
  return { share, rig, peer, open };
}

test("the frames of a reply are ascending, without gaps, exactly the chunk, and chunks follow each other", async () => {
  const exponent = (min: number, max: number) => fc.integer({ min, max }).map((power) => 2 ** power);
  const cases = fc.record({
    chunkSize: exponent(16, 22),
    minSliceBytes: exponent(12, 18),
    times: exponent(0, 8),
    rateWindowBytes: fc.integer({ min: 1, max: 4 * MIB }),
    sliceDurationMs: fc.constantFrom(0.01, 0.1, 1, 50),
    maxSlicesInFlight: fc.integer({ min: 1, max: 4 }),
    lastBytes: fc.integer({ min: 1, max: 64 * KIB }),
    isAsync: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(cases, async ({ chunkSize, times, lastBytes, isAsync, ...options }) => {
      const share = new MemoryShare(smallShare(4, chunkSize, lastBytes));
      if (isAsync) share.beforeRead = () => Promise.resolve();
      const rig = await ServerRig.start({ ...options, maxSliceBytes: options.minSliceBytes * times });
      rig.server.add(share);
      const peer = await rig.peer();
      const asked = [2, 0, 3, 1, 0];
      ask(peer, share.contentId, asked);
      for (const [index, chunkIndex] of asked.entries())
        await receiveChunk(peer, 2 * index + 1, chunkIndex, share.chunk(chunkIndex));
      await peer.roundTrip(99);
      assert.is(peer.heard.length, peer.heardOf("chunkData").length + 2, "a Hello, a Pong, and nothing else");
      rig.stop();
    }),
    { numRuns: 25 },
  );
});

test("one slice is read while the one before it waits for the kernel, and no more than that", async () => {
  const share = new MemoryShare(smallShare(64, MIB));
  const rig = await ServerRig.start({ rateWindowBytes: 1, maxSliceBytes: 64 * KIB });
  rig.server.add(share);
  const peer = await rig.peer();
  peer.stopReading();
  let isReading = false;
  share.beforeRead = () => {
    assert.is(isReading, false, "one at a time");
    isReading = true;
    return new Promise((resolve) =>
      setImmediate(() => {
        isReading = false;
        resolve();
      }),
    );
  };
  ask(
    peer,
    share.contentId,
    Array.from({ length: 64 }, (_, chunkIndex) => chunkIndex),
  );
  for (let turns = 0, before = -1; turns < 200; turns++) {
    if (share.reads.length !== before) turns = 0;
    before = share.reads.length;
    await new Promise(setImmediate);
  }
  assert.is(share.reads.length * 64 * KIB - rig.server.bytesSent, 2 * 64 * KIB);
  rig.stop();
});

test("small frames go between the slices of a chunk", async () => {
  const { share, rig, peer, open } = await heldAfterFirstSlice();
  ask(peer, share.contentId, [0]);
  assert.is((await peer.expect("chunkData")).value.offset, 0);
  peer.send({ case: "ping", value: {} }, { id: 99 });
  assert.is((await peer.expect("pong")).id, 99);
  open();
  await peer.expect("chunkData");
  rig.stop();
});

test("a Cancel in the middle of a chunk is answered at once, and the next chunk follows", async () => {
  const { share, rig, peer, open } = await heldAfterFirstSlice();
  ask(peer, share.contentId, [0, 1]);
  await peer.expect("chunkData");
  peer.send({ case: "cancel", value: {} }, { id: 1 });
  const refusal = await peer.expect("refusal");
  assert.equal([refusal.id, refusal.value.reason], [1, RefusalReason.CANCELLED]);
  open();
  await receiveChunk(peer, 3, 1, share.chunk(1));
  await peer.roundTrip(99);
  assert.is(share.reads.filter((chunkIndex) => chunkIndex === 0).length, 2);
  peer.send({ case: "cancel", value: {} }, { id: 1 });
  await peer.roundTrip(101);
  assert.is(peer.heardOf("refusal").length, 1, "each request is answered once");
  rig.stop();
});

test("a source that changes in the middle of a chunk ends it with the reason, at once or later", async () => {
  const changed = new GoshareError("SOURCE_CHANGED", "it is not what it was");
  const failing = [
    () => {
      throw changed;
    },
    () => Promise.reject(changed),
  ];
  for (const fail of failing) {
    const share = new MemoryShare(smallShare(2, MIB));
    share.beforeRead = (chunkIndex, offset) => (chunkIndex === 0 && offset >= 512 * KIB ? fail() : undefined);
    const rig = await ServerRig.start();
    rig.server.add(share);
    const peer = await rig.peer();
    ask(peer, share.contentId, [0, 1]);
    const got = Buffer.concat([
      (await peer.expect("chunkData")).payload,
      (await peer.expect("chunkData")).payload,
    ]);
    assert.equal(got, share.chunk(0).subarray(0, 512 * KIB));
    const refusal = await peer.expect("refusal");
    assert.equal([refusal.id, refusal.value.reason], [1, RefusalReason.SOURCE_CHANGED]);
    await receiveChunk(peer, 3, 1, share.chunk(1));
    assert.equal(share.failures, [changed]);
    rig.stop();
  }
});

test("a server that closes in the middle of a chunk sends it to its end", async () => {
  const { share, rig, peer, open } = await heldAfterFirstSlice();
  ask(peer, share.contentId, [0, 1]);
  await peer.hears("chunkData");
  rig.server.close();
  await peer.hears("goodbye");
  open();
  assert.is(await peer.ended(), "fin");
  const frames = peer.heardOf("chunkData");
  assert.is(Buffer.compare(Buffer.concat(frames.map(({ payload }) => payload)), share.chunk(0)), 0);
  assert.is(peer.heardOf("refusal")[0]?.value.reason, RefusalReason.SHUTTING_DOWN);
  assert.is(peer.heardOf("goodbye")[0]?.value.reason, GoodbyeReason.SHUTTING_DOWN);
});

test("what a peer that goes in the middle of a chunk had taken comes back", async () => {
  const { share, rig, peer, open } = await heldAfterFirstSlice({ uploadBufferBytes: 64 * KIB });
  ask(peer, share.contentId, [0]);
  await peer.expect("chunkData");
  peer.reset();
  while (rig.server.connectionCount > 0) await new Promise(setImmediate);
  open();
  const next = await rig.peer();
  ask(next, share.contentId, [1]);
  await receiveChunk(next, 1, 1, share.chunk(1));
  assert.is(share.reads.filter((chunkIndex) => chunkIndex === 0).length, 2, "and no more of it is read");
  rig.stop();
});

test.after(stopServers);
test.run();

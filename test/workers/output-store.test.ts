// Chunks that come in any order, some twice and some wrong, into a stream that takes them in its own time.
import { Writable } from "node:stream";
import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { GoshareError } from "../../src/core/errors.js";
import { Selection } from "../../src/manifest/selection.js";
import { OutputClosed, OutputStore } from "../../src/workers/output-store.js";
import { SlotPool, slotMemory } from "../../src/workers/slots.js";
import { WorkerPool } from "../../src/workers/worker-pool.js";
import { file } from "../manifest/craft.js";
import { CHUNK, contentOf, type SampleShare, sampleShare } from "../storage/sample-share.js";
import { until } from "../support/until.js";

const memory = slotMemory();
const pool = new WorkerPool(memory, 1);
test.after(() => pool.close());

const SIZE = 12 * CHUNK + 5;
const share = sampleShare({ files: [file("a", 10), file("b", SIZE), file("c", 20), file("d", CHUNK)] });
const only = (name: string) => new Selection(share.manifest, (path) => path === name);

/** Takes nothing before it is let. */
class GatedOutput extends Writable {
  readonly taken: Buffer[] = [];
  #isOpen: boolean;
  #waiting: (() => void) | undefined;

  constructor(isOpen: boolean) {
    super({ highWaterMark: 1 });
    this.#isOpen = isOpen;
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error) => void): void {
    const take = () => {
      // What is not copied now may be overwritten when it is let go.
      this.taken.push(Buffer.from(chunk));
      done();
    };
    if (this.#isOpen) take();
    else this.#waiting = take;
  }

  open(): void {
    this.#isOpen = true;
    this.#waiting?.();
  }
}

function rig(selection: Selection, output: Writable) {
  const slots = new SlotPool(memory, CHUNK, () => undefined);
  const store = new OutputStore(selection, output, pool, slots);
  const put = async (chunkIndex: number, from: SampleShare = share, isRight = true) => {
    const slot = slots.acquire();
    if (slot === undefined) throw new Error("there is no slot");
    slot.bytes.set(from.chunk(chunkIndex));
    if (!isRight) slot.bytes[0] = (slot.bytes[0] ?? 0) ^ 1;
    return store.put(chunkIndex, slot);
  };
  return { slots, store, put };
}

test("whatever the order, and whatever comes twice or is wrong, what goes out is the file", async () => {
  const selection = only("b");
  const chunks = [...selection.chunks];
  await fc.assert(
    fc.asyncProperty(
      fc.shuffledSubarray(chunks, { minLength: chunks.length, maxLength: chunks.length }),
      fc.array(fc.tuple(fc.constantFrom(...chunks), fc.boolean()), { maxLength: 10 }),
      async (order, extra) => {
        const output = new GatedOutput(true);
        const { store, put, slots } = rig(selection, output);
        const seen = new Set<number>();
        const arrivals = [...extra, ...order.map((chunkIndex) => [chunkIndex, true] as const)];
        for (const [chunkIndex, isRight] of arrivals) {
          assert.is(await put(chunkIndex, share, isRight), isRight);
          if (!isRight || seen.has(chunkIndex)) continue;
          seen.add(chunkIndex);
          store.record();
        }
        await store.finish();
        assert.ok(Buffer.concat(output.taken).equals(contentOf("b", SIZE)));
        assert.is(slots.freeCount, slots.size, "every slot is free again");
      },
    ),
    { numRuns: 30 },
  );
});

test("of a pack only the bytes of the one file go out", async () => {
  for (const [name, size] of [
    ["a", 10],
    ["c", 20],
  ] as const) {
    const output = new GatedOutput(true);
    const { store, put } = rig(only(name), output);
    const [chunkIndex = -1] = only(name).chunks;
    await put(chunkIndex);
    store.record();
    await store.finish();
    assert.ok(Buffer.concat(output.taken).equals(contentOf(name, size)));
  }
});

test("no more may be asked for than there is memory for, however slowly the stream takes it", async () => {
  const selection = only("b");
  const [first = 0] = selection.chunks;
  const output = new GatedOutput(false);
  const { store, put, slots } = rig(selection, output);
  const half = slots.size / 2;
  assert.is(store.askBelow, first + half);
  let told = 0;
  store.onProgress = () => told++;
  // The second is early, and changes nothing.
  await put(first + 1);
  store.record();
  assert.equal([store.askBelow, store.isHeldUp, store.waiting], [first + half, false, 1]);
  await put(first);
  store.record();
  assert.equal([store.askBelow, store.isHeldUp, store.waiting], [first + half, true, 2]);
  assert.is(told, 0);
  output.open();
  await until(() => told === 2);
  assert.equal([store.askBelow, store.isHeldUp, store.waiting], [first + 2 + half, false, 0]);
});

test("a stream that fails ends it, as closed or with what the disk said", async () => {
  for (const [code, isClosed] of [
    ["EPIPE", true],
    ["ENOSPC", false],
  ] as const) {
    const output = new Writable({
      write: (_chunk, _encoding, done) => done(Object.assign(new Error(`${code}: made up`), { code })),
    });
    const { store, put } = rig(only("d"), output);
    const failures: unknown[] = [];
    store.onFailure = (error) => failures.push(error);
    const [chunkIndex = -1] = only("d").chunks;
    await put(chunkIndex);
    store.record();
    await until(() => failures.length > 0);
    const [failed] = failures;
    if (isClosed) assert.instance(failed, OutputClosed);
    else assert.is(GoshareError.from(failed).code, "DISK_FULL");
    await store.finish().then(
      () => assert.unreachable(),
      (thrown: unknown) => assert.is(thrown, failed),
    );
    assert.is(failures.length, 1);
  }
});

test("an empty file is done at once", async () => {
  const empty = sampleShare({ files: [file("a", 0), file("b", 10)] });
  const output = new GatedOutput(true);
  const { store } = rig(new Selection(empty.manifest, (path) => path === "a"), output);
  await store.finish();
  assert.equal(output.taken, []);
});

test.run();

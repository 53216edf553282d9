import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { type UntakenResponse, UntakenResponses } from "../../src/rpc/untaken-responses.js";

const KIB = 1024;
const LIMITS = { maxUntakenBytes: 400 * KIB, untakenTimeoutMs: 1_000 };
const HOST = "192.0.2.1";

function rig() {
  const untaken = new UntakenResponses(LIMITS);
  const hungUp: string[] = [];
  const send = (kib: number, host = HOST, nowMs = 0): UntakenResponse | undefined =>
    untaken.letGo({ hangUp: () => hungUp.push(host) }, kib * KIB, host, nowMs);
  return { untaken, hungUp, send };
}

test("an address has a quarter of the room, and loopback all of it", () => {
  const { send } = rig();
  assert.equal([send(60), send(60), send(40)].map(Boolean), [true, false, true]);
  assert.ok(send(60, "192.0.2.2"));
  assert.ok(send(200, "127.0.0.1"));
  assert.not(send(60, "192.0.2.3"), "there are 360 of 400");
});

test("what has been taken makes room", () => {
  const { untaken, send } = rig();
  const response = send(90);
  assert.ok(response);
  assert.not(send(90));
  untaken.over(response);
  untaken.over(response);
  assert.ok(send(90));
});

test("small ones always go", () => {
  const { send } = rig();
  for (let n = 0; n < 100; n++) assert.ok(send(16));
  assert.not(send(17));
});

test("who lets one wait for long is hung up when there is no room, and not before", () => {
  const { hungUp, send } = rig();
  send(90, HOST, 0);
  send(90, "192.0.2.2", 900);
  assert.ok(send(90, "192.0.2.3", 5_000));
  assert.equal(hungUp, []);
  assert.ok(send(90, "192.0.2.4", 5_000));
  assert.ok(send(90, "192.0.2.5", 1_500 + 400));
  assert.equal(hungUp, [HOST, "192.0.2.2"]);
});

test("whatever is sent and taken, large responses never wait beyond the limit", () => {
  const step = fc.record({
    host: fc.integer({ min: 1, max: 6 }),
    kib: fc.integer({ min: 17, max: 120 }),
    isTaken: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
      const { untaken, send } = rig();
      const waiting: { response: UntakenResponse; kib: number; host: number }[] = [];
      const sum = (of: typeof waiting): number => of.reduce((all, { kib }) => all + kib, 0);
      for (const { host, kib, isTaken } of steps) {
        const ofHost = waiting.filter((one) => one.host === host);
        const isExpected = sum(waiting) + kib <= 400 && sum(ofHost) + kib <= 100;
        const response = send(kib, `192.0.2.${host}`);
        assert.is(response !== undefined, isExpected);
        if (response !== undefined) waiting.push({ response, kib, host });
        const first = isTaken ? waiting.shift() : undefined;
        if (first !== undefined) untaken.over(first.response);
      }
    }),
  );
});

test.run();

import { test } from "uvu";
import * as assert from "uvu/assert";
import { AddressQuota } from "../../../src/tracker/server/address-quota.js";
import { CallControl } from "../../../src/tracker/server/call-control.js";
import { LoadMeter } from "../../../src/tracker/server/load-meter.js";
import { noLog } from "../../../src/tracker/server/log.js";
import { OpenCalls } from "../../../src/tracker/server/open-calls.js";
import { FakeClock } from "./stores/store-rig.js";

const HOST = "192.0.2.1";

test("callers that are refused because too many calls are under way come back at times of their own", () => {
  const clock = new FakeClock();
  const quota = new AddressQuota({ perAddressLimit: 100, maxLeasesPerAddress: 1_000 }, clock);
  const load = new LoadMeter({ callsPerSecond: 1_000, maxLagMs: 50 }, clock);
  const open = { unary: new OpenCalls(2, 2), stream: new OpenCalls(2, 2) };
  const randoms = [0, 0.25, 0.999];
  const random = () => randoms.shift() ?? 0;
  const control = new CallControl(quota, load, open, noLog, undefined, clock, random);
  const refusals = Array.from({ length: 5 }, () => control.refusal(HOST, "unary"));
  assert.equal(
    refusals.map((refusal) => refusal?.retryAfterMs),
    [undefined, undefined, 500, 625, 999.5],
  );
});

test.run();

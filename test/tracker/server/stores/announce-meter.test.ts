import { test } from "uvu";
import * as assert from "uvu/assert";
import { AnnounceMeter } from "../../../../src/tracker/server/stores/announce-meter.js";
import { FakeClock } from "./store-rig.js";

const RENEW_MS = 30_000;
const TTL_MS = RENEW_MS * 2.5;

/** Lets time pass in which `peers` with three leases each renew every 30 s. */
function renew(meter: AnnounceMeter, clock: FakeClock, peers: number, ms: number): void {
  for (let passed = 0; passed < ms; passed += RENEW_MS / peers) {
    meter.count(3, TTL_MS);
    clock.advance(RENEW_MS / peers);
  }
}

test("peers and leases are told from how often they are renewed", () => {
  const clock = new FakeClock();
  const meter = new AnnounceMeter(clock);
  renew(meter, clock, 100, 150_000);
  const { peers, leases } = meter.estimate();
  assert.ok(Math.abs(peers - 100) <= 2, `${peers} peers`);
  assert.ok(Math.abs(leases - 300) <= 6, `${leases} leases`);
});

test("who no longer renews is forgotten within two minutes", () => {
  const clock = new FakeClock();
  const meter = new AnnounceMeter(clock);
  renew(meter, clock, 100, 60_000);
  clock.advance(120_000);
  assert.equal(meter.estimate(), { peers: 0, leases: 0 });
});

test("an announcement of nothing is no peer", () => {
  const meter = new AnnounceMeter(new FakeClock());
  meter.count(0, TTL_MS);
  assert.equal(meter.estimate(), { peers: 0, leases: 0 });
});

test.run();

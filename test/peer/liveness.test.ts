// Who stands still is hung up: proto/goshare/v1/peer.proto, "Liveness". Time is a number here; the last tests see
// a connection act on it, with a clock that is moved by hand.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { GoodbyeReason } from "../../gen/goshare/v1/peer_pb.js";
import { idToBytes } from "../../src/core/ids.js";
import { KIB, MIB } from "../../src/core/units.js";
import { Liveness, type LivenessView } from "../../src/peer/liveness.js";
import { defaultConnectionOptions } from "../../src/peer/options.js";
import { destroyScripted } from "../support/scripted-peer.js";
import { codeOf, contentIdOf, openRig, QUICK_TICKS, type Rig, wholeChunk } from "./rig.js";

const ID = contentIdOf("c");
const START_MS = 5_000_000;
const SECOND_MS = 1000;

/** An open connection on which nothing happens. */
const QUIET: LivenessView = {
  ...{ bytesRead: 0, pendingWriteBytes: 0, isBlocked: false, remoteIdleTimeoutMs: 120_000 },
  ...{ owedSinceMs: undefined, running: undefined },
};

interface Look {
  readonly problem: string | undefined;
  readonly ping: boolean;
}

/** Looks once a second for so many seconds at what `viewAt` shows; what the first unusual look says. */
function watch(liveness: Liveness, seconds: number, viewAt: (second: number) => Partial<LivenessView>) {
  for (let second = 1; second <= seconds; second++) {
    const view = { ...QUIET, ...viewAt(second) };
    const nowMs = START_MS + second * SECOND_MS;
    const look: Look = { problem: liveness.problem(view, nowMs), ping: liveness.isPingDue(view, nowMs) };
    if (look.problem !== undefined || look.ping) return { second, ...look };
  }
  return undefined;
}

const newLiveness = () => new Liveness(defaultConnectionOptions, START_MS);

test("a Hello has to be there in time, however many bytes have come", () => {
  const noHello = { remoteIdleTimeoutMs: undefined };
  assert.is(watch(newLiveness(), 4, () => noHello)?.second, undefined);
  assert.is(watch(newLiveness(), 10, (second) => ({ ...noHello, bytesRead: second }))?.second, 5);
});

test("a reply has to begin within 20 s", () => {
  const look = watch(newLiveness(), 60, () => ({ owedSinceMs: START_MS }));
  assert.is(look?.second, 20);
  assert.match(look?.problem ?? "", "nothing came");
});

test("notices do not stand for a reply that has not begun", () => {
  const look = watch(newLiveness(), 60, (second) => ({ owedSinceMs: START_MS, bytesRead: 100 * second }));
  assert.is(look?.second, 20);
});

test("the time for a reply begins when the one before it has ended", () => {
  const look = watch(newLiveness(), 90, (second) => ({
    owedSinceMs: START_MS + Math.min(60, Math.floor(second / 10) * 10) * SECOND_MS,
  }));
  assert.is(look?.second, 80);
});

test("a reply that comes may take its time while it keeps to 16 KiB/s", () => {
  const running = { startedAtMs: START_MS, bytesReadAtStart: 100 };
  const at = (bytesPerSecond: number) => (second: number) => ({
    owedSinceMs: START_MS,
    running,
    bytesRead: 100 + second * bytesPerSecond,
  });
  assert.is(watch(newLiveness(), 300, at(16 * KIB)), undefined);
  const slow = watch(newLiveness(), 300, at(16 * KIB - 1));
  assert.is(slow?.second, 30);
  assert.match(slow?.problem ?? "", /bytes in 30000 ms/);
});

test("a reply that has begun may not pause for 20 s", () => {
  const running = { startedAtMs: START_MS, bytesReadAtStart: 100 };
  const look = watch(newLiveness(), 300, (second) => ({
    ...{ owedSinceMs: START_MS, running, bytesRead: 100 + Math.min(second, 5) * MIB },
  }));
  assert.is(look?.second, 25);
});

test("the time in which this side has no room is nobody's fault", () => {
  const running = { startedAtMs: START_MS, bytesReadAtStart: 100 };
  const blockedFor = (seconds: number, perSecond: number) => (second: number) => ({
    ...{ owedSinceMs: START_MS, running, isBlocked: second <= seconds },
    bytesRead: 200 + Math.max(0, second - seconds) * perSecond,
  });
  assert.is(watch(newLiveness(), 300, blockedFor(200, 16 * KIB)), undefined);
  const slow = watch(newLiveness(), 300, blockedFor(200, KIB));
  assert.is(slow?.second, 230, "but what comes afterwards has its time again");
  const silent = watch(newLiveness(), 300, blockedFor(200, 0));
  assert.is(silent?.second, 220);
});

test("a process that is merely busy for seconds at a time gives up on a silent peer all the same", () => {
  const liveness = newLiveness();
  let heldOutMs = 0;
  for (
    let lookMs = 0;
    liveness.problem({ ...QUIET, owedSinceMs: START_MS }, START_MS + lookMs) === undefined;
    lookMs += 4_000
  ) {
    heldOutMs = lookMs;
    assert.ok(heldOutMs < 60_000, "it is given up some time");
  }
  assert.is(heldOutMs, 16_000);
});

test("the time in which this process stood still is nobody's fault", () => {
  const running = { startedAtMs: START_MS, bytesReadAtStart: 0 };
  const states: Record<string, Partial<LivenessView>> = {
    "no Hello": { remoteIdleTimeoutMs: undefined },
    "no reply": { owedSinceMs: START_MS },
    "half a reply": { owedSinceMs: START_MS, running },
    "bytes to be taken": { pendingWriteBytes: 1 },
    idle: {},
  };
  for (const [name, state] of Object.entries(states)) {
    const patience = watch(newLiveness(), 200, () => state)?.second ?? 0;
    const liveness = newLiveness();
    const view = { ...QUIET, ...state };
    assert.is(liveness.problem(view, START_MS + SECOND_MS), undefined, name);
    const wokenMs = START_MS + 3_600_000;
    const looks = Array.from({ length: patience }, (_, second) => wokenMs + second * SECOND_MS);
    for (const nowMs of looks) {
      assert.is(liveness.problem(view, nowMs), undefined, `${name}, ${nowMs - wokenMs} ms after`);
      assert.not(liveness.isPingDue(view, nowMs), name);
    }
    const nowMs = wokenMs + patience * SECOND_MS;
    assert.ok(liveness.problem(view, nowMs) !== undefined || liveness.isPingDue(view, nowMs), name);
  }
});

test("an idle peer is pinged after half of the shorter patience, and given up after 120 s", () => {
  assert.equal(
    watch(newLiveness(), 200, () => ({})),
    { second: 60, problem: undefined, ping: true },
  );
  const early = watch(newLiveness(), 200, () => ({ remoteIdleTimeoutMs: 10_000 }));
  assert.is(early?.second, 5);
  const unsaid = watch(newLiveness(), 200, () => ({ remoteIdleTimeoutMs: 0 }));
  assert.is(unsaid?.second, 60, "0 is no patience to go by");
  const busy = watch(newLiveness(), 200, (second) => ({ bytesRead: Math.floor(second / 50) }));
  assert.is(busy, undefined, "any byte shows life");
  const liveness = newLiveness();
  for (let second = 1; second < 120; second++)
    assert.is(liveness.problem(QUIET, START_MS + second * SECOND_MS), undefined);
  assert.is(liveness.problem(QUIET, START_MS + 120_000), "idle");
});

test("a peer that takes no bytes for 120 s is given up, counted from when they began to wait", () => {
  const liveness = newLiveness();
  const stuck = (second: number) => {
    if (second === 50) liveness.writing(0, START_MS + 50 * SECOND_MS);
    if (second === 60) liveness.writing(1, START_MS + 60 * SECOND_MS);
    return { pendingWriteBytes: 1, bytesRead: 100 + second };
  };
  assert.equal(watch(liveness, 300, stuck), { second: 170, problem: "it takes no bytes", ping: false });
  liveness.written(START_MS + 169 * SECOND_MS);
  assert.is(
    liveness.problem({ ...QUIET, pendingWriteBytes: 1, bytesRead: 300 }, START_MS + 171 * SECOND_MS),
    undefined,
  );
});

/** Moves the clock in steps, so that the connection has a look after each, until `isMet`. */
async function passTime(rig: Rig, isMet: () => boolean): Promise<void> {
  for (let steps = 0; !isMet(); steps++) {
    assert.ok(steps < 1000, "it never happens");
    rig.clock.move(SECOND_MS);
    await oneLook();
  }
}

/** Resolves when each connection has had a look: timers go off in the order in which they are due. */
const oneLook = () => new Promise((resolve) => setTimeout(resolve, QUICK_TICKS + 2));

async function assertTimedOut(rig: Rig): Promise<void> {
  assert.is((await rig.handler.end())?.code, "PEER_UNREACHABLE");
  assert.is((await rig.peer.skipTo("goodbye")).value.reason, GoodbyeReason.TIMEOUT);
  rig.peer.destroy();
}

for (const role of ["dialler", "listener"] as const) {
  test(`a ${role} hangs up on a peer that does not answer`, async () => {
    const rig = await openRig(role);
    const asked = codeOf(rig.connection.request({ type: "getPeers", contentId: ID, max: 1 }));
    await passTime(rig, () => rig.handler.ends > 0);
    assert.is(await asked, "PEER_UNREACHABLE");
    await assertTimedOut(rig);
  });

  test(`a ${role} that slept for an hour goes on with a peer that owes it a reply`, async () => {
    const rig = await openRig(role);
    const asked = codeOf(rig.connection.request({ type: "getPeers", contentId: ID, max: 1 }));
    await rig.peer.expect("getPeers");
    rig.clock.move(3_600_000);
    await oneLook();
    rig.peer.send({ case: "peerList", value: { peers: [] } }, { id: rig.ourId });
    assert.is(await asked, "nothing was thrown");
    rig.peer.destroy();
  });

  test(`a ${role} pings an idle peer, goes on when it answers, and hangs up when it does not`, async () => {
    const rig = await openRig(role, { remote: { idleTimeoutMs: 10_000 } });
    await passTime(rig, () => rig.connection.openRequests > 0);
    const ping = await rig.peer.expect("ping");
    rig.peer.send({ case: "pong", value: {} }, { id: ping.id });
    while (rig.connection.openRequests > 0) await new Promise(setImmediate);
    await passTime(rig, () => rig.connection.openRequests > 0);
    assert.is((await rig.peer.expect("ping")).id, ping.id + 2);
    await passTime(rig, () => rig.handler.ends > 0);
    await assertTimedOut(rig);
  });

  test(`a ${role} hangs up on a peer that never reads, and gives back what it was to send`, async () => {
    const rig = await openRig(role, { connection: { closeTimeoutMs: 20 } });
    rig.peer.stopReading();
    const contentId = idToBytes(ID);
    const count = 24;
    let given = 0;
    for (let index = 0; index < count; index++)
      rig.peer.send({ case: "getChunk", value: { contentId } }, { id: rig.theirId + 2 * index });
    while (rig.handler.requests.length < count) await new Promise(setImmediate);
    for (const { id } of rig.handler.requests)
      rig.connection.sendChunk(id, wholeChunk(0, Buffer.alloc(MIB)), () => given++);
    assert.ok(rig.connection.pendingWriteBytes > 0);
    await passTime(rig, () => rig.handler.ends > 0);
    assert.is((await rig.handler.end())?.code, "PEER_UNREACHABLE");
    while (given < count) await new Promise(setImmediate);
    rig.peer.destroy();
  });
}

test.after(destroyScripted);
test.run();

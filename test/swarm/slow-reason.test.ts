// Why a download is slow: the rules by themselves, and each reason provoked with real sockets and scripted peers.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { Coverage, GoodbyeReason, RefusalReason } from "../../gen/goshare/v1/peer_pb.js";
import type { Endpoint } from "../../src/address/endpoint.js";
import { Bitfield } from "../../src/core/bitfield.js";
import { idToBytes } from "../../src/core/ids.js";
import { KIB } from "../../src/core/units.js";
import type { SlowReason } from "../../src/events/event.js";
import {
  type DownloadLoad,
  type DownloadSituation,
  slowReason,
} from "../../src/swarm/downloading/slow-reason.js";
import { RateBudget } from "../../src/swarm/rate-budget.js";
import type { TaskSuccess, WorkerTask } from "../../src/workers/tasks.js";
import { WorkerPool } from "../../src/workers/worker-pool.js";
import * as answers from "../support/chunk-answers.js";
import { ManualTime } from "../support/manual-time.js";
import { frameBytes, ScriptedListener, withinPatience } from "../support/scripted-peer.js";
import { smallShare } from "../support/small-share.js";
import { DownloadRig, type DownloadSetUp, downloadMemory, endDownloads } from "./download-rig.js";

const IDLE: DownloadLoad = {
  ...{ asked: 0, limited: 0, heldBack: 0, offering: 0, paused: 0 },
  ...{ isWorking: false, isBehind: false, isDiskSlow: false },
};
const ALONE: DownloadSituation = {
  ...{ load: IDLE, connected: 0, isJoining: false },
  ...{ isDialling: false, lastFailure: undefined, isSourceChanged: false, isTrackerSilent: false },
};

const RULES: readonly (readonly [SlowReason, Partial<DownloadSituation>, Partial<DownloadLoad>])[] = [
  ["noPeer", {}, {}],
  ["noPeer", { isDialling: true, isTrackerSilent: true }, {}],
  ["trackerUnreachable", { isTrackerSilent: true }, {}],
  ["dialFailed", { lastFailure: "PEER_UNREACHABLE", isTrackerSilent: true }, {}],
  ["dialFailed", { lastFailure: "PEER_PROTOCOL", isDialling: true }, {}],
  ["peerBusy", { lastFailure: "PEER_CLOSED", isDialling: true }, {}],
  ["noPeerHasChunk", { lastFailure: "CONTENT_NOT_FOUND" }, {}],
  ["noPeerHasChunk", { lastFailure: "PEER_CLOSED", isSourceChanged: true }, {}],
  ["dialFailed", { lastFailure: "PEER_UNREACHABLE", isSourceChanged: true }, {}],
  ["noPeerHasChunk", { connected: 2, lastFailure: "PEER_UNREACHABLE", isTrackerSilent: true }, {}],
  ["network", { connected: 1, isJoining: true }, {}],
  ["waitingForOffer", { connected: 2 }, { offering: 1, paused: 1 }],
  ["peerBusy", { connected: 2 }, { paused: 1 }],
  ["network", { connected: 2 }, { asked: 2, limited: 1 }],
  ["uploadLimit", { connected: 2 }, { asked: 2, limited: 2 }],
  ["downloadLimit", { connected: 2 }, { heldBack: 1 }],
  ["downloadLimit", { connected: 2 }, { heldBack: 1, asked: 1, limited: 1 }],
  ["verification", { connected: 1 }, { isWorking: true }],
  ["disk", { connected: 1 }, { isWorking: true, isDiskSlow: true }],
  ["verification", {}, { isWorking: true }],
  ["network", { connected: 1 }, { asked: 1, isWorking: true, isDiskSlow: true }],
  ["disk", { connected: 1 }, { asked: 1, heldBack: 1, isWorking: true, isBehind: true, isDiskSlow: true }],
  ["verification", { connected: 1 }, { asked: 1, isWorking: true, isBehind: true }],
];

test("each situation has one reason: what is nearest to the disk, then what keeps peers from being asked", () => {
  for (const [reason, situation, load] of RULES) {
    const whole = { ...ALONE, ...situation, load: { ...IDLE, ...load } };
    assert.is(slowReason(whole), reason, JSON.stringify(whole));
  }
});

test("while there is no manifest, whoever is connected is waited for", () => {
  assert.is(slowReason({ ...ALONE, load: undefined, connected: 1 }), "network");
  assert.is(slowReason({ ...ALONE, load: undefined, isTrackerSilent: true }), "trackerUnreachable");
});

const CHUNKS = 6;
const share = smallShare(CHUNKS);
const contentId = idToBytes(share.manifest.root.contentId);

/** Starts a download of `setUp`, waits until it is slow for `reason`, lets `then` happen, and gives it up. */
async function slowFor(
  reason: SlowReason,
  setUp: Partial<DownloadSetUp>,
  then: (rig: DownloadRig) => Promise<void> = async () => undefined,
): Promise<void> {
  const rig = await DownloadRig.start({ share, services: [], ...setUp });
  const download = rig.download();
  await until(rig, reason);
  await then(rig);
  rig.abort.abort();
  await download.catch(() => undefined);
  await rig.stop();
}

async function until(rig: DownloadRig, reason: SlowReason): Promise<void> {
  let last: SlowReason | undefined;
  let isOver = false;
  const seen = async () => {
    while (last !== reason && !isOver) {
      await new Promise(setImmediate);
      last = rig.swarm.slowReason(false);
    }
  };
  await withinPatience(seen(), reason).catch((thrown: unknown) => {
    isOver = true;
    throw new Error(`${thrown}; it was ${last}`);
  });
}

test("nobody is known", () => slowFor("noPeer", {}));

/** The reason of a download that knows one peer, at `endpoint`. */
async function slowNear(endpoint: Endpoint, reason: SlowReason): Promise<void> {
  const rig = await DownloadRig.start({ share, services: [] });
  const download = rig.download();
  rig.swarm.addPeer({ endpoints: [endpoint], isNamed: true });
  await until(rig, reason);
  rig.abort.abort();
  await download.catch(() => undefined);
  await rig.stop();
}

test("whoever is known refuses to be dialled", async () => {
  const closed = await ScriptedListener.listen();
  const { endpoint } = closed;
  closed.close();
  await slowNear(endpoint, "dialFailed");
});

test("peers are busy: whoever is dialled hangs up, since it has connections enough", async () => {
  const full = await ScriptedListener.listen(async (peer) => {
    await peer.expect("hello");
    peer.send({ case: "goodbye", value: { reason: GoodbyeReason.TOO_MANY_CONNECTIONS } }).fin();
  });
  await slowNear(full.endpoint, "peerBusy");
  full.close();
});

test("nobody has the chunk, until somebody says that he has it", () => {
  const services = [{ answer: answers.right, holds: [0, 1] }];
  return slowFor("noPeerHasChunk", { services }, async (rig) => {
    const peer = await rig.listeners[0]?.accept();
    peer?.send({ case: "availabilityUpdate", value: { contentId, gained: [2] } });
    await peer?.hears("getChunk", 3);
  });
});

/** Answers a Join, and lets nothing be asked for without an offer. */
const offersLater: DownloadSetUp["services"][number]["join"] = (peer, id) => {
  peer.sendBytes(
    Buffer.concat([
      frameBytes({ case: "pullWindow", value: { contentId, requests: 0 } }),
      frameBytes({ case: "availability", value: { contentId, coverage: Coverage.COMPLETE } }, { id }),
    ]),
  );
};

test("a download waits for an offer, until it has one", () => {
  const services = [{ answer: answers.silence, join: offersLater }];
  return slowFor("waitingForOffer", { services }, async (rig) => {
    const peer = await rig.listeners[0]?.accept();
    peer?.send({ case: "offer", value: { offerId: 1, contentId, chunks: [3], deadlineMs: 5_000 } });
    await until(rig, "network");
  });
});

test("peers are busy: a refusal for now leaves nobody to ask", () => {
  const services = [{ answer: answers.refuse(RefusalReason.BUSY, 60_000), pullWindow: 1 }];
  return slowFor("peerBusy", { services, swarm: { maxRefusalPauseMs: 60_000 } });
});

test("a refusal for good is nobody having the chunk", () => {
  const services = [{ answer: answers.refuse(RefusalReason.CHUNK_UNAVAILABLE) }];
  return slowFor("noPeerHasChunk", { services });
});

test("a limit here keeps chunks from being asked for", async () => {
  const time = new ManualTime();
  const budget = new RateBudget(64 * KIB, time);
  const services = [{ answer: answers.right }];
  await slowFor("downloadLimit", { services, budget }, async (rig) => {
    time.advance(1_000);
    await until(rig, "downloadLimit");
  });
});

test("a limit there: all that was asked for comes from peers who say that they keep to one", async () => {
  const limited = { answer: answers.silence, rateLimited: true, pullWindow: 2 };
  await slowFor("uploadLimit", { services: [limited, limited] });
  const free = { answer: answers.silence, pullWindow: 2 };
  await slowFor("network", { services: [limited, free] }, async (rig) => {
    for (const listener of rig.listeners) await (await listener.accept()).hears("getChunk");
    await until(rig, "network");
  });
});

test("a limit there is not why a peer has fallen silent", () => {
  const answer = answers.first(2, answers.right, answers.silence);
  const services = [{ answer, rateLimited: true, pullWindow: 1 }];
  return slowFor("uploadLimit", { services }, (rig) => until(rig, "network"));
});

test("the network: what was asked for does not come, or what a peer holds is not said", async () => {
  await slowFor("network", { services: [{ answer: answers.silence }] });
  await slowFor("network", { services: [{ answer: answers.silence, join: () => undefined }] });
});

type Spent = NonNullable<TaskSuccess["spent"]>;

/** Workers that give back so many tasks, hold back the others, and say what each took. */
class HeldPool extends WorkerPool {
  readonly #spent: Spent;
  readonly #releases: (() => void)[] = [];
  #free: number;

  constructor(spent: Spent, free: number) {
    super(downloadMemory, 1);
    this.#spent = spent;
    this.#free = free;
  }

  override async run(task: WorkerTask): Promise<TaskSuccess> {
    const result = await super.run(task);
    if (this.#free-- <= 0) await new Promise<void>((resolve) => this.#releases.push(resolve));
    return { ...result, spent: this.#spent };
  }

  release(): void {
    this.#free = Number.POSITIVE_INFINITY;
    for (const release of this.#releases.splice(0)) release();
  }
}

for (const [reason, what, spent] of [
  ["disk", "writing", { hashMs: 1, writeMs: 99 }],
  ["verification", "hashing", { hashMs: 99, writeMs: 1 }],
] as const) {
  test(`workers that are behind with ${what} are the reason, though chunks still come`, async () => {
    const pool = new HeldPool(spent, 8);
    const services = [{ answer: answers.right, pullWindow: 100, hello: { maxRequestsInFlight: 100 } }];
    // More chunks than there are slots.
    await slowFor(reason, { share: smallShare(100), services, pool }, async (rig) => {
      await rig.listeners[0]?.peers[0]?.hears("getChunk", 80);
      await until(rig, reason);
      pool.release();
    });
    await pool.close();
  });

  test(`when every chunk has come and is not written yet for ${what}, that is the reason`, async () => {
    const pool = new HeldPool(spent, 4);
    const services = [{ answer: answers.right, pullWindow: 4 }];
    await slowFor(reason, { share: smallShare(40), services, pool }, async (rig) => {
      await rig.listeners[0]?.peers[0]?.hears("getChunk", 40);
      await until(rig, reason);
      pool.release();
    });
    await pool.close();
  });
}

test("what an earlier run has written is verified: that is the reason, though nobody is connected", async () => {
  const pool = new HeldPool({ hashMs: 1, writeMs: 99 }, 0);
  await slowFor("verification", { unchecked: Bitfield.full(CHUNKS), pool }, async (rig) => {
    pool.release();
    // None of it is there.
    await until(rig, "noPeer");
  });
  await pool.close();
});

test.after(endDownloads);
test.run();

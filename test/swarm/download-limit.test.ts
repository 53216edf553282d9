// What a download asks for under a rate, with a clock that the tests move.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { RefusalReason } from "../../gen/goshare/v1/peer_pb.js";
import { KIB } from "../../src/core/units.js";
import { RateBudget } from "../../src/swarm/rate-budget.js";
import * as answers from "../support/chunk-answers.js";
import { ManualTime } from "../support/manual-time.js";
import { smallShare } from "../support/small-share.js";
import { DownloadRig, endDownloads } from "./download-rig.js";

/** One chunk a second. */
const RATE = 64 * KIB;
const CHUNKS = 8;
const share = smallShare(CHUNKS);

test("chunks are asked for as the rate allows, of peers by turns", async () => {
  const time = new ManualTime();
  const startMs = time.nowMs();
  const budget = new RateBudget(RATE, time);
  const askedAtMs: number[] = [];
  const answer: answers.Answer = (ask) => {
    askedAtMs.push(time.nowMs() - startMs);
    answers.right(ask);
  };
  const services = [
    { answer, pullWindow: 16 },
    { answer, pullWindow: 16 },
  ];
  const rig = await DownloadRig.start({ share, services, budget });
  const download = rig.download();
  for (const listener of rig.listeners) await (await listener.accept()).hears("join");
  for (let asked = 1; asked <= CHUNKS; asked++) {
    while (askedAtMs.length < asked) await new Promise(setImmediate);
    assert.is(askedAtMs.length, asked);
    time.advance(1000);
  }
  assert.ok((await download).equals(share.content));
  for (const [index, atMs] of askedAtMs.entries()) assert.ok(atMs >= index * 1000, `asked at ${askedAtMs}`);
  assert.ok(rig.askedOf(0).length >= 2 && rig.askedOf(1).length >= 2, "neither peer is forgotten");
  await rig.stop();
});

test("a chunk that is refused is asked for again without being paid for twice", async () => {
  const time = new ManualTime();
  const budget = new RateBudget(RATE, time);
  const answer = answers.first(3, answers.refuse(RefusalReason.BUSY, 1), answers.right);
  const rig = await DownloadRig.start({ share, services: [{ answer, pullWindow: 1 }], budget });
  const download = rig.download();
  const peer = await rig.listeners[0]?.accept();
  await peer?.hears("getChunk", 4);
  rig.abort.abort();
  await download.then(
    () => assert.unreachable("it was given up"),
    () => undefined,
  );
  await rig.stop();
});

test.after(endDownloads);
test.run();

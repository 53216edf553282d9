// A peer that refuses a Join or the manifest, and says when to come again, is left alone for so long.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { RefusalReason } from "../../gen/goshare/v1/peer_pb.js";
import * as answers from "../support/chunk-answers.js";
import type { ScriptedPeer } from "../support/scripted-peer.js";
import { smallShare } from "../support/small-share.js";
import { DownloadRig, endDownloads } from "./download-rig.js";

const share = smallShare(6);
/** Far longer than the pauses between dials here. */
const RETRY_MS = 400;
const swarm = { maxRefusalPauseMs: 10_000 };

/** A peer that refuses the first request, and notes when it was asked. */
function busyOnce(retryAfterMs = RETRY_MS) {
  const askedAtMs: number[] = [];
  const refusedFirst = (peer: ScriptedPeer, id: number, answer: () => void) => {
    askedAtMs.push(performance.now());
    const value = { reason: RefusalReason.BUSY, retryAfterMs };
    if (askedAtMs.length === 1) peer.send({ case: "refusal", value }, { id });
    else answer();
  };
  const pauseMs = () => (askedAtMs[1] ?? 0) - (askedAtMs[0] ?? 0);
  return { refusedFirst, pauseMs };
}

test("who refuses a Join for now is not dialled again before the time it asks for", async () => {
  const { refusedFirst, pauseMs } = busyOnce();
  const services = [{ answer: answers.right, join: refusedFirst }];
  const rig = await DownloadRig.start({ share, services, swarm });
  assert.ok((await rig.download()).equals(share.content));
  assert.ok(pauseMs() >= RETRY_MS, `${pauseMs()} ms`);
  await rig.stop();
});

test("who refuses a page of the manifest for now is not asked again before that time either", async () => {
  const { refusedFirst, pauseMs } = busyOnce();
  const manifestPage = (peer: ScriptedPeer, id: number, page: number) =>
    refusedFirst(peer, id, () => answers.sendPage(share, peer, id, page));
  const services = [{ answer: answers.right, manifestPage }];
  const rig = await DownloadRig.start({ share, services, swarm });
  const root = await rig.swarm.fetchRoot(AbortSignal.timeout(10_000));
  assert.is(root.contentId, share.manifest.root.contentId);
  assert.ok(pauseMs() >= RETRY_MS, `${pauseMs()} ms`);
  await rig.stop();
});

test("but nobody is left alone for longer than the protocol lets a peer ask for", async () => {
  const { refusedFirst } = busyOnce(3_600_000);
  const services = [{ answer: answers.right, join: refusedFirst }];
  const rig = await DownloadRig.start({ share, services, swarm: { maxRefusalPauseMs: 20 } });
  assert.ok((await rig.download()).equals(share.content));
  await rig.stop();
});

test.after(endDownloads);
test.run();

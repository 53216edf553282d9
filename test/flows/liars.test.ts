// Peers that send wrong bytes, beside an honest sharer and alone; and sharers whose source is altered while they
// share it.
import { existsSync, readdirSync, readFileSync, truncateSync, unlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { GoodbyeReason } from "../../gen/goshare/v1/peer_pb.js";
import { type Endpoint, formatEndpoint, requireEndpoint } from "../../src/address/endpoint.js";
import { MIB } from "../../src/core/units.js";
import { readManifestFile } from "../../src/storage/manifest-file.js";
import {
  type Answer,
  endAfter,
  first,
  right,
  serving,
  tooLong,
  unknownId,
  wrongBytes,
} from "../support/chunk-answers.js";
import { closeFakeTrackers, namingPeers, startFakeTracker } from "../support/fake-tracker.js";
import { GatedProxy } from "../support/gated-proxy.js";
import { killAll } from "../support/goshare-process.js";
import { ScratchFolder, sha256Of } from "../support/scratch-folder.js";
import { destroyScripted, ScriptedListener } from "../support/scripted-peer.js";
import type { SmallShare } from "../support/small-share.js";
import { downloaded, failure, type StartedShare, startDownload, startShare } from "../support/transfer.js";

const scratch = new ScratchFolder();
const source = scratch.file("film.bin", 6 * MIB);
let honest: StartedShare;
let inMemory: SmallShare;

test.before(async () => {
  honest = await startShare(source);
  const { manifest } = await readManifestFile(honest.manifestPath);
  if (manifest === undefined) throw new Error("a small manifest is whole in its file");
  const content = readFileSync(source);
  const chunk = (chunkIndex: number) => content.subarray(chunkIndex * MIB, (chunkIndex + 1) * MIB);
  inMemory = { manifest, content, chunk };
});

test.after(async () => {
  killAll();
  destroyScripted();
  await closeFakeTrackers();
  scratch.remove();
});

/** A peer that claims to have everything and answers every GetChunk with `answer`. */
function scripted(answer: Answer, idByte: number, pullWindow = 16): Promise<ScriptedListener> {
  const hello = { peerId: Buffer.alloc(32, idByte) };
  return ScriptedListener.listen(serving({ share: inMemory, answer, hello, pullWindow }));
}

async function trackerFor(peers: readonly Endpoint[]) {
  const tracker = await startFakeTracker(namingPeers(peers));
  return ["--tracker", tracker.endpoint];
}

test("a liar beside an honest sharer: the file is right, the liar is named and asked no more", async () => {
  const liar = await scripted(wrongBytes, 7, 1);
  // The honest one cannot give everything before the liar has been found out.
  const gate = await GatedProxy.start(1.5 * MIB);
  gate.target = honest.endpoint;
  const tracker = await trackerFor([liar.endpoint, requireEndpoint(gate.endpoint, "gate", 0)]);
  const process = startDownload(honest.contentId, scratch.folder(), tracker);
  const warning = await process.waitFor("warning", ({ code }) => code === "DIGEST_MISMATCH");
  assert.is(warning["path"], formatEndpoint(liar.endpoint));
  gate.open();
  const { path } = await downloaded(process);
  assert.is(sha256Of(path), sha256Of(source));
  assert.is(process.all("warning").filter(({ code }) => code === "DIGEST_MISMATCH").length, 1);
  const [first, ...later] = liar.peers;
  assert.equal(
    first?.heardOf("goodbye").map(({ value }) => value.reason),
    [GoodbyeReason.BANNED],
  );
  assert.equal(
    later.flatMap((peer) => peer.heardOf("getChunk")),
    [],
  );
  await gate.close();
  liar.close();
});

test("only liars: exit 5 with the reason, each named once, and no file", async () => {
  const liars = [await scripted(wrongBytes, 7), await scripted(wrongBytes, 8)];
  const tracker = await trackerFor(liars.map(({ endpoint }) => endpoint));
  const output = scratch.folder();
  const process = startDownload(honest.contentId, output, [...tracker, "--timeout", "3s"]);
  const { code, exitCode, message, hint } = await failure(process);
  assert.equal([code, exitCode], ["DIGEST_MISMATCH", 5]);
  assert.match(
    message,
    /nobody sends the right bytes; last error: chunk \d+ from 127\.0\.0\.1:\d+ does not match its digest/,
  );
  assert.not.equal(hint, "");
  assert.equal(
    process
      .all("warning")
      .filter((body) => body["code"] === "DIGEST_MISMATCH")
      .map(({ path }) => path)
      .sort(),
    liars.map(({ endpoint }) => formatEndpoint(endpoint)).sort(),
  );
  assert.equal(readdirSync(output), []);
  for (const liar of liars) liar.close();
});

test("a liar, and an honest peer that goes before it has given everything: exit 7, not 5", async () => {
  const liar = await scripted(wrongBytes, 7, 1);
  const goes = await scripted(first(2, right, endAfter(0, "fin")), 8, 1);
  const tracker = await trackerFor([liar.endpoint, goes.endpoint]);
  const output = scratch.folder();
  const process = startDownload(honest.contentId, output, [...tracker, "--timeout", "3s"]);
  await process.waitFor("warning", ({ code }) => code === "DIGEST_MISMATCH");
  goes.stopAccepting();
  const { code, exitCode } = await failure(process);
  assert.equal([code, exitCode], ["INCOMPLETE", 7]);
  for (const peer of [liar, goes]) peer.close();
});

for (const [what, answer] of [
  ["sends a chunk nobody asked for", unknownId],
  ["announces a frame of 4 GiB", ({ peer }) => void peer.sendBytes(Buffer.alloc(10, 0xff))],
  ["ends in the middle of a frame", endAfter(1000, "fin")],
] as const satisfies readonly (readonly [string, Answer])[]) {
  test(`a peer that ${what}: the file comes from the honest sharer`, async () => {
    const hostile = await scripted(answer, 9);
    const gate = await GatedProxy.start(0);
    gate.target = honest.endpoint;
    const tracker = await trackerFor([hostile.endpoint, requireEndpoint(gate.endpoint, "gate", 0)]);
    const output = scratch.folder();
    const process = startDownload(honest.contentId, output, tracker);
    const gone = await process.waitFor("peerDisconnected");
    assert.match(String(gone["code"]), /^PEER_/);
    gate.open();
    const { path } = await downloaded(process);
    assert.is(sha256Of(path), sha256Of(source));
    assert.equal(readdirSync(output), ["film.bin"]);
    await gate.close();
    hostile.close();
  });
}

test("only a peer that breaks the protocol: exit 7 with the reason, and no file", async () => {
  const hostile = await scripted(tooLong, 9);
  const tracker = await trackerFor([hostile.endpoint]);
  const output = scratch.folder();
  const { code, exitCode, message } = await failure(
    startDownload(honest.contentId, output, [...tracker, "--timeout", "3s"]),
  );
  assert.equal([code, exitCode], ["INCOMPLETE", 7]);
  assert.match(message, /nobody sends what is missing; last error: .*chunk/);
  assert.equal(readdirSync(output), []);
  hostile.close();
});

for (const [what, alter] of [
  ["altered", (path: string) => writeFileSync(path, "x", { flag: "r+" })],
  ["truncated", (path: string) => truncateSync(path, 100)],
  ["deleted", (path: string) => unlinkSync(path)],
] as const) {
  test(`a source ${what} while it is shared: the sharer withdraws, another one finishes the download`, async () => {
    const copy = join(scratch.folder(), "film.bin");
    writeFileSync(copy, readFileSync(source));
    const altered = await startShare(copy);
    assert.is(altered.contentId, honest.contentId);
    alter(copy);
    // The other one comes when the first has answered.
    const gate = await GatedProxy.start(0);
    gate.target = honest.endpoint;
    const tracker = await trackerFor(
      [altered.endpoint, gate.endpoint].map((text) => requireEndpoint(text, "peer", 0)),
    );
    const process = startDownload(honest.contentId, scratch.folder(), tracker);
    const sharer = await failure(altered.process);
    assert.equal([sharer.code, sharer.exitCode], ["SOURCE_CHANGED", 1]);
    assert.match(sharer.message, copy);
    assert.not.equal(sharer.hint, "");
    gate.open();
    const { path } = await downloaded(process);
    assert.is(sha256Of(path), sha256Of(source));
    await gate.close();
  });
}

test("both sources altered: exit 7 with the reason, and no file", async () => {
  const shares: StartedShare[] = [];
  for (let count = 0; count < 2; count++) {
    const copy = join(scratch.folder(), "film.bin");
    writeFileSync(copy, readFileSync(source));
    shares.push(await startShare(copy));
    writeFileSync(copy, "x", { flag: "r+" });
  }
  const tracker = await trackerFor(shares.map(({ endpoint }) => requireEndpoint(endpoint, "peer", 0)));
  const output = scratch.folder();
  const process = startDownload(honest.contentId, output, [...tracker, "--timeout", "3s"]);
  const { code, exitCode, message, hint } = await failure(process);
  assert.equal([code, exitCode], ["INCOMPLETE", 7]);
  assert.match(message, "has changed since it was shared");
  assert.match(hint, "shared again");
  assert.not.ok(existsSync(join(output, "film.bin")));
  for (const share of shares) assert.is((await failure(share.process)).code, "SOURCE_CHANGED");
});

test.run();

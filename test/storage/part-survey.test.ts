import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { decodeTicket, encodeTicket } from "../../src/address/ticket.js";
import { GIB } from "../../src/core/units.js";
import { PartFolder } from "../../src/storage/part/part-folder.js";
import { findParts, type SurveyedPart, surveyPart } from "../../src/storage/part/part-survey.js";
import { downloadAll, downloadUntil, killedAfter, open, partPathOf, writeChunk } from "./download-run.js";
import { actualTree, CHUNK, mixedFolder, type SampleShare, sampleShare, singleFile } from "./sample-share.js";
import { errorOf, noDescriptorList, openBelow, scratchFolders, testUnless } from "./scratch.js";

const scratch = scratchFolders("survey");

/** The one download in `output`. */
function only(output: string): SurveyedPart {
  const [partPath = "", ...others] = findParts(output);
  assert.equal(others, []);
  const part = surveyPart(partPath);
  if (part === undefined) throw new Error("it has gone");
  return part;
}

/** An interrupted download with 3 of 8 chunks, and the path of something in it. */
async function interrupted(name = "."): Promise<{ output: string; partPath: string; inside: string }> {
  const output = scratch();
  const partPath = await killedAfter(output, singleFile(8 * CHUNK), 0, 3, 7);
  return { output, partPath, inside: path.join(partPath, name) };
}

async function refusal(partPath: string): Promise<string> {
  const before = namesIn(partPath);
  const { code, message } = await errorOf(() => surveyPart(partPath));
  assert.is(code, "PART_UNUSABLE");
  assert.equal(namesIn(partPath), before);
  return message;
}

const namesIn = (partPath: string) =>
  fs.lstatSync(partPath).isDirectory() ? fs.readdirSync(partPath).sort() : [];

test("a killed run is told by what its journal claims", async () => {
  const { output } = await interrupted();
  const part = only(output);
  assert.is(part.root.name, "big.bin");
  assert.is(part.targetPath, path.join(output, "big.bin"));
  assert.equal([part.chunksDone, part.bytesDone, part.hasPauseMark], [3, 3 * CHUNK, false]);
  assert.equal([part.holderPid, part.ticket], [undefined, undefined]);
});

test("a clean pause is told from a run that was killed, and survives being looked at", async () => {
  const output = scratch();
  const share = singleFile(8 * CHUNK);
  await downloadUntil(output, share, 5);
  const before = actualTree(output);
  assert.is(only(output).hasPauseMark, true);
  assert.equal(actualTree(output), before);
  const { fetched, isTrusted } = await downloadAll(output, share);
  assert.equal([fetched, isTrusted], [[5, 6, 7], true]);
  assert.equal(findParts(output), []);
});

test("whether it replaces what has its name is what the last run was told", async () => {
  const share = singleFile(8 * CHUNK);
  const output = scratch();
  await killedAfter(output, share, 0);
  for (const ifTaken of ["replace", "refuse", "replace"] as const) {
    (await PartFolder.open(output, share.manifest.root, ifTaken)).close();
    assert.is(only(output).replaces, ifTaken === "replace");
  }
});

test("bytes are counted by the lengths of the chunks, packs and tails among them", async () => {
  const share = mixedFolder();
  const { chunkCount, totalSize } = share.manifest.root;
  for (let chunkIndex = 0; chunkIndex < chunkCount; chunkIndex++) {
    const output = scratch();
    await killedAfter(output, share, chunkIndex);
    assert.is(only(output).bytesDone, share.chunk(chunkIndex).byteLength);
  }
  const output = scratch();
  await killedAfter(output, share, ...Array.from({ length: chunkCount }, (_, index) => index));
  assert.equal([only(output).chunksDone, only(output).bytesDone], [chunkCount, totalSize]);
});

/** A share whose body is too large to stand in its root. */
function pagedShare(): SampleShare {
  const files = Array.from({ length: 3000 }, (_, index) => {
    return { path: `${index} `.padEnd(250, "x"), size: index, executable: false };
  });
  const share = sampleShare({ name: "paged", files });
  assert.is(share.manifest.root.inlineBody, undefined);
  return share;
}

test("without the body, or with a torn one, bytes are those of as many average chunks", async () => {
  const share = pagedShare();
  const { chunkCount, totalSize } = share.manifest.root;
  const output = scratch();
  const part = await open(output, share);
  writeChunk(part, share, 0);
  part.storeBody(share.manifest.bodyBytes);
  part.close();
  assert.is(only(output).bytesDone, share.chunk(0).byteLength);
  const bodyPath = path.join(part.partPath, "body");
  fs.truncateSync(bodyPath, 1000);
  assert.is(only(output).bytesDone, Math.floor(totalSize / chunkCount));
  fs.truncateSync(bodyPath, 100 * GIB);
  assert.is(only(output).bytesDone, Math.floor(totalSize / chunkCount));
  fs.rmSync(bodyPath);
  assert.is(only(output).bytesDone, Math.floor(totalSize / chunkCount));
});

test("a download that runs is told by the process that holds its lock", async () => {
  const output = scratch();
  const share = singleFile(8 * CHUNK);
  const part = await open(output, share);
  writeChunk(part, share, 1);
  assert.is(only(output).holderPid, process.pid);
  part.close();
  assert.is(only(output).holderPid, undefined);
});

test("the ticket of the last run is given back, and one of another share is not", async () => {
  const output = scratch();
  const share = singleFile(8 * CHUNK);
  const { contentId } = share.manifest.root;
  const peers = [{ host: "192.0.2.1", port: 9000, transport: "tcp" }] as const;
  const ticket = encodeTicket({ contentId, name: "big.bin", trackers: [], peers });
  const part = await open(output, share);
  writeChunk(part, share, 1);
  part.storeTicket(ticket);
  part.close();
  assert.is(only(output).ticket, ticket);

  const ticketPath = path.join(part.partPath, "ticket");
  const other = encodeTicket({ ...decodeTicket(ticket), contentId: mixedFolder().manifest.root.contentId });
  for (const planted of [other, "", "; rm -rf ~", `${ticket}x`, "goshare1".padEnd(1024, "q")]) {
    fs.writeFileSync(ticketPath, planted);
    assert.is(only(output).ticket, undefined, planted);
  }
  fs.writeFileSync(ticketPath, `\n ${ticket.toUpperCase()} \n`);
  assert.is(only(output).ticket, ticket);
  fs.truncateSync(ticketPath, 100 * GIB);
  assert.is(only(output).ticket, undefined);
  fs.rmSync(ticketPath);
  fs.symlinkSync("/dev/zero", ticketPath);
  assert.is(only(output).ticket, undefined);
});

test("a journal that is cut short claims what is left of it, whatever that is", async () => {
  const { output, inside } = await interrupted("journal");
  const whole = fs.readFileSync(inside);
  for (let length = whole.byteLength; length >= 0; length--) {
    fs.truncateSync(inside, length);
    const { chunksDone, bytesDone } = only(output);
    const records = Math.max(0, Math.floor((length - (whole.byteLength - 12)) / 4));
    assert.equal([chunksDone, bytesDone], [records, records * CHUNK]);
  }
  fs.rmSync(inside);
  assert.is(only(output).chunksDone, 0);
});

test("what another share's download left under this name is refused", async () => {
  const output = scratch();
  const mine = await killedAfter(output, singleFile(8 * CHUNK), 1);
  const elsewhere = scratch();
  const other = await killedAfter(elsewhere, singleFile(9 * CHUNK), 1);
  const renamed = await killedAfter(elsewhere, singleFile(8 * CHUNK, { name: "other.bin" }), 1);
  fs.copyFileSync(path.join(other, "root"), path.join(mine, "root"));
  assert.match(await refusal(mine), "its journal belongs to another share");
  fs.copyFileSync(path.join(renamed, "root"), path.join(mine, "root"));
  assert.match(await refusal(mine), "it belongs to a download of another name");
});

test("a root that is none is refused as what it is", async () => {
  const { partPath, inside } = await interrupted("root");
  fs.truncateSync(inside, 20);
  assert.is((await errorOf(() => surveyPart(partPath))).code, "MANIFEST_INVALID");
  fs.writeFileSync(inside, "");
  assert.is((await errorOf(() => surveyPart(partPath))).code, "MANIFEST_INVALID");
  fs.rmSync(inside);
  assert.match(await refusal(partPath), "it does not say what was downloaded");
});

test("a link or a file in the place of a part folder is refused and not followed", async () => {
  const { partPath } = await interrupted();
  const output = scratch();
  fs.symlinkSync(partPath, partPathOf(output, "big.bin"));
  fs.symlinkSync("/nowhere", partPathOf(output, "dangling"));
  fs.writeFileSync(partPathOf(output, "file"), "");
  const found = findParts(output);
  assert.is(found.length, 3);
  for (const one of found) assert.is(await refusal(one), "it is not a folder of this user");
});

test("links, folders, pipes and giants inside a part folder are refused before they are read", async () => {
  for (const name of ["root", "journal", "lock", "pause"]) {
    const { partPath, inside } = await interrupted(name);
    const stored = fs.existsSync(inside) ? fs.readFileSync(inside) : undefined;
    const elsewhere = path.join(scratch(), name);
    fs.writeFileSync(elsewhere, stored ?? "");
    const plant = async (make: () => void, why: RegExp) => {
      fs.rmSync(inside, { recursive: true, force: true });
      make();
      assert.match(await refusal(partPath), why);
    };
    await plant(() => fs.symlinkSync(elsewhere, inside), new RegExp(`its ${name} is not a file`));
    await plant(() => fs.mkdirSync(inside), new RegExp(`its ${name} is not a file`));
    await plant(() => spawnSync("mkfifo", [inside]), new RegExp(`its ${name} is not a file`));
    await plant(
      () => {
        fs.writeFileSync(inside, stored ?? "");
        fs.truncateSync(inside, 1024 * GIB);
      },
      new RegExp(`its ${name} has ${1024 * GIB} bytes, more than \\d+`),
    );
  }
});

test("a part folder that has gone, or whose download has just begun, is passed over", async () => {
  const { partPath } = await interrupted();
  const share = singleFile(8 * CHUNK, { name: "begun.bin" });
  const output = scratch();
  const part = await open(output, share);
  fs.rmSync(path.join(part.partPath, "root"));
  assert.is(surveyPart(part.partPath), undefined);
  part.close();
  fs.rmSync(partPath, { recursive: true });
  assert.is(surveyPart(partPath), undefined);
});

testUnless(noDescriptorList, "nothing is left open, however it ends", async () => {
  const { output, inside } = await interrupted("journal");
  only(output);
  fs.truncateSync(inside, 1024 * GIB);
  await refusal(path.dirname(inside));
  assert.equal(openBelow(output), []);
});

test("only names of part folders are looked at", () => {
  const output = scratch();
  for (const name of ["a.goshare-part", ".goshare-part", "..goshare-part", ".b.goshare-part", ".c.goshare"]) {
    fs.mkdirSync(path.join(output, name));
  }
  assert.equal(
    findParts(output).map((found) => path.basename(found)),
    [".b.goshare-part"],
  );
});

test.run();

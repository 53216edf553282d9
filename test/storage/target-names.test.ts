import * as fs from "node:fs";
import * as path from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { refuseUnsupportedNames } from "../../src/storage/final/target-names.js";
import { PartFolder } from "../../src/storage/part/part-folder.js";
import { file } from "../manifest/craft.js";
import { replaceCalls } from "./crash.js";
import { mixedFolder, type SampleInit, sampleShare } from "./sample-share.js";
import { errorOf, scratchFolders } from "./scratch.js";

const scratch = scratchFolders("names");

/** The error, if any, that a disk gives for these names; one for which case does not count if asked for. */
async function refusal(init: SampleInit, options: { ignoringCase?: boolean } = {}) {
  const { manifest } = sampleShare(init);
  const part = await PartFolder.open(scratch(), manifest.root);
  // On a disk that ignores case the journal is found under this name as well.
  if (options.ignoringCase === true) fs.writeFileSync(path.join(part.partPath, "JOURNAL"), "");
  try {
    refuseUnsupportedNames(manifest, part);
    return undefined;
  } catch (thrown) {
    return await errorOf(() => Promise.reject(thrown));
  } finally {
    part.close();
  }
}

const long = Array.from({ length: 20 }, () => "x".repeat(250)).join("/");

test("ordinary names are taken, on either kind of disk", async () => {
  const { files, emptyDirectories, symbolicLinks } = mixedFolder().manifest;
  assert.is(await refusal({ files, emptyDirectories, symbolicLinks }), undefined);
  assert.is(await refusal({ files, emptyDirectories, symbolicLinks }, { ignoringCase: true }), undefined);
});

test("a path longer than a disk takes is refused, wherever in the share it stands", async () => {
  for (const init of [
    { files: [file("a"), file(long)] },
    { emptyDirectories: [long] },
    { symbolicLinks: [{ path: long, target: "a" }] },
  ]) {
    const error = await refusal(init);
    assert.is(error?.code, "TARGET_NAME_UNSUPPORTED");
    assert.match(error?.message ?? "", "xxx");
    assert.match(error?.hint ?? "", /--output/);
  }
});

test("a path that is too long only below the output folder is refused before anything is fetched", async () => {
  const nearly = `${"y".repeat(70)}/${Array.from({ length: 16 }, () => "x".repeat(250)).join("/")}`;
  const error = await refusal({ files: [file("a"), file(nearly)] });
  assert.is(error?.code, "TARGET_NAME_UNSUPPORTED");
  assert.match(error?.message ?? "", 'xxx": it is too long there');
});

test("a name that is too long for the disk is refused before anything is fetched", async () => {
  const real = fs.lstatSync;
  const restore = replaceCalls({
    lstatSync: (...[entry, options]: [string, fs.StatSyncOptions?]) => {
      if (path.basename(entry).length > 143)
        throw Object.assign(new Error("ENAMETOOLONG"), { code: "ENAMETOOLONG" });
      return real(entry, options);
    },
  });
  const files = (letters: number) => [file("a/b"), file(`c/${"d".repeat(letters)}/e`), file("f".repeat(99))];
  const right = await refusal({ files: files(143) });
  const wrong = await refusal({ files: files(144) }).finally(restore);
  assert.is(right, undefined);
  assert.is(wrong?.code, "TARGET_NAME_UNSUPPORTED");
  assert.match(wrong?.message ?? "", 'd/e": it has a name that is too long');
});

test("names that differ in case alone are refused where case does not count", async () => {
  const cases: readonly SampleInit[] = [
    { files: [file("README"), file("readme")] },
    { files: [file("a/B/c"), file("a/b/d")] },
    { files: [file("A/x")], emptyDirectories: ["a"] },
    { files: [file("ä")], symbolicLinks: [{ path: "Ä", target: "ä" }] },
  ];
  for (const init of cases) {
    assert.is(await refusal(init), undefined);
    const error = await refusal(init, { ignoringCase: true });
    assert.is(error?.code, "TARGET_NAME_UNSUPPORTED");
    assert.match(error?.message ?? "", /this disk cannot (hold|tell)/);
  }
});

test("links are refused before anything is fetched where none can be made, and leave no trace elsewhere", async () => {
  const links = ["a", "b"].map((name) => ({ path: name, target: "c" }));
  for (const code of ["EPERM", "EINVAL", "ENOSYS", "ENOTSUP"]) {
    const restore = replaceCalls({
      symlinkSync: () => {
        throw Object.assign(new Error(`${code}: refused, symlink`), { code });
      },
    });
    const error = await refusal({ files: [file("c")], symbolicLinks: links }).finally(restore);
    assert.is(error?.code, "TARGET_NAME_UNSUPPORTED");
    assert.match(error?.message ?? "", /"a": it is a link.*, and 1 more$/);
    assert.match(error?.hint ?? "", "--select");
  }
  const { manifest } = sampleShare({ symbolicLinks: links });
  const part = await PartFolder.open(scratch(), manifest.root);
  const before = fs.readdirSync(part.partPath);
  refuseUnsupportedNames(manifest, part);
  assert.equal(fs.readdirSync(part.partPath), before);
  part.close();
});

test("the first name is given, and how many more there are", async () => {
  const files = ["a", "A", "b", "B", "c", "C"].map((name) => file(name));
  const error = await refusal({ files }, { ignoringCase: true });
  assert.match(error?.message ?? "", /and 2 more/);
});

test.run();

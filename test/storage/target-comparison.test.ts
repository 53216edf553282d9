import {
  chmodSync,
  mkdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { MIB } from "../../src/core/units.js";
import { assembleManifest } from "../../src/manifest/assemble.js";
import { computeLayout } from "../../src/manifest/layout.js";
import type { Manifest } from "../../src/manifest/manifest.js";
import { compareTarget } from "../../src/storage/final/target-comparison.js";
import { ScratchFolder } from "../support/scratch-folder.js";

const scratch = new ScratchFolder();
test.after(() => scratch.remove());

const FILES = [
  { path: "a.txt", size: 3, executable: false },
  { path: "sub/b.txt", size: 5, executable: false },
  { path: "sub/deep/c.sh", size: 7, executable: true },
];

function manifestOf(): Manifest {
  const { chunkCount } = computeLayout(
    FILES.map(({ size }) => size),
    MIB,
  );
  return assembleManifest({
    ...{ name: "things", kind: "folder", chunkSize: MIB, files: FILES },
    ...{ emptyDirectories: ["sub/empty"], symbolicLinks: [{ path: "link", target: "a.txt" }] },
    chunkDigests: new Uint8Array(32 * chunkCount),
  });
}

function rightTree(): string {
  const root = scratch.folder();
  mkdirSync(join(root, "sub", "deep"), { recursive: true });
  mkdirSync(join(root, "sub", "empty"));
  for (const { path, size, executable } of FILES)
    writeFileSync(join(root, path), Buffer.alloc(size), { mode: executable ? 0o755 : 0o644 });
  symlinkSync("a.txt", join(root, "link"));
  return root;
}

/** What is found after `change`, in few words. */
async function findings(change: (at: (path: string) => string) => void): Promise<string[]> {
  const root = rightTree();
  change((path) => join(root, path));
  const found = await compareTarget(root, manifestOf(), new AbortController().signal);
  return [
    ...[...found.files].map(([index, { problem, bytes }]) => `${problem} ${FILES[index]?.path} ${bytes}`),
    ...found.entries.map(({ problem, path }) => `${problem} ${path}`),
    ...found.modes.map((index) => `mode ${FILES[index]?.path}`),
    ...found.extras.map((path) => `extra ${path}`),
    ...found.unfinished.map(({ path, kind }) => `unfinished ${kind} ${path}`),
  ].sort();
}

test("what is as it should be is no finding", async () => {
  assert.equal(await findings(() => {}), []);
});

test("files that are missing, shorter, longer, or something else are found, and so is the executable bit", async () => {
  assert.equal(await findings((at) => unlinkSync(at("a.txt"))), ["missing a.txt 0"]);
  assert.equal(await findings((at) => truncateSync(at("sub/b.txt"), 2)), ["short sub/b.txt 2"]);
  assert.equal(await findings((at) => truncateSync(at("sub/b.txt"), 9)), ["long sub/b.txt 9"]);
  const swapped = await findings((at) => {
    unlinkSync(at("a.txt"));
    mkdirSync(at("a.txt"));
    writeFileSync(at("a.txt/inside"), "");
  });
  assert.equal(swapped, ["kind a.txt 0"]);
  assert.equal(await findings((at) => chmodSync(at("sub/deep/c.sh"), 0o644)), ["mode sub/deep/c.sh"]);
  assert.equal(await findings((at) => chmodSync(at("a.txt"), 0o755)), ["mode a.txt"]);
});

test("a link is never followed: not in the place of a file, nor of a folder, nor to something better", async () => {
  const file = await findings((at) => {
    renameSync(at("a.txt"), at("moved"));
    symlinkSync("moved", at("a.txt"));
  });
  assert.equal(file, ["extra moved", "kind a.txt 0"]);
  const folder = await findings((at) => {
    renameSync(at("sub"), at("moved"));
    symlinkSync("moved", at("sub"));
  });
  assert.equal(folder, [
    "extra moved/",
    "kind sub",
    "missing sub/b.txt 0",
    "missing sub/deep/c.sh 0",
    "missing sub/empty",
  ]);
  const link = await findings((at) => {
    unlinkSync(at("link"));
    symlinkSync("sub", at("link"));
  });
  assert.equal(link, ["target link"]);
});

test("empty folders and links can be missing, and what is there besides is named without looking into it", async () => {
  const found = await findings((at) => {
    rmSync(at("sub/empty"), { recursive: true });
    unlinkSync(at("link"));
    mkdirSync(at("new/deep"), { recursive: true });
    writeFileSync(at("sub/deep/more\u001b"), "");
    // No UTF-8: it is shown as well as it can be.
    writeFileSync(Buffer.concat([Buffer.from(at("sub/")), Buffer.from([0xff, 0x61])]), "");
  });
  assert.equal(found, [
    "extra new/",
    "extra sub/deep/more\u001b",
    "extra sub/\ufffda",
    "missing link",
    "missing sub/empty",
  ]);
});

test("what goshare itself has left unfinished is nothing that is there besides", async () => {
  const found = await findings((at) => {
    mkdirSync(at(".0123456789abcdef.goshare-repair/content"), { recursive: true });
    mkdirSync(at("sub/.film.goshare-part"));
    writeFileSync(at("sub/.file.goshare-part"), "");
  });
  assert.equal(found, [
    "extra sub/.file.goshare-part",
    "unfinished download sub/.film.goshare-part/",
    "unfinished repair .0123456789abcdef.goshare-repair/",
  ]);
});

test.run();

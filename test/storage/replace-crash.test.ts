// Downloads that replace what has their name, killed at every step: what stands there is the old or the new, whole, or
// is put back by the next run.
import * as fs from "node:fs";
import * as path from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { GoshareError } from "../../src/core/errors.js";
import { discardPart } from "../../src/storage/part/discard-part.js";
import { file } from "../manifest/craft.js";
import { killedAfter, replaceCalls } from "./crash.js";
import { downloadAll, partPathOf, syncAtOnce } from "./download-run.js";
import {
  actualTree,
  expectedTree,
  mixedFolder,
  type SampleShare,
  sampleShare,
  singleFile,
  writeSource,
} from "./sample-share.js";
import { scratchFolders } from "./scratch.js";

const scratch = scratchFolders("replace");

/** The processes are killed, not the machine: nothing need be made durable. */
const nothingDurable = { fsyncSync: () => undefined };

const oldFolder = sampleShare({
  name: "mixed",
  files: [file("a/one", 77), file("gone", 3), file("z", 5000)],
});
const oldFile = sampleShare({ name: "big.bin", kind: "file", files: [file("big.bin", 999)] });

const CASES: readonly (readonly [what: string, share: SampleShare, old: SampleShare])[] = [
  ["a folder", mixedFolder(), oldFolder],
  ["a file", singleFile(100_000), oldFile],
  ["a folder without chunks", sampleShare({ name: "mixed", emptyDirectories: ["a"] }), oldFolder],
];

const targetOf = (output: string, share: SampleShare) => path.join(output, share.manifest.root.name);
const partOf = (output: string, share: SampleShare) => partPathOf(output, share.manifest.root.name);
const replacing = (output: string, share: SampleShare) => downloadAll(output, share, syncAtOnce, "replace");

/** A kill that this process survives leaves its lock behind as that of a living one. */
const forgetHolder = (output: string, share: SampleShare) =>
  fs.rmSync(path.join(partOf(output, share), "lock"), { force: true });

function withOld(share: SampleShare, old: SampleShare): string {
  const output = scratch();
  writeSource(targetOf(output, share), old);
  return output;
}

/** Under the name stands all of the old or all of the new; or nothing, and the old is whole in the part folder. */
function stateOf(
  output: string,
  share: SampleShare,
  old: SampleShare,
  label: string,
): "old" | "new" | "aside" {
  const tree = JSON.stringify(sorted(actualTree(targetOf(output, share))));
  if (tree === JSON.stringify(sorted(expectedTree(share)))) return "new";
  if (tree === JSON.stringify(sorted(expectedTree(old)))) return "old";
  assert.is(tree, "[]", `${label}: neither old nor new`);
  assert.equal(actualTree(path.join(partOf(output, share), "replaced")), expectedTree(old), label);
  return "aside";
}

const sorted = (tree: Readonly<Record<string, string>>) => Object.entries(tree).sort();

for (const [what, share, old] of CASES) {
  test(`${what} replaces what was there, and nothing is left of that`, async () => {
    const output = withOld(share, old);
    await replacing(output, share);
    assert.equal(actualTree(targetOf(output, share)), expectedTree(share));
    assert.equal(fs.readdirSync(output), [share.manifest.root.name]);
  });

  test(`${what} that is killed while it replaces at any step, even twice, ends right`, async () => {
    const restore = replaceCalls(nothingDurable);
    const seen = new Set<string>();
    try {
      for (let step = 0; ; step++) {
        const output = withOld(share, old);
        const wasKilled = await killedAfter(step, () => replacing(output, share));
        seen.add(stateOf(output, share, old, `step ${step}`));
        if (!wasKilled) break;
        forgetHolder(output, share);
        await killedAfter((step * 7) % 31, () => replacing(output, share));
        seen.add(stateOf(output, share, old, `step ${step}, killed twice`));
        forgetHolder(output, share);
        await replacing(output, share);
        assert.is(stateOf(output, share, old, `step ${step}, at the end`), "new");
        assert.equal(fs.readdirSync(output), [share.manifest.root.name]);
      }
    } finally {
      restore();
    }
    assert.equal(
      [...seen].sort(),
      share.manifest.root.kind === "file" ? ["new", "old"] : ["aside", "new", "old"],
    );
  });

  test(`${what} that was killed while it replaced: without leave to replace, the old comes back or the new stays`, async () => {
    const restore = replaceCalls(nothingDurable);
    try {
      for (let step = 0; ; step++) {
        const output = withOld(share, old);
        if (!(await killedAfter(step, () => replacing(output, share)))) break;
        const before = stateOf(output, share, old, `step ${step}`);
        forgetHolder(output, share);
        let code = "";
        await downloadAll(output, share).catch((thrown: unknown) => {
          code = GoshareError.from(thrown).code;
        });
        const after = stateOf(output, share, old, `step ${step}, afterwards`);
        // What was finished may have been cleaned up as well: then there is nothing to go on with.
        assert.is(after, before === "new" ? "new" : "old", `step ${step}`);
        if (after === "old") assert.is(code, "TARGET_EXISTS", `step ${step}`);
      }
    } finally {
      restore();
    }
  });
}

/** Kills the replacing of a folder at every step, and calls `then` where the old one was moved aside by then. */
async function whereAside(then: (output: string, share: SampleShare) => Promise<void>): Promise<void> {
  const [, share, old] = CASES[0] ?? ["", mixedFolder(), oldFolder];
  const restore = replaceCalls(nothingDurable);
  let count = 0;
  try {
    for (let step = 20; ; step++) {
      const output = withOld(share, old);
      if (!(await killedAfter(step, () => replacing(output, share)))) break;
      if (stateOf(output, share, old, `step ${step}`) !== "aside") continue;
      forgetHolder(output, share);
      await then(output, share);
      assert.equal(actualTree(targetOf(output, share)), expectedTree(old));
      count++;
    }
  } finally {
    restore();
  }
  assert.ok(count > 0);
}

test("what was moved aside comes back when the download is discarded", () =>
  whereAside(async (output, share) => {
    await discardPart(partOf(output, share), targetOf(output, share));
    assert.equal(fs.readdirSync(output), [share.manifest.root.name]);
  }));

test("what was moved aside comes back before another share of that name is told that its place is taken", () =>
  whereAside(async (output, share) => {
    const other = sampleShare({ name: share.manifest.root.name, files: [file("other", 10)] });
    const thrown = await downloadAll(output, other).catch((error: unknown) => error);
    assert.is(GoshareError.from(thrown).code, "PART_UNUSABLE");
  }));

test("a folder whose new content cannot take the name comes back at once", async () => {
  const [, share, old] = CASES[0] ?? ["", mixedFolder(), oldFolder];
  const output = withOld(share, old);
  const rename = fs.renameSync;
  const restore = replaceCalls({
    renameSync: (from: string, to: string) => {
      if (from.endsWith("/content")) throw Object.assign(new Error("ENOSPC: made up"), { code: "ENOSPC" });
      rename(from, to);
    },
  });
  try {
    await replacing(output, share);
    assert.unreachable();
  } catch (thrown) {
    assert.is(GoshareError.from(thrown).code, "DISK_FULL");
  } finally {
    restore();
  }
  assert.equal(actualTree(targetOf(output, share)), expectedTree(old));
  await replacing(output, share);
  assert.equal(actualTree(targetOf(output, share)), expectedTree(share));
});

test("a folder that is mounted cannot be replaced, and that is said", async () => {
  const [, share, old] = CASES[0] ?? ["", mixedFolder(), oldFolder];
  const output = withOld(share, old);
  const rename = fs.renameSync;
  const restore = replaceCalls({
    renameSync: (from: string, to: string) => {
      if (to.endsWith("/replaced")) throw Object.assign(new Error("EBUSY: made up"), { code: "EBUSY" });
      rename(from, to);
    },
  });
  try {
    await replacing(output, share);
    assert.unreachable();
  } catch (thrown) {
    const { code, message } = GoshareError.from(thrown);
    assert.is(code, "TARGET_EXISTS");
    assert.match(message, "mounted");
  } finally {
    restore();
  }
  assert.equal(actualTree(targetOf(output, share)), expectedTree(old));
});

test.run();

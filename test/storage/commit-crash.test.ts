import { spawn, spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import { fileURLToPath } from "node:url";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { GoshareError } from "../../src/core/errors.js";
import { numberedName } from "../../src/storage/part/part-paths.js";
import { killedAfter, replaceCalls } from "./crash.js";
import { downloadAll, partPathOf, syncAtOnce } from "./download-run.js";
import {
  actualTree,
  expectedTree,
  mixedFolder,
  type SampleShare,
  sampleShare,
  singleFile,
} from "./sample-share.js";
import { errorOf, noStrace, scratchFolders, testUnless } from "./scratch.js";

const scratch = scratchFolders("crash");
const CHILD = fileURLToPath(new URL("download-child.js", import.meta.url));

const targetOf = (output: string, share: SampleShare) => path.join(output, share.manifest.root.name);

/** A kill that this process survives leaves its lock behind as that of a living one. */
function forgetHolder(output: string, share: SampleShare): void {
  fs.rmSync(path.join(output, `.${share.manifest.root.name}.goshare-part`, "lock"), { force: true });
}

/** Under the final name stands nothing, or an empty claim, or all of it. */
function assertNotPartial(output: string, share: SampleShare, label: string): void {
  const tree = actualTree(targetOf(output, share));
  const isClaim = Object.keys(tree).length === 1 && /^folder$|^file 0 /.test(tree[""] ?? "");
  if (Object.keys(tree).length > 0 && !isClaim) assert.equal(tree, expectedTree(share), label);
}

/** Runs again until it is done; it may say that it was done before. */
async function assertEndsRight(
  output: string,
  share: SampleShare,
  label: string,
  wasKilledTwice = false,
): Promise<void> {
  try {
    await downloadAll(output, share);
  } catch (thrown) {
    const error = GoshareError.from(thrown);
    assert.is(error.code, "TARGET_EXISTS", `${label}: ${error.message}`);
  }
  assert.equal(actualTree(targetOf(output, share)), expectedTree(share), label);
  const left = Object.keys(actualTree(output)).filter((name) => /goshare-part/.test(name));
  // A second kill just while a lock is made may leave that, where there is no journal to go by any more.
  const isLockAlone =
    wasKilledTwice && left.every((name) => /^\.[^/]*goshare-part(\/lock\.[^/]*)?$/.test(name));
  if (!isLockAlone) assert.equal(fs.readdirSync(output), [share.manifest.root.name], label);
}

/** The processes are killed, not the machine: nothing need be made durable. */
const nothingDurable = { fsyncSync: () => undefined };

const noHardLinks = {
  ...nothingDurable,
  linkSync: () => {
    throw Object.assign(new Error("EPERM: made up"), { code: "EPERM" });
  },
};

const SHARES: readonly (readonly [string, SampleShare, Readonly<Record<string, unknown>>])[] = [
  ["a folder", mixedFolder(), nothingDurable],
  ["a file", singleFile(100_000), nothingDurable],
  ["a file on a disk without hard links", singleFile(100_000), noHardLinks],
  ["a folder of nothing", sampleShare({ emptyDirectories: ["a"] }), nothingDurable],
];

for (const [what, share, replacements] of SHARES) {
  test(`a download of ${what} that is killed at any step, even twice, ends right`, async () => {
    const restore = replaceCalls(replacements);
    try {
      for (let step = 0; ; step++) {
        const output = scratch();
        const wasKilled = await killedAfter(step, () => downloadAll(output, share));
        assertNotPartial(output, share, `step ${step}`);
        if (!wasKilled) {
          assert.ok(step > 20, "there were steps to be killed at");
          break;
        }
        forgetHolder(output, share);
        // The second kill falls somewhere else each time.
        await killedAfter((step * 7) % 31, () => downloadAll(output, share)).catch((thrown: unknown) => {
          assert.is(GoshareError.from(thrown).code, "TARGET_EXISTS");
        });
        assertNotPartial(output, share, `step ${step}, killed twice`);
        forgetHolder(output, share);
        await assertEndsRight(output, share, `step ${step}`, true);
      }
    } finally {
      restore();
    }
  });
}

test("a kill after the claim costs no second look at the files and no fetch", async () => {
  for (const share of [mixedFolder(), singleFile(100_000)]) {
    let claimed = 0;
    for (let step = 20; ; step++) {
      const output = scratch();
      const wasKilled = await killedAfter(step, () => downloadAll(output, share));
      if (!wasKilled) break;
      const tree = actualTree(targetOf(output, share));
      if (Object.keys(tree).length !== Object.keys(expectedTree(share)).length || tree[""]?.endsWith(" 0"))
        continue;
      if (!fs.existsSync(path.join(output, `.${share.manifest.root.name}.goshare-part`, "journal"))) continue;
      forgetHolder(output, share);
      const { fetched, isTrusted } = await downloadAll(output, share);
      assert.equal({ fetched, isTrusted }, { fetched: [], isTrusted: true });
      claimed++;
    }
    assert.ok(claimed > 2);
  }
});

test("a download under another name keeps that one, wherever it is killed once it has it", async () => {
  for (const share of [mixedFolder(), singleFile(100_000)]) {
    const { name } = share.manifest.root;
    const other = numberedName(share.manifest.root, 1);
    const run = (output: string) => downloadAll(output, share, syncAtOnce, "rename");
    let claimed = 0;
    for (let step = 20; ; step++) {
      const output = scratch();
      fs.writeFileSync(path.join(output, name), "mine");
      if (!(await killedAfter(step, () => run(output)))) break;
      const partPath = partPathOf(output, other);
      if (!fs.existsSync(path.join(partPath, "journal"))) continue;
      fs.rmSync(path.join(partPath, "lock"), { force: true });
      const hadName = fs.existsSync(path.join(output, other));
      const { fetched } = await run(output);
      assert.equal(fs.readdirSync(output).sort(), [other, name].sort(), `step ${step}`);
      assert.equal(actualTree(path.join(output, other)), expectedTree(share), `step ${step}`);
      if (hadName && fetched.length === 0) claimed++;
    }
    assert.ok(claimed > 2);
  }
});

for (const [how, makeRoom] of [
  ["put there", (target: string) => fs.rmSync(target, { force: true })],
  // The same file to the disk, as one may be that was put there after ours was removed: its number is given anew.
  ["wrote there", () => undefined],
] as const) {
  test(`what somebody ${how} under the name after a kill is not taken for the download`, async () => {
    const share = singleFile(100_000);
    for (let step = 20; ; step++) {
      const output = scratch();
      if (!(await killedAfter(step, () => downloadAll(output, share)))) break;
      forgetHolder(output, share);
      makeRoom(targetOf(output, share));
      fs.writeFileSync(targetOf(output, share), "mine");
      assert.is((await errorOf(() => downloadAll(output, share))).code, "TARGET_EXISTS", `step ${step}`);
      assert.is(fs.readFileSync(targetOf(output, share), "utf8"), "mine");
    }
  });
}

interface ChildEnd {
  readonly said: string;
  readonly wasKilled: boolean;
}

/** Downloads in a process of its own, of which strace lets some system calls fail or be its last. */
function runTraced(inject: string, ...argv: readonly string[]): Promise<ChildEnd> {
  const strace = ["-f", "-qq", "-o", "/dev/null", "-e", `trace=${inject.split(":")[0]}`];
  const child = spawn("strace", [...strace, "-e", `inject=${inject}`, process.execPath, CHILD, ...argv], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let said = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    said += text;
  });
  return new Promise((resolve) => {
    child.once("close", (_code, signal) => resolve({ said: said.trim(), wasKilled: signal === "SIGKILL" }));
  });
}

/** System calls of a commit, and which of them are the last. */
const KILLS: readonly (readonly [calls: string, kind: "folder" | "file", ...when: number[]])[] = [
  ["?mkdir,?mkdirat", "folder", 2, 8, 9, 10],
  ["?symlink,?symlinkat", "folder", 1, 3],
  ["?rename,?renameat,?renameat2", "folder", 1],
  ["?link,?linkat", "file", 2],
  ["?unlink,?unlinkat", "file", 1, 2, 3, 4],
  ["?unlink,?unlinkat", "folder", 2, 3, 4],
  ["?rmdir", "file", 1, 2],
  ["fsync", "folder", 1, 9, 16],
  ["fsync", "file", 2, 4],
];

for (const [calls, kind, ...numbers] of KILLS) {
  const title = `a process killed at ${calls.replace(/^\?|,.*/g, "")} of a ${kind} leaves what the next ends right`;
  testUnless(noStrace, title, async () => {
    const share = kind === "folder" ? mixedFolder() : singleFile(100_000);
    for (const when of numbers) {
      const output = scratch();
      const end = await runTraced(`${calls}:signal=KILL:when=${when}`, kind, output);
      assert.equal(end, { said: "", wasKilled: true }, `call ${when}`);
      assertNotPartial(output, share, `call ${when}`);
      await assertEndsRight(output, share, `call ${when}`);
    }
  });
}

testUnless(
  noStrace,
  "a disk that cannot make files durable fails the download, and no name is claimed",
  async () => {
    for (const [kind, withPool, when] of [
      ["folder", "pool", "1+"],
      ["folder", "pool", "5"],
      ["file", "pool", "1"],
      ["file", "at once", "3"],
    ] as const) {
      const output = scratch();
      const end = await runTraced(`fsync:error=EIO:when=${when}`, kind, output, withPool);
      const said = withPool === "pool" ? "SYNC_FAILED" : "DISK_FAILED";
      assert.equal(end, { said, wasKilled: false }, `${kind}, ${withPool}, ${when}`);
      const share = kind === "folder" ? mixedFolder() : singleFile(100_000);
      assert.equal(actualTree(targetOf(output, share)), {}, "no final name");
      await assertEndsRight(output, share, kind);
    }
  },
);

const noSmallDisk = (() => {
  if (process.platform !== "linux") return "only Linux has disks of memory";
  const { status } = spawnSync("unshare", ["-m", "mount", "-t", "tmpfs", "tmpfs", "/mnt"], {
    stdio: "ignore",
  });
  return status === 0 ? undefined : "this user may not mount a small disk";
})();

testUnless(
  noSmallDisk,
  "a full disk says so, keeps what was verified, and goes on when there is room",
  () => {
    const disk = path.join(scratch(), "disk");
    fs.mkdirSync(disk);
    const script = [
      'mount -t tmpfs -o size=80k,mode=700 tmpfs "$0"',
      '"$1" "$2" file "$0"',
      'ls -A "$0"',
      'mount -o remount,size=10m "$0"',
      '"$1" "$2" file "$0"',
      'ls -A "$0"; wc -c < "$0/big.bin"; sha256sum < "$0/big.bin"',
    ].join("\n");
    const { stdout } = spawnSync("unshare", ["-m", "sh", "-ec", script, disk, process.execPath, CHILD], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "inherit"],
    });
    const [first, left, second, name, bytes, digest] = stdout.trim().split(/\n/);
    assert.is(first, "DISK_FULL");
    assert.is(left, ".big.bin.goshare-part");
    assert.equal([second, name, bytes], ["fetched 1", "big.bin", "100000"]);
    assert.match(expectedTree(singleFile(100_000))[""] ?? "", digest?.split(" ")[0] ?? "nothing");
  },
);

test.run();

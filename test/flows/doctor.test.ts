import { readdirSync } from "node:fs";
import * as net from "node:net";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { checkDisk, checkRuntime } from "../../src/flows/checking/machine-checks.js";
import { checkPeerPort } from "../../src/flows/checking/network-checks.js";
import { judged, reachabilityUnknown } from "../../src/flows/checking/reachable-check.js";
import { startFakeCli } from "../support/fake-cli.js";
import { freePort } from "../support/free-port.js";
import { GoshareProcess, killAll } from "../support/goshare-process.js";
import { runGoshare } from "../support/goshare-text.js";
import { ScratchFolder } from "../support/scratch-folder.js";
import { failure, startTracker } from "../support/transfer.js";

const scratch = new ScratchFolder();
test.after(() => {
  killAll();
  scratch.remove();
});

const LOOPBACK = ["--listen", "127.0.0.1:0"];
const SUBJECTS = ["node", "peer port", "tracker port", "tracker", "reachable", "disk", "clock", "hashing"];

test("doctor looks at everything, changes nothing, and ends with 0 if no problem is left", async () => {
  const cwd = scratch.folder();
  const tracker = await startTracker();
  const argv = ["doctor", "--tracker", tracker.endpoint, ...LOOPBACK];
  const process = new GoshareProcess(argv, undefined, { cwd });
  assert.equal(await process.exited, { exitCode: 0, signal: null });
  assert.equal(Object.keys(process.events.at(-1) ?? {}), ["done"]);
  const checked = process.all("checked");
  assert.equal(
    checked.map(({ subject }) => subject),
    SUBJECTS,
  );
  const verdictOf = (subject: string) => checked.find((one) => one["subject"] === subject);
  assert.is(verdictOf("tracker")?.["verdict"], "ok");
  assert.match(String(verdictOf("tracker")?.["message"]), /^127\.0\.0\.1:\d+ answers in .* \(goshare\//);
  assert.is(verdictOf("reachable")?.["verdict"], "skipped");
  assert.match(String(verdictOf("reachable")?.["message"]), "runs on this machine, which proves nothing");
  assert.is(verdictOf("disk")?.["verdict"], "ok");
  assert.match(String(verdictOf("hashing")?.["message"]), /SHA-256 at .*iB\/s with \d+ threads/);
  assert.equal(readdirSync(cwd), []);
  await tracker.process.stop();
});

test("a tracker that does not answer is a problem with a fix, and doctor ends with 1", async () => {
  const nobody = `127.0.0.1:${await freePort()}`;
  const process = new GoshareProcess(["doctor", "--tracker", nobody, ...LOOPBACK]);
  const { code, exitCode, message } = await failure(process);
  assert.equal([code, exitCode], ["PROBLEM_FOUND", 1]);
  assert.match(message, "tracker");
  const tracker = process.all("checked").find(({ subject }) => subject === "tracker");
  assert.is(tracker?.["verdict"], "problem");
  assert.match(String(tracker?.["fix"]), "check its address");
});

test("an output that is a file is a problem of the disk, and the rest is looked at", async () => {
  const path = scratch.file("f", 1);
  for (const output of [path, join(path, "x")]) {
    const process = new GoshareProcess(["doctor", "--output", output, ...LOOPBACK]);
    const { code, exitCode } = await failure(process);
    assert.equal([code, exitCode], ["PROBLEM_FOUND", 1]);
    const checked = process.all("checked");
    const disk = checked.find(({ subject }) => subject === "disk");
    assert.equal([disk?.["verdict"], disk?.["message"]], ["problem", `${path} is a file`]);
    assert.is(checked.at(-1)?.["subject"], "hashing");
  }
});

test("people see a line for each, with what to do below it", async () => {
  const nobody = `127.0.0.1:${await freePort()}`;
  const argv = ["doctor", "--tracker", nobody, ...LOOPBACK, "--output", scratch.path];
  const { exitCode, stdout, stderr } = await runGoshare(argv);
  assert.is(exitCode, 1);
  const lines = stdout.split("\n").filter((line) => !line.startsWith(" ") && line !== "");
  assert.equal(
    lines.map((line) => line.slice(9).split(":", 1)[0]),
    SUBJECTS,
  );
  assert.match(stdout, /^problem {2}tracker: 127\.0\.0\.1:\d+ cannot be reached\n {9}check its address/m);
  assert.match(stderr, /^error: goshare cannot work properly here: tracker\n/);
});

test("a port that is taken is a warning, one that may not be had a problem", async () => {
  const server = net.createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" ? (address?.port ?? 0) : 0;
  assert.is((await checkPeerPort({ host: "127.0.0.1", port })).verdict, "warning");
  await new Promise((resolve) => server.close(resolve));
  assert.is((await checkPeerPort({ host: "127.0.0.1", port })).verdict, "ok");
  const foreign = await checkPeerPort({ host: "192.0.2.77", port: 0 });
  assert.equal([foreign.verdict, foreign.fix !== ""], ["problem", true]);
});

test("a disk on which nothing can be written is a problem, and a folder that is not there yet is none", () => {
  assert.is(checkDisk("/proc/self").verdict, "problem");
  const folder = scratch.folder();
  const { verdict, message } = checkDisk(join(folder, "not", "yet"));
  assert.is(verdict, "ok");
  assert.match(message, `${folder}: `);
  assert.equal(readdirSync(folder), []);
});

test("a Node that gets no fixes any more is a warning from that day on", () => {
  assert.is(checkRuntime("22.1.0", Date.parse("2027-04-29")).verdict, "ok");
  const old = checkRuntime("22.1.0", Date.parse("2027-05-01"));
  assert.equal([old.verdict, old.fix !== ""], ["warning", true]);
  assert.is(checkRuntime("99.0.0", Date.parse("2099-01-01")).verdict, "ok");
});

test("whoever is seen at an address that is not its own is behind a router, which is said with what to do", () => {
  const listen = { host: "192.0.2.1", port: 9000 };
  assert.is(reachabilityUnknown(listen, ["192.0.2.1"], "why").verdict, "skipped");
  assert.is(reachabilityUnknown(listen, ["127.0.0.1", "192.0.2.1"], "why").verdict, "skipped");
  const behind = reachabilityUnknown(listen, ["198.51.100.7"], "why");
  assert.is(behind.verdict, "warning");
  assert.match(behind.fix, "--advertise 198.51.100.7:9000");
});

test("what a dial-back behind a router means is said with what to do there", () => {
  const tracker = { host: "192.0.2.9", port: 8080, transport: "tcp" } as const;
  const place = { host: "198.51.100.7", port: 9000, transport: "tcp" } as const;
  const unknown = (): never => {
    throw new Error("it is known");
  };
  const missed = judged("notReached", tracker, place, true, unknown);
  assert.is(missed.verdict, "warning");
  assert.match(
    missed.fix,
    "forward TCP port 9000 to this machine, and share with --advertise 198.51.100.7:9000",
  );
  const reached = judged("reached", tracker, place, true, unknown);
  assert.equal([reached.verdict, reached.fix.includes("--advertise 198.51.100.7:9000")], ["ok", true]);
});

test("every option of doctor reaches the flow", async () => {
  const seen: unknown[] = [];
  const cli = startFakeCli(["doctor", "--tracker", "192.0.2.1", "--listen", "[::1]:7", "--output", "isos"], {
    flows: { doctor: async () => ({ doctor: async (options) => void seen.push(options) }) },
  });
  assert.is(await cli.exitCode, 0);
  assert.equal(seen, [
    {
      trackers: [{ host: "192.0.2.1", port: 8080, transport: "tcp" }],
      probeLocalTracker: false,
      listen: { host: "::1", port: 7 },
      listenGiven: true,
      outputDirectory: "isos",
    },
  ]);
});

test.run();

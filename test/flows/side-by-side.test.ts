import { existsSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { decodeTicket } from "../../src/address/ticket.js";
import { MIB } from "../../src/core/units.js";
import type { ChildSetting } from "../support/goshare-child.js";
import { GoshareProcess, killAll } from "../support/goshare-process.js";
import { GoshareText } from "../support/goshare-text.js";
import { NetworkHost, namespaceProblem, removeHosts } from "../support/network-hosts.js";
import { ScratchFolder, sha256Of } from "../support/scratch-folder.js";
import { skipTest } from "../support/skip-test.js";
import { download, failure, startDownload, startShare, startTracker } from "../support/transfer.js";

const scratch = new ScratchFolder();

test.after(() => {
  killAll();
  removeHosts();
  scratch.remove();
});

test("several downloads of one share at once get it each, and the sharer sends no chunk twice to one of them", async () => {
  const bytes = 24 * MIB + 7;
  const source = scratch.file("film.bin", bytes);
  const tracker = await startTracker();
  const share = await startShare(source, ["--tracker", tracker.endpoint]);
  const downloads = Array.from({ length: 4 }, () => download(share.ticket, scratch.folder()));
  for (const { path, bytesReceived } of await Promise.all(downloads)) {
    assert.is(sha256Of(path), sha256Of(source));
    assert.is(bytesReceived, bytes);
  }
  await share.process.stop();
  assert.ok(Number(share.process.all("stopped")[0]?.["bytesSent"]) <= 4 * bytes);
  await tracker.process.stop();
});

test("downloads of different shares into one folder do not disturb each other", async () => {
  const sources = ["one.bin", "two.bin", "three.bin"].map((name) => scratch.file(name, 3 * MIB));
  const shares = await Promise.all(sources.map((source) => startShare(source)));
  const output = scratch.folder();
  const results = await Promise.all(shares.map(({ ticket }) => download(ticket, output)));
  assert.equal(
    results.map(({ path }) => sha256Of(path)),
    sources.map(sha256Of),
  );
  await Promise.all(shares.map(({ process }) => process.stop()));
});

/** A machine whose ports are all free, or why there is none: tests of default ports must not meet others. */
async function machineOfItsOwn(): Promise<ChildSetting | string> {
  const problem = namespaceProblem();
  if (problem === undefined) return { wrapper: new NetworkHost().wrapper };
  for (const port of [8080, 9000]) {
    if (!(await isFree(port))) return `${problem}, and port ${port} of this machine is taken`;
  }
  return {};
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, () => server.close(() => resolve(true)));
  });
}

const machine = await machineOfItsOwn();

function onDefaultPorts(title: string, body: (setting: ChildSetting) => Promise<void>): void {
  if (typeof machine === "string") skipTest(title, machine);
  else test(title, () => body({ ...machine, cwd: scratch.folder() }));
}

onDefaultPorts(
  "two shares and their downloads without a flag: the second share takes another port",
  async (on) => {
    const sources = [scratch.file("one.bin", MIB), scratch.file("two.bin", MIB)];
    const processes: GoshareProcess[] = [];
    const tickets: string[] = [];
    for (const source of sources) {
      const process = new GoshareProcess(["share", source], undefined, on);
      tickets.push(String((await process.waitFor("sharing"))["ticket"]));
      processes.push(process);
    }
    const [first, second] = tickets.map((ticket) => decodeTicket(ticket).peers[0]?.port);
    assert.is(first, 9000);
    assert.not.equal(second, 9000);
    const notices = processes.map((process) => process.all("warning").map((warning) => warning["message"]));
    assert.equal(notices, [[], [`port 9000 is taken, listening on ${second} instead`]]);

    const results = await Promise.all(tickets.map((ticket) => download(ticket, scratch.folder(), [], on)));
    assert.equal(
      results.map(({ path }) => sha256Of(path)),
      sources.map(sha256Of),
    );
    await Promise.all(processes.map((process) => process.stop()));
  },
);

onDefaultPorts(
  "a content id without any tracker or peer fails at once and says what is missing",
  async (on) => {
    const output = join(scratch.folder(), "not-made");
    const process = startDownload("ab".repeat(32), output, ["--timeout", "1h"], on);
    const { code, exitCode, hint } = await failure(process);
    assert.equal([code, exitCode], ["NO_PEERS", 3]);
    assert.match(hint, "--tracker");
    assert.not(existsSync(output));
  },
);

onDefaultPorts("a tracker at its default port is found by both sides without being named", async (on) => {
  const source = scratch.file("film.bin", MIB);
  const tracker = await startTracker([], on);
  const sharer = new GoshareText(["share", source], on);
  await sharer.says(/announced to localhost:8080/);
  const [line = ""] = await sharer.says(/goshare download goshare1\S+/);
  const ticket = line.split(" ")[2] ?? "";
  const { path } = await download(decodeTicket(ticket).contentId, scratch.folder(), [], on);
  assert.is(sha256Of(path), sha256Of(source));
  sharer.kill("SIGINT");
  assert.is((await sharer.ended).exitCode, 0);
  await tracker.process.stop();
});

onDefaultPorts("downloads go to the folder downloads where nothing else is said", async (on) => {
  const source = scratch.file("film.bin", 10);
  const process = new GoshareProcess(["share", source], undefined, on);
  const { ticket } = await process.waitFor("sharing");
  const downloader = new GoshareText(["download", String(ticket)], on);
  const { exitCode, stdout } = await downloader.ended;
  assert.is(exitCode, 0);
  assert.is(stdout, `${on.cwd}/downloads/film.bin\n`);
  await process.stop();
});

test.run();

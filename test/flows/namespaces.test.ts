import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { decodeTicket } from "../../src/address/ticket.js";
import { MIB } from "../../src/core/units.js";
import { DEFAULT_CALLS_PER_ADDRESS } from "../../src/tracker/limits.js";
import type { ChildSetting } from "../support/goshare-child.js";
import { GoshareProcess, killAll } from "../support/goshare-process.js";
import { namespaceTest } from "../support/namespace-test.js";
import { NetworkHost, removeHosts } from "../support/network-hosts.js";
import { ScratchFolder, sha256Of } from "../support/scratch-folder.js";
import { download, startTracker } from "../support/transfer.js";

const scratch = new ScratchFolder();
const source = scratch.file("film.bin", 5 * MIB);
const digest = sha256Of(source);

test.after(() => {
  killAll();
  removeHosts();
  scratch.remove();
});

const IPV4 = [["10.77.0.1/24"], ["10.77.0.2/24"]] as const;
const IPV6 = [["fd77::1/64"], ["fd77::2/64"]] as const;

interface TwoHosts {
  readonly a: NetworkHost;
  readonly inA: ChildSetting;
  readonly inB: ChildSetting;
}

/** Runs `body` with two machines, A and B, joined by a cable. */
async function withHosts(
  [ofA, ofB]: readonly [readonly string[], readonly string[]],
  body: (hosts: TwoHosts) => Promise<void>,
): Promise<void> {
  const [a, b] = [new NetworkHost(), new NetworkHost()];
  try {
    a.join(b, ofA, ofB);
    const cwd = scratch.folder();
    await body({ a, inA: { wrapper: a.wrapper, cwd }, inB: { wrapper: b.wrapper, cwd } });
  } finally {
    killAll();
    a.remove();
    b.remove();
  }
}

/** Shares without a flag. */
async function shareIn(setting: ChildSetting) {
  const process = new GoshareProcess(["share", source], undefined, setting);
  const sharing = await process.waitFor("sharing");
  return { process, sharing, ticket: String(sharing["ticket"]), contentId: String(sharing["contentId"]) };
}

const peersOf = (ticket: string) => decodeTicket(ticket).peers.map(({ host, port }) => `${host} ${port}`);

async function arrives(what: string, args: readonly string[], setting: ChildSetting): Promise<void> {
  const output = scratch.folder();
  const { path } = await download(what, output, args, setting);
  assert.is(path, join(output, "film.bin"));
  assert.is(sha256Of(path), digest);
}

namespaceTest("between two machines: one command on each side, without a flag", () =>
  withHosts(IPV4, async ({ inA, inB }) => {
    const { ticket, sharing } = await shareIn(inA);
    assert.equal(sharing["trackers"], []);
    assert.equal(peersOf(ticket), ["10.77.0.1 9000"]);
    await arrives(ticket, [], inB);
  }),
);

namespaceTest("between two machines with a tracker on the first, which nobody had to name there", () =>
  withHosts(IPV4, async ({ inA, inB }) => {
    const tracker = await startTracker([], inA);
    assert.match(tracker.endpoint, /:8080$/);
    const { ticket, contentId, sharing } = await shareIn(inA);
    assert.equal(sharing["trackers"], ["localhost:8080"]);
    // The tracker saw the sharer on its own loopback, and tells B an address that B can reach.
    await arrives(contentId, ["--tracker", "10.77.0.1:8080"], inB);
    await arrives(ticket, [], inB);
  }),
);

namespaceTest("between two machines with IPv6 only, by ticket and by tracker", () =>
  withHosts(IPV6, async ({ inA, inB }) => {
    await startTracker([], inA);
    const { ticket, contentId, sharing } = await shareIn(inA);
    assert.equal(sharing["trackers"], ["localhost:8080"]);
    assert.equal(peersOf(ticket), ["fd77::1 9000"]);
    await arrives(ticket, [], inB);
    await arrives(contentId, ["--tracker", "[fd77::1]:8080"], inB);
  }),
);

namespaceTest("between two machines with both kinds of addresses the ticket has both", () =>
  withHosts(
    [
      [...IPV4[0], ...IPV6[0]],
      [...IPV4[1], ...IPV6[1]],
    ],
    async ({ inA, inB }) => {
      const { ticket } = await shareIn(inA);
      assert.equal(peersOf(ticket), ["10.77.0.1 9000", "fd77::1 9000"]);
      await arrives(ticket, [], inB);
    },
  ),
);

namespaceTest("a second interface that is down is not in the ticket", () =>
  withHosts(IPV4, async ({ a, inA, inB }) => {
    a.addInterface("down0", "192.168.50.1/24", "down");
    const { ticket } = await shareIn(inA);
    assert.equal(peersOf(ticket), ["10.77.0.1 9000"]);
    await arrives(ticket, [], inB);
  }),
);

namespaceTest("a second interface that the other machine cannot reach does no harm", () =>
  withHosts(IPV4, async ({ a, inA, inB }) => {
    a.addInterface("away0", "10.99.0.1/24", "up");
    const { ticket } = await shareIn(inA);
    assert.equal(peersOf(ticket).sort(), ["10.77.0.1 9000", "10.99.0.1 9000"]);
    await arrives(ticket, [], inB);
  }),
);

namespaceTest("a tracker elsewhere takes more shares of a command than it takes calls", () =>
  withHosts(IPV4, async ({ inA, inB }) => {
    await startTracker([], inA);
    const folder = scratch.folder();
    const paths = Array.from({ length: DEFAULT_CALLS_PER_ADDRESS * 3 }, (_, n) => join(folder, `${n}.txt`));
    for (const path of paths) writeFileSync(path, path);
    const tracker = ["--tracker", "10.77.0.1:8080"];
    const process = new GoshareProcess(["share", ...paths, ...tracker], undefined, inB);
    const last = await process.waitFor("sharing", ({ name }) => name === `${paths.length - 1}.txt`);
    const sharing = process.all("sharing");
    assert.ok(sharing.every(({ trackers }) => String(trackers) === "10.77.0.1:8080"));
    assert.equal(process.all("warning"), []);
    const { path } = await download(String(last["contentId"]), scratch.folder(), tracker, inA);
    assert.is(readFileSync(path, "utf8"), paths.at(-1));
    assert.equal(await process.stop(), { exitCode: 0, signal: null });
  }),
);

namespaceTest("a machine without a network shares with itself", async () => {
  const alone = new NetworkHost();
  const inside = { wrapper: alone.wrapper, cwd: scratch.folder() };
  const { ticket } = await shareIn(inside);
  assert.equal(peersOf(ticket), ["127.0.0.1 9000", "::1 9000"]);
  await arrives(ticket, [], inside);
});

test.run();

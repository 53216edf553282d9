// Trackers that are down, slow, something else, or hostile, as a user meets them.
import { once } from "node:events";
import { existsSync } from "node:fs";
import * as http from "node:http";
import * as net from "node:net";
import { networkInterfaces } from "node:os";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { requireEndpoint } from "../../src/address/endpoint.js";
import { MIB } from "../../src/core/units.js";
import {
  closeFakeTrackers,
  namingPeers,
  startFakeTracker,
  type TrackerMethods,
} from "../support/fake-tracker.js";
import { killAll } from "../support/goshare-process.js";
import { runGoshare } from "../support/goshare-text.js";
import { ScratchFolder, sha256Of } from "../support/scratch-folder.js";
import { destroyScripted, ScriptedListener } from "../support/scripted-peer.js";
import { skipTest } from "../support/skip-test.js";
import { download, type StartedShare, startShare } from "../support/transfer.js";

const scratch = new ScratchFolder();
const source = scratch.file("film.bin", 2 * MIB);
const sockets = new Set<net.Socket>();
const servers = new Set<net.Server>();
let share: StartedShare;

test.before(async () => {
  share = await startShare(source);
});

test.after(async () => {
  killAll();
  destroyScripted();
  for (const socket of sockets) socket.destroy();
  for (const server of servers) server.close();
  await closeFakeTrackers();
  scratch.remove();
});

/** HOST:PORT of a server that is no tracker. */
async function foreign(server: net.Server): Promise<string> {
  servers.add(server);
  server.on("connection", (socket) => sockets.add(socket.on("error", () => undefined)));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return `127.0.0.1:${address.port}`;
}

const garbage: Partial<TrackerMethods> = {
  listPeers: { name: "listPeers", invoke: async () => Buffer.from("garbage") },
  getManifest: { name: "getManifest", invoke: async () => Buffer.from("garbage") },
};

test("where the sharer and its tracker have gone both are named, even if the download took the sharer's port", async () => {
  const down = net.createServer();
  const nobody = await foreign(down);
  down.close();
  const gone = await startShare(scratch.file("gone.bin", 10));
  await gone.process.stop();
  for (const listen of ["127.0.0.1:0", gone.endpoint]) {
    const argv = ["download", gone.ticket, "--tracker", nobody, "--timeout", "1s", "--listen", listen];
    const { exitCode, stderr } = await runGoshare(argv, { cwd: scratch.folder() });
    assert.is(exitCode, 3, stderr);
    assert.match(stderr, `warning: tracker ${nobody} cannot be reached`);
    assert.match(
      stderr,
      new RegExp(`error: nobody who has .* could be reached; last error: .*${gone.endpoint}`),
    );
  }
});

/** HOST:PORT of trackers that are none: nobody, somebody silent, a web server, noise, and nonsense in gRPC. */
async function noTrackers(): Promise<readonly string[]> {
  const down = net.createServer();
  const nobody = await foreign(down);
  down.close();
  return [
    nobody,
    await foreign(net.createServer()),
    await foreign(http.createServer((_request, response) => response.end("hello"))),
    await foreign(net.createServer((socket) => socket.write(Buffer.alloc(100_000, 0xa5)))),
    (await startFakeTracker(garbage)).endpoint,
  ];
}

/** Which of them it is depends on how far a call has come when the download's time is over. */
const SAID =
  /could be reached: tracker (\S+) (cannot be reached|has not answered yet|sent an answer that no tracker sends)$/;

test("with nothing but a tracker that is none, a download ends with 4, names it, and makes nothing", async () => {
  for (const tracker of await noTrackers()) {
    const output = join(scratch.folder(), "output");
    const { exitCode, stderr, stdout } = await runGoshare([
      ...["download", share.contentId, "--tracker", tracker, "--output", output],
      ...["--timeout", "800ms", "--listen", "127.0.0.1:0", "--quiet"],
    ]);
    assert.is(exitCode, 4, stderr);
    assert.is(stdout, "");
    const lines = stderr
      .trimEnd()
      .split("\n")
      .filter((line) => !line.startsWith("warning: "));
    assert.is(SAID.exec(lines[0] ?? "")?.[1], tracker, stderr);
    assert.match(lines[1] ?? "", /^ {2}\w/);
    assert.is(lines.length, 2, stderr);
    assert.not.ok(existsSync(output));
  }
});

test("beside a ticket that leads to the sharer they do no harm", async () => {
  const trackers = (await noTrackers()).flatMap((tracker) => ["--tracker", tracker]);
  const { path, process } = await download(share.ticket, scratch.folder(), trackers);
  assert.is(sha256Of(path), sha256Of(source));
  for (const { code } of process.all("warning")) assert.match(String(code), /^TRACKER_/);
});

test("a tracker that is silent holds up several shares once, and not each of them", async () => {
  const silent = await foreign(net.createServer());
  const names = ["second", "third", "fourth", "fifth"];
  const paths = names.map((name, index) => scratch.file(name, 10 + index));
  const { process } = await startShare(scratch.file("first", 9), [...paths, "--tracker", silent]);
  const begunMs = performance.now();
  for (const name of names) await process.waitFor("sharing", (body) => body["name"] === name);
  // One by one they would take three seconds each.
  assert.ok(performance.now() - begunMs < 6_000);
  await process.stop();
});

test("a tracker that is silent does not keep a download from the next one for long", async () => {
  const silent = await foreign(net.createServer());
  const tracker = await startFakeTracker(namingPeers([requireEndpoint(share.endpoint, "peer", 0)]));
  const trackers = ["--tracker", silent, "--tracker", tracker.endpoint];
  const { path, elapsedMs } = await download(share.contentId, scratch.folder(), trackers);
  assert.is(sha256Of(path), sha256Of(source));
  // A call to a tracker may take 10 s.
  assert.ok(elapsedMs < 8_000, `${elapsedMs} ms`);
});

test("a share goes on beside a tracker that is none, and does not say that it announced to it", async () => {
  const tracker = (await startFakeTracker(garbage)).endpoint;
  const other = await startShare(source, ["--tracker", tracker]);
  assert.equal(other.sharing["trackers"], []);
  assert.equal(
    other.process.all("warning").map(({ code, path }) => [code, path]),
    [["TRACKER_PROTOCOL", tracker]],
  );
  await other.process.stop();
});

test("addresses that nobody may dial, and thousands of peers, do not keep a download from the honest one", async () => {
  const crowd = Array.from({ length: 3_000 }, (_, n) => ({ host: `127.1.${n >> 8}.${n & 255}`, port: 9 }));
  const odd = [
    { host: "224.0.0.1", port: 9000 },
    { host: "255.255.255.255", port: 9000 },
    { host: "0.0.0.0", port: 9000 },
    { host: "127.0.0.1", port: 0 },
    { host: "not a host", port: 9000 },
    { host: "127.1", port: 9000 },
  ];
  const peers = [...odd, requireEndpoint(share.endpoint, "peer", 0), ...crowd];
  const tracker = await startFakeTracker(namingPeers(peers));
  const { path } = await download(share.contentId, scratch.folder(), ["--tracker", tracker.endpoint]);
  assert.is(sha256Of(path), sha256Of(source));
});

/** An address of this machine that is not loopback. */
const ownAddress = Object.values(networkInterfaces())
  .flatMap((addresses) => addresses ?? [])
  .find(({ family, internal }) => family === "IPv4" && !internal)?.address;
const title = "a tracker on another machine cannot make a download dial this machine's own loopback";

if (ownAddress === undefined) skipTest(title, "this machine has no address but loopback");
else {
  test(title, async () => {
    const service = await ScriptedListener.listen();
    const honest = await startShare(source, ["--listen", `${ownAddress}:0`]);
    const { port } = service.endpoint;
    const peers = [
      { host: "127.0.0.1", port },
      { host: "::ffff:127.0.0.1", port },
      { host: "localhost", port },
      requireEndpoint(honest.endpoint, "peer", 0),
    ];
    const tracker = await startFakeTracker(namingPeers(peers), ownAddress);
    const { path } = await download(share.contentId, scratch.folder(), ["--tracker", tracker.endpoint]);
    assert.is(sha256Of(path), sha256Of(source));
    assert.is(service.peers.length, 0);
    await honest.process.stop();
  });
}

test.run();

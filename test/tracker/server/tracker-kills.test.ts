// What a tracker promises of a kill -9: at most what is younger than half a minute is gone, renewals bring it back,
// and nothing is ever torn.
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, existsSync, openSync, readdirSync, rmSync, statSync, writeSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { TrackerService } from "../../../gen/goshare/v1/tracker_pb.js";
import { isErrno } from "../../../src/core/errors.js";
import { idToBytes } from "../../../src/core/ids.js";
import { KIB } from "../../../src/core/units.js";
import type { UnaryClient } from "../../../src/rpc/unary-client.js";
import { testUnless } from "../../storage/scratch.js";
import { GoshareProcess, killAll } from "../../support/goshare-process.js";
import { closeMountNamespaces, MountNamespace, mountProblem } from "../../support/mount-namespace.js";
import { ScratchFolder } from "../../support/scratch-folder.js";
import { until } from "../../support/until.js";
import { endpointOf, rawClient, rootNamed } from "./rig.js";
import { contentId, peerId } from "./stores/store-rig.js";

const CHILD = fileURLToPath(new URL("quick-tracker-child.js", import.meta.url));
const { announce, withdraw, listPeers, getManifest, publishManifest } = TrackerService.method;
const DEADLINE = { deadlineMs: 20_000 };
const PEERS = 300;
const DAY_MS = 24 * 3600_000;

const scratch = new ScratchFolder();
const children = new Set<ChildProcess>();
test.after(() => {
  for (const child of children) child.kill("SIGKILL");
  killAll();
  closeMountNamespaces();
  scratch.remove();
});

interface Tracker {
  readonly client: UnaryClient;
  readonly port: number;
  /** Leases that it had when it began to listen. */
  readonly leases: number;
  readonly warnings: readonly string[];
  kill(signal: NodeJS.Signals): Promise<void>;
}

interface Setting {
  readonly port?: number;
  readonly clockStepMs?: number;
  readonly renewMs?: number;
}

async function start(directory: string, setting: Setting = {}): Promise<Tracker> {
  const { port = 0, clockStepMs = 0, renewMs = 300_000 } = setting;
  const argv = [CHILD, directory, String(port), String(clockStepMs), String(renewMs)];
  const child = spawn(process.execPath, argv, {
    stdio: ["ignore", "pipe", "inherit"],
  });
  children.add(child);
  const exited = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const warnings: string[] = [];
  const started = await new Promise<{ listening: string; leases: number }>((resolve, reject) => {
    createInterface({ input: child.stdout })
      .on("line", (line) => {
        const said = JSON.parse(line);
        if (said.warning === undefined) resolve(said);
        else warnings.push(said.warning);
      })
      .once("close", () => reject(new Error("the tracker ended before it listened")));
  });
  const endpoint = endpointOf(started.listening);
  const client = rawClient(endpoint);
  return {
    client,
    port: endpoint.port,
    leases: started.leases,
    warnings,
    async kill(signal) {
      child.kill(signal);
      await exited;
      await client.close();
    },
  };
}

const root = rootNamed("film.mkv");

/** Peer n announces the film, and a share that it alone has. */
function announcementOf(n: number) {
  const film = { contentId: idToBytes(root.contentId), chunksHeld: 1, complete: n % 2 === 0, wantPeers: 5 };
  const own = { contentId: idToBytes(contentId(n)), chunksHeld: 1, complete: false, wantPeers: 0 };
  const peer = { peerId: idToBytes(peerId(n)), runEpochMs: 5000n, listenPort: 1000 + n };
  return { ...peer, shares: [film, own] };
}

async function totalOf(client: UnaryClient, id: Uint8Array): Promise<number> {
  const { counts } = await client.call(listPeers, { contentId: id, max: 0 }, DEADLINE);
  return (counts?.completePeers ?? 0) + (counts?.partialPeers ?? 0);
}

/** Every peer announces, eight at a time, until the tracker is gone; returns the tokens they got. */
async function announceAll({ client }: Tracker, isOver: () => boolean = () => false) {
  const tokens = new Map<number, Uint8Array>();
  const numbers = Array.from({ length: PEERS }, (_, n) => n).values();
  const worker = async () => {
    for (const n of numbers) {
      if (isOver()) return;
      tokens.set(n, (await client.call(announce, announcementOf(n), DEADLINE)).leaseToken);
    }
  };
  await Promise.all(Array.from({ length: 8 }, worker));
  return tokens;
}

/** Two snapshots from now on: the first may have begun before. */
async function untilAllIsWritten(directory: string): Promise<void> {
  const written = () => statSync(join(directory, "leases"), { throwIfNoEntry: false })?.ino;
  for (let snapshots = 0; snapshots < 2; snapshots++) {
    const before = written();
    await until(() => written() !== before && written() !== undefined);
  }
}

test("killed under load at any moment, a tracker comes back with leases, roots and the tokens of its peers", async () => {
  const directory = scratch.folder();
  const first = await start(directory);
  const tokens = await announceAll(first);
  const tokenOf = (n: number) => ({
    peerId: idToBytes(peerId(n)),
    leaseToken: tokens.get(n) ?? new Uint8Array(0),
  });
  const published = { ...tokenOf(0), manifest: root.bytes };
  assert.ok((await first.client.call(publishManifest, published, DEADLINE)).stored);
  await untilAllIsWritten(directory);

  let tracker = first;
  for (let kill = 0; kill < 5; kill++) {
    // Leases are renewed all the while; the next snapshot may be on its way or not.
    let isOver = false;
    const load = (async () => {
      while (!isOver) await announceAll(tracker, () => isOver);
    })().catch(() => undefined);
    await new Promise((resolve) => setTimeout(resolve, 100 + Math.random() * 1200));
    isOver = true;
    await Promise.all([tracker.kill("SIGKILL"), load]);

    tracker = await start(directory, {
      port: tracker.port,
      clockStepMs: [0, DAY_MS, -DAY_MS][kill % 3] ?? 0,
    });
    assert.equal(tracker.warnings, []);
    assert.is(tracker.leases, 2 * PEERS);
    assert.is(await totalOf(tracker.client, idToBytes(root.contentId)), PEERS);
    const { manifest } = await tracker.client.call(
      getManifest,
      { contentId: idToBytes(root.contentId) },
      DEADLINE,
    );
    assert.equal(Buffer.from(manifest), Buffer.from(root.bytes));
  }

  const own = idToBytes(contentId(7));
  assert.is(await totalOf(tracker.client, own), 1);
  await tracker.client.call(withdraw, { ...tokenOf(7), contentIds: [] }, DEADLINE);
  assert.is(await totalOf(tracker.client, own), 0);
  await tracker.kill("SIGTERM");
  assert.equal(readdirSync(directory).sort(), ["leases", "manifests", "secret"]);
});

test("what nobody renews ends after a restart too", async () => {
  const directory = scratch.folder();
  const renewMs = 30_000;
  const first = await start(directory, { renewMs });
  await announceAll(first);
  await first.kill("SIGTERM");
  const second = await start(directory, { renewMs, clockStepMs: -DAY_MS });
  assert.is(second.leases, 2 * PEERS);
  let left = PEERS;
  const film = idToBytes(root.contentId);
  while (left > 0) {
    left = await totalOf(second.client, film);
    await new Promise(setImmediate);
  }
  await second.kill("SIGKILL");
});

test("two trackers by one word each: the second keeps its state in memory and says so", async () => {
  const setting = { env: { XDG_STATE_HOME: scratch.folder() } };
  const argv = ["tracker", "--listen", "127.0.0.1:0"];
  const state = join(setting.env.XDG_STATE_HOME, "goshare", "tracker");
  const first = new GoshareProcess(argv, undefined, setting);
  await first.waitFor("listening");
  assert.is(statSync(state).mode & 0o777, 0o700);
  const second = new GoshareProcess(argv, undefined, setting);
  const { code, message } = await second.waitFor("warning");
  assert.is(code, "STORE_BUSY");
  assert.match(String(message), "stay in memory");
  await second.waitFor("listening");

  const named = new GoshareProcess([...argv, "--store", `file:${state}`], undefined, setting);
  const failed = await named.waitFor("failed");
  assert.equal([failed["code"], failed["exitCode"]], ["STORE_BUSY", 6]);
  assert.match(String(failed["hint"]), "--store file:DIR");
  assert.is((await named.exited).exitCode, 6);
  for (const process of [first, second]) assert.is((await process.stop()).exitCode, 0);
  // Nobody had a lease.
  assert.equal(readdirSync(state).sort(), ["manifests", "secret"]);
});

testUnless(
  mountProblem(),
  "a tracker on a full disk says so and runs, and writes when there is room",
  async () => {
    const namespace = await MountNamespace.open();
    const disk = scratch.folder();
    namespace.mountMemory(disk, 64 * KIB);
    const state = join(disk, "state");
    const argv = ["tracker", "--listen", "127.0.0.1:0", "--store", `file:${state}`];
    const tracker = new GoshareProcess(argv, undefined, { wrapper: namespace.wrapper });
    const { endpoint } = await tracker.waitFor("listening");
    writeUntilFull(namespace.outside(join(disk, "filler")));
    const client = rawClient(endpointOf(String(endpoint)));
    const { leaseToken } = await client.call(announce, announcementOf(0), DEADLINE);
    const publication = { peerId: idToBytes(peerId(0)), leaseToken, manifest: root.bytes };
    assert.not((await client.call(publishManifest, publication, DEADLINE)).stored);
    const { code, path } = await tracker.waitFor("warning");
    assert.equal([code, path], ["DISK_FULL", join(state, "manifests")]);
    assert.is(await totalOf(client, idToBytes(root.contentId)), 1);
    rmSync(namespace.outside(join(disk, "filler")));
    assert.ok((await client.call(publishManifest, publication, DEADLINE)).stored);
    await client.close();
    assert.is((await tracker.stop()).exitCode, 0);
    assert.ok(existsSync(namespace.outside(join(state, "leases"))));
    namespace.close();
  },
);

function writeUntilFull(path: string): void {
  const fd = openSync(path, "w");
  try {
    for (;;) writeSync(fd, Buffer.alloc(4 * KIB));
  } catch (thrown) {
    if (!isErrno(thrown, "ENOSPC")) throw thrown;
  } finally {
    closeSync(fd);
  }
}

test.run();

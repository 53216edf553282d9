// Trackers over one Redis as people start them: what is announced to one is found at the other, and a share lives
// through the death of either.
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { parseContentId } from "../../../src/core/ids.js";
import { TrackerClient } from "../../../src/tracker/client.js";
import { freePort } from "../../support/free-port.js";
import { GoshareProcess, killAll } from "../../support/goshare-process.js";
import { killRedisServers, RedisServer, redisProblem } from "../../support/redis-server.js";
import { ScratchFolder } from "../../support/scratch-folder.js";
import { skipTest } from "../../support/skip-test.js";
import { download, failure, startShare, startTracker } from "../../support/transfer.js";
import { endpointOf } from "./rig.js";

const PROGRAM = fileURLToPath(new URL("../../../src/program", import.meta.url));
const LISTEN = ["--listen", "127.0.0.1:0"];

test("the client library of Redis is in no file of the program that is loaded without --store", () => {
  const holders = readdirSync(PROGRAM).filter((name) =>
    readFileSync(join(PROGRAM, name), "utf8").includes("MaxRetriesPerRequestError"),
  );
  assert.ok(holders.length > 0);
  for (const name of holders) assert.match(name, /^open-redis-store-/);
});

const problem = redisProblem();
if (problem !== undefined) {
  skipTest("goshare tracker keeps its leases in Redis", problem);
} else {
  const scratch = new ScratchFolder();
  const redis = await RedisServer.start(scratch.folder(), ["--requirepass", "p@ss word"]);
  const spec = `redis://:p%40ss%20word@127.0.0.1:${redis.port}/2`;
  test.after(() => {
    killAll();
    killRedisServers();
    scratch.remove();
  });

  test("a share announced to one tracker is downloaded by way of the other, whichever of them dies", async () => {
    const first = await startTracker(["--store", spec, ...LISTEN]);
    const second = new GoshareProcess(["tracker", ...LISTEN], () => {}, { env: { GOSHARE_STORE: spec } });
    const other = String((await second.waitFor("listening"))["endpoint"]);
    const path = scratch.file("shared", 100_000);
    const share = await startShare(path, ["--tracker", first.endpoint]);
    const contentId = parseContentId(share.contentId);
    if (contentId === undefined) throw new Error(`${share.contentId} is no content id`);
    const asker = new TrackerClient(endpointOf(other));
    while ((await asker.listPeers(contentId, 0)).counts.completePeers === 0) await new Promise(setImmediate);
    await asker.close();
    const byOther = await download(share.contentId, scratch.folder(), ["--tracker", other]);
    assert.ok(readFileSync(byOther.path).equals(readFileSync(path)));
    first.process.kill("SIGKILL");
    const afterwards = await download(share.contentId, scratch.folder(), ["--tracker", other]);
    assert.ok(readFileSync(afterwards.path).equals(readFileSync(path)));
    assert.is((await second.stop()).exitCode, 0);
    await share.process.stop();
  });

  const overTls = "over TLS a Redis is believed that shows a certificate of somebody who is known";
  if (spawnSync("openssl", ["version"]).status !== 0) skipTest(overTls, "openssl is not installed");
  else
    test(overTls, async () => {
      const folder = scratch.folder();
      const [key, certificate] = [join(folder, "key.pem"), join(folder, "certificate.pem")];
      const request = `req -x509 -newkey rsa:2048 -nodes -days 2 -keyout ${key} -out ${certificate}`.split(
        " ",
      );
      const name = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"];
      assert.is(spawnSync("openssl", [...request, ...name]).status, 0);
      const tlsPort = await freePort();
      const files = ["--tls-cert-file", certificate, "--tls-key-file", key, "--tls-auth-clients", "no"];
      await RedisServer.start(folder, ["--tls-port", String(tlsPort), ...files]);
      const argv = ["--store", `rediss://localhost:${tlsPort}`, ...LISTEN];
      const stranger = await failure(new GoshareProcess(["tracker", ...argv]));
      assert.is(stranger.code, "STORE_UNAVAILABLE");
      assert.match(stranger.message, /self-signed certificate/);
      const known = await startTracker(argv, { env: { NODE_EXTRA_CA_CERTS: certificate } });
      assert.is((await known.process.stop()).exitCode, 0);
    });

  test("a Redis that does not let it in is said in one line that repeats no password", async () => {
    const place = `127.0.0.1:${redis.port}`;
    const tracker = new GoshareProcess(["tracker", "--store", `redis://:mistaken@${place}`, ...LISTEN]);
    const { code, exitCode, message, hint } = await failure(tracker);
    assert.equal([code, exitCode], ["STORE_UNAVAILABLE", 4]);
    assert.match(message, `redis://${place} does not answer: WRONGPASS`);
    assert.not(`${message} ${hint}`.includes("mistaken"));
  });
}

test.run();

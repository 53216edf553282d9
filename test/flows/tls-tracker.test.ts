// A tracker that speaks TLS, and a transfer that goes by it, as real processes.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { MIB } from "../../src/core/units.js";
import { AUTHORITY, digestOf, FIRST, SELF_SIGNED, writeCertificate } from "../support/certificates.js";
import { GoshareProcess, killAll } from "../support/goshare-process.js";
import { ScratchFolder, sha256Of } from "../support/scratch-folder.js";
import { download, startShare, startTracker } from "../support/transfer.js";

const scratch = new ScratchFolder();
const source = scratch.file("film.bin", 2 * MIB);

test.after(() => {
  killAll();
  scratch.remove();
});

function tlsArguments(certified: typeof FIRST): string[] {
  const { tlsCertPath, tlsKeyPath } = writeCertificate(scratch.folder(), certified);
  return ["--listen", "127.0.0.1:0", "--tls-cert", tlsCertPath, "--tls-key", tlsKeyPath];
}

test("a certificate of one's own is named by its digest, and the ticket brings it along", async () => {
  const tracker = await startTracker(tlsArguments(SELF_SIGNED));
  assert.match(tracker.endpoint, /^tls:\/\/127\.0\.0\.1:\d+$/);
  const share = await startShare(source, ["--tracker", `${tracker.endpoint}#${digestOf(SELF_SIGNED)}`]);
  assert.equal(share.sharing["trackers"], [tracker.endpoint]);
  const { path, process } = await download(share.ticket, scratch.folder());
  assert.is(sha256Of(path), sha256Of(source));
  assert.equal(process.all("warning"), []);
  for (const one of [share.process, process, tracker.process]) assert.is(one.stderr, "");
  await Promise.all([share.process.stop(), tracker.process.stop()]);
});

test("a certificate of an authority needs no digest, and no ticket names what it cannot name", async () => {
  const authority = join(scratch.folder(), "authority.pem");
  writeFileSync(authority, AUTHORITY);
  const setting = { env: { SSL_CERT_FILE: authority } };
  const tracker = await startTracker(tlsArguments(FIRST));
  const named = ["--tracker", tracker.endpoint];
  const share = await startShare(source, named, setting);
  assert.equal(share.sharing["trackers"], [tracker.endpoint]);
  const inspected = new GoshareProcess(["inspect", share.ticket]);
  assert.equal((await inspected.waitFor("inspected"))["trackers"], []);

  const { path, process } = await download(share.contentId, scratch.folder(), named, setting);
  assert.is(sha256Of(path), sha256Of(source));
  assert.is(process.stderr, "");
  const status = new GoshareProcess(["tracker", "status", tracker.endpoint], undefined, setting);
  assert.is((await status.waitFor("trackerStatus"))["tracker"], tracker.endpoint);
  const stranger = new GoshareProcess(["tracker", "status", tracker.endpoint]);
  assert.equal(await stranger.exited, { exitCode: 4, signal: null });
  assert.match(String(stranger.all("failed")[0]?.["message"]), "by TLS");
  await Promise.all([share.process.stop(), tracker.process.stop()]);
});

test.run();

import { test } from "uvu";
import * as assert from "uvu/assert";
import { GoshareError } from "../../src/core/errors.js";
import { LonelyWarnings } from "../../src/flows/peers/lonely-warnings.js";
import { GoshareProcess, killAll } from "../support/goshare-process.js";
import { GoshareText } from "../support/goshare-text.js";
import { ScratchFolder } from "../support/scratch-folder.js";
import { startDownload, startShare } from "../support/transfer.js";

const scratch = new ScratchFolder();
test.after(() => {
  killAll();
  scratch.remove();
});

function lonely() {
  const swarm: { peerCount: number; lastError: GoshareError | undefined } = {
    peerCount: 0,
    lastError: undefined,
  };
  const said: string[] = [];
  const warnings = new LonelyWarnings(
    swarm,
    (event) => event.type === "warning" && said.push(event.message),
    0,
  );
  return { swarm, warnings, said: () => said.splice(0) };
}

const failing = (message: string) => new GoshareError("PEER_UNREACHABLE", message);

test("who sent wrong bytes has been named already", () => {
  const { swarm, warnings, said } = lonely();
  swarm.lastError = new GoshareError("DIGEST_MISMATCH", "chunk 3 does not match its digest");
  warnings.tell(60_000);
  assert.equal(said(), []);
});

test("the reason why nobody helps is said after some seconds, once, and again when it changes", () => {
  const { swarm, warnings, said } = lonely();
  warnings.tell(5_000);
  swarm.lastError = failing("refused");
  for (const nowMs of [5_200, 9_000]) warnings.tell(nowMs);
  assert.equal(said(), ["refused"]);
  swarm.lastError = failing("no route");
  warnings.tell(10_000);
  swarm.lastError = failing("refused");
  warnings.tell(11_000);
  assert.equal(said(), ["no route"]);
});

test("a peer that is connected, or was a moment ago, is no reason to say anything", () => {
  const { swarm, warnings, said } = lonely();
  swarm.lastError = failing("refused");
  warnings.tell(2_900);
  swarm.peerCount = 1;
  warnings.tell(3_100);
  swarm.peerCount = 0;
  warnings.tell(6_000);
  assert.equal(said(), []);
  warnings.tell(6_100);
  assert.equal(said(), ["refused"]);
});

test("inspect, verify and download of a share whose sharer has gone say what they look for, and why it is not there", async () => {
  const path = scratch.file("a.bin", 1024);
  const share = await startShare(path);
  await share.process.stop();
  const output = scratch.folder();
  const reason = new RegExp(`${share.endpoint}.*ECONNREFUSED`);
  const looking = [
    new GoshareProcess(["inspect", share.ticket]),
    new GoshareProcess(["verify", share.ticket, path]),
    startDownload(share.ticket, output),
    // Has its manifest.
    startDownload(share.manifestPath, output),
  ];
  for (const [index, process] of looking.entries()) {
    if (index < 3) await process.waitFor("waiting", ({ waitingFor }) => waitingFor === "manifest");
    const { message } = await process.waitFor("warning");
    assert.match(String(message), reason);
  }
  for (const process of looking) await process.stop("SIGINT");
  const inspecting = new GoshareText(["inspect", share.ticket]);
  await inspecting.says(/^looking for somebody who has the manifest$/m);
  await inspecting.says(/^warning: .*ECONNREFUSED/m);
  inspecting.kill("SIGINT");
  await inspecting.ended;
});

test.run();

import { test } from "uvu";
import * as assert from "uvu/assert";
import { untilAborted } from "../../src/core/clock.js";
import { GoshareError } from "../../src/core/errors.js";
import { MIB } from "../../src/core/units.js";
import { Patience } from "../../src/flows/peers/patience.js";
import { GatedProxy } from "../support/gated-proxy.js";
import { killAll } from "../support/goshare-process.js";
import { startHalfway } from "../support/halfway-download.js";
import { holdLoop } from "../support/hold-loop.js";
import { ScratchFolder, sha256Of } from "../support/scratch-folder.js";
import { downloaded, failure, startDownload, startShare, ticketVia } from "../support/transfer.js";

const scratch = new ScratchFolder();

test.after(() => {
  killAll();
  scratch.remove();
});

function patienceOf(timeoutMs: number): Patience {
  return new Patience(timeoutMs, new AbortController().signal, (what) => new GoshareError("NO_PEERS", what));
}

test("patience ends when nothing has helped for its time, and says what was waited for", async () => {
  const patience = patienceOf(1_500);
  patience.begin("manifest");
  const begunMs = performance.now();
  patience.begin("peers");
  await untilAborted(patience.signal);
  // A timer may go off a little early.
  assert.ok(performance.now() - begunMs >= 1_490);
  assert.is(patience.signal.reason.message, "peers");
});

test("patience begins anew when the process stood still", async () => {
  const patience = patienceOf(1_000);
  patience.begin("peers");
  holdLoop(2_500);
  const goesOnAtMs = performance.now();
  await untilAborted(patience.signal);
  assert.ok(performance.now() - goesOnAtMs >= 990);
});

test("a download that was stopped for longer than it waits for others goes on by itself", async () => {
  const source = scratch.file("film.bin", 8 * MIB);
  const share = await startShare(source);
  const waits = ["--timeout", "3s"];
  const { gate, process } = await startHalfway(share, scratch.folder(), waits);
  process.kill("SIGSTOP");
  const shut = await GatedProxy.start(0);
  shut.target = share.endpoint;
  const inVain = startDownload(ticketVia(share.ticket, shut.endpoint), scratch.folder(), waits);
  assert.is((await failure(inVain)).code, "NO_PEERS");
  process.kill("SIGCONT");
  gate.open();
  assert.is(sha256Of((await downloaded(process)).path), sha256Of(source));
  await Promise.all([share.process.stop(), gate.close(), shut.close()]);
});

test.run();

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { MIB } from "../../src/core/units.js";
import { GatedProxy } from "../support/gated-proxy.js";
import { killAll } from "../support/goshare-process.js";
import { ScratchFolder, sha256Of } from "../support/scratch-folder.js";
import { downloaded, startDownload, startShare, ticketVia } from "../support/transfer.js";

const scratch = new ScratchFolder();

test.after(() => {
  killAll();
  scratch.remove();
});

test("with --sequential what is there of a file is its beginning", async () => {
  const source = scratch.file("film.bin", 12 * MIB);
  const share = await startShare(source);
  const gate = await GatedProxy.start(0);
  gate.target = share.endpoint;
  const output = scratch.folder();
  const process = startDownload(ticketVia(share.ticket, gate.endpoint), output, ["--sequential"]);
  for (let chunks = 1; chunks <= 5; chunks++) {
    gate.allow(chunks === 1 ? 1.5 * MIB : MIB);
    await process.waitFor("progress", (body) => body["bytesDone"] === String(chunks * MIB));
    const part = readFileSync(join(output, ".film.bin.goshare-part", "content", "film.bin"));
    const there = readFileSync(source).subarray(0, chunks * MIB);
    assert.ok(part.subarray(0, chunks * MIB).equals(there), `the first ${chunks} chunks`);
  }
  gate.open();
  assert.is(sha256Of((await downloaded(process)).path), sha256Of(source));
  await Promise.all([gate.close(), share.process.stop()]);
});

test.run();

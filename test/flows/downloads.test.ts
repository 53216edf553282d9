// Several downloads in one command: each gets what it came for, whatever becomes of the others, and all are reached at one
// port.
import { appendFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { encodeTicket } from "../../src/address/ticket.js";
import { MIB } from "../../src/core/units.js";
import { freePort } from "../support/free-port.js";
import { GatedProxy } from "../support/gated-proxy.js";
import { GoshareProcess, type JsonBody, killAll } from "../support/goshare-process.js";
import { runGoshare } from "../support/goshare-text.js";
import { ScratchFolder, sha256Of } from "../support/scratch-folder.js";
import { smallShare } from "../support/small-share.js";
import { type StartedShare, startShare, startTracker, ticketVia } from "../support/transfer.js";

const scratch = new ScratchFolder();
const NAMES = ["one.bin", "two.bin", "three.bin", "four.bin", "five.bin"];
const sources = NAMES.map((name, index) => scratch.file(name, (4 + index) * MIB + index));
let shares: readonly StartedShare[] = [];

test.before(async () => {
  shares = await Promise.all(sources.map((source) => startShare(source)));
});

test.after(() => {
  killAll();
  scratch.remove();
});

const LISTEN = ["--listen", "127.0.0.1:0"];

function start(whats: readonly string[], output: string, ...args: readonly string[]): GoshareProcess {
  return new GoshareProcess(["download", ...whats, "--output", output, ...LISTEN, ...args]);
}

/** How several downloads failed as a whole, which is what is said last. */
async function failureOf(process: GoshareProcess) {
  const { exitCode } = await process.exited;
  const last = process.events.at(-1)?.["failed"];
  assert.is(last?.["exitCode"], exitCode);
  assert.is(last?.["contentId"], undefined);
  return { exitCode, code: last?.["code"], message: String(last?.["message"]) };
}

const tickets = () => shares.map(({ ticket }) => ticket);

test("all of them are done, each event says of which, and the last is a done", async () => {
  const output = scratch.folder();
  const process = start(tickets(), output);
  assert.equal(await process.exited, { exitCode: 0, signal: null });
  assert.is(process.stderr, "");
  assert.equal(readdirSync(output).sort(), [...NAMES].sort());
  for (const [index, source] of sources.entries()) {
    const contentId = shares[index]?.contentId;
    const [done] = process.all("done").filter((body) => body["contentId"] === contentId);
    assert.is(done?.["path"], join(output, NAMES[index] ?? ""));
    assert.is(sha256Of(String(done?.["path"])), sha256Of(source));
    for (const kind of ["downloading", "progress"])
      assert.ok(process.all(kind).some((body) => body["contentId"] === contentId));
  }
  assert.is(process.events.at(-1)?.["done"], process.all("done").at(-1));
  assert.is(process.all("done").length, NAMES.length);
});

test("one that fails keeps the others from nothing, and gives the exit code", async () => {
  const output = scratch.folder();
  const [first = "", second = ""] = tickets();
  const { contentId } = smallShare(1).manifest.root;
  const nobody = { host: "127.0.0.1", port: await freePort(), transport: "tcp" } as const;
  const lost = encodeTicket({ contentId, name: "lost", trackers: [], peers: [nobody] });
  const process = start([first, lost, `${second}x`, second], output, "--timeout", "8s");
  const { code, exitCode, message } = await failureOf(process);
  // The ticket with a typing error is seen first.
  assert.equal([code, exitCode], ["TICKET_INVALID", 2]);
  assert.match(message, "2 of 4 downloads failed; the first: goshare1");
  assert.equal(readdirSync(output).sort(), ["one.bin", "two.bin"]);
  assert.is(process.all("done").length, 2);
  assert.equal(
    process.all("failed").map((body) => body["code"]),
    ["TICKET_INVALID", "NO_PEERS", "TICKET_INVALID"],
  );
  assert.match(String(process.all("failed")[1]?.["message"]), /^lost: /);
  for (const name of ["one.bin", "two.bin"]) appendFileSync(join(output, name), "more");
  const again = start([first, second], output);
  assert.equal([(await failureOf(again)).code, again.all("failed").length], ["TARGET_EXISTS", 3]);
  const ids = again.all("failed").map((body) => body["contentId"]);
  const messages = again.all("failed").map((body) => String(body["message"]));
  assert.match(messages.sort().join("\n"), /^2 of 2 .*: (one|two)\.bin: .*\none\.bin: .*\ntwo\.bin: /);
  assert.equal(ids.slice(0, 2).sort(), [shares[0]?.contentId, shares[1]?.contentId].sort());
});

test("a content id alone is replaced by the name when the manifest is there", async () => {
  const tracker = await startTracker();
  const share = await startShare(scratch.file("by id.bin", MIB), ["--tracker", tracker.endpoint]);
  const output = scratch.folder();
  writeFileSync(join(output, "by id.bin"), "something else");
  const unknown = "0".repeat(64);
  const args = ["--tracker", tracker.endpoint, "--timeout", "1s"];
  const process = start([share.contentId, unknown], output, ...args);
  await process.exited;
  const messages = process.all("failed").map((body) => String(body["message"]));
  assert.match(messages[0] ?? "", /^by id\.bin: /);
  assert.match(messages[1] ?? "", /^0{24}…: /);
  await Promise.all([share.process.stop(), tracker.process.stop()]);
});

test("what means the same twice is downloaded once", async () => {
  const output = scratch.folder();
  const [share] = shares;
  const process = start([share?.ticket ?? "", share?.manifestPath ?? ""], output);
  const { code, exitCode, message } = await failureOf(process);
  assert.equal([code, exitCode], ["USAGE", 2]);
  assert.match(message, "given more than once");
  assert.equal(readdirSync(output), ["one.bin"]);
});

test("others reach all of them at one port", async () => {
  const own = await Promise.all(
    [1, 2].map((index) => startShare(scratch.file(`own ${index}.bin`, 3 * MIB + index))),
  );
  const tracker = await startTracker();
  const trackers = ["--tracker", tracker.endpoint];
  const first = start(
    own.map(({ ticket }) => ticket),
    scratch.folder(),
    ...trackers,
    "--seed",
  );
  for (const { contentId } of own) await first.waitFor("done", (body) => body["contentId"] === contentId);
  await Promise.all(own.map(({ process }) => process.stop()));
  const second = start(
    own.map(({ contentId }) => contentId),
    scratch.folder(),
    ...trackers,
  );
  assert.equal(await second.exited, { exitCode: 0, signal: null });
  // Both were asked at the same port, and withdraw one by one.
  const endpoints = second.all("peerConnected").map((body) => body["endpoint"]);
  assert.is(new Set(endpoints).size, 1, endpoints.join(" "));
  assert.equal(await first.stop("SIGINT"), { exitCode: 0, signal: null });
  const stopped = first.events.at(-1)?.["stopped"];
  assert.is(Number(stopped?.["bytesSent"]), 6 * MIB + 3);
  await tracker.process.stop();
});

test("a seed whose file changes ends alone, and gives the exit code in the end", async () => {
  const own = await Promise.all(
    [1, 2].map((index) => startShare(scratch.file(`kept ${index}.bin`, 3 * MIB + index))),
  );
  const [changed, kept] = own;
  const tracker = await startTracker();
  const trackers = ["--tracker", tracker.endpoint];
  const output = scratch.folder();
  const tickets = own.map(({ ticket }) => ticket);
  const first = start(tickets, output, ...trackers, "--seed");
  for (const { contentId } of own) await first.waitFor("done", (body) => body["contentId"] === contentId);
  await Promise.all(own.map(({ process }) => process.stop()));
  appendFileSync(join(output, "kept 1.bin"), "more");
  const asking = start([changed?.contentId ?? ""], scratch.folder(), ...trackers);
  const failed = await first.waitFor("failed");
  assert.equal([failed["code"], failed["contentId"]], ["SOURCE_CHANGED", changed?.contentId]);
  await asking.stop("SIGKILL");
  const other = start([kept?.contentId ?? ""], scratch.folder(), ...trackers);
  assert.equal(await other.exited, { exitCode: 0, signal: null });
  first.kill("SIGINT");
  const { code, exitCode, message } = await failureOf(first);
  assert.equal([code, exitCode], ["SOURCE_CHANGED", 1]);
  assert.match(message, "1 of 2 downloads failed; kept 1.bin: ");
  await tracker.process.stop();
});

test("where every seed has failed, nothing is left to wait for", async () => {
  const own = await startShare(scratch.file("lone.bin", 3 * MIB));
  const other = await startShare(scratch.file("other.bin", 3 * MIB));
  const tracker = await startTracker();
  const trackers = ["--tracker", tracker.endpoint];
  const output = scratch.folder();
  writeFileSync(join(output, "other.bin"), "in the way");
  const first = start([own.ticket, other.ticket], output, ...trackers, "--seed");
  await first.waitFor("done");
  await own.process.stop();
  appendFileSync(join(output, "lone.bin"), "more");
  const asking = start([own.contentId], scratch.folder(), ...trackers);
  const { code, message } = await failureOf(first);
  assert.is(code, "TARGET_EXISTS");
  assert.match(message, "2 of 2 downloads failed; the first: ");
  await asking.stop("SIGKILL");
  await Promise.all([tracker.process.stop(), other.process.stop()]);
});

test("Ctrl-C stops all of them, and the same command goes on with all", async () => {
  const gates = await Promise.all([1.5, 2.5].map((mib) => GatedProxy.start(mib * MIB)));
  const gated = gates.map((gate, index) => {
    const share = shares[index];
    gate.target = share?.endpoint ?? "";
    return ticketVia(share?.ticket ?? "", gate.endpoint);
  });
  const output = scratch.folder();
  const process = start(gated, output);
  for (const [index, bytesDone] of [MIB, 2 * MIB].entries()) {
    const isOfIt = (body: JsonBody) => body["contentId"] === shares[index]?.contentId;
    await process.waitFor("progress", (body) => isOfIt(body) && Number(body["bytesDone"]) >= bytesDone);
  }
  process.kill("SIGINT");
  assert.is((await process.exited).exitCode, 130);
  assert.is(process.all("failed").length, 1);
  const [first = "", second = ""] = tickets();
  const again = start([first, second], output);
  assert.is((await again.exited).exitCode, 0);
  const received = again.all("done").map((body) => Number(body["bytesReceived"]));
  assert.is(received.length, 2);
  for (const bytes of received) assert.ok(bytes <= 3 * MIB + 1, `${bytes} were fetched again`);
  await Promise.all(gates.map((gate) => gate.close()));
});

test("people see one line of progress for all, and where each of them is", async () => {
  const output = scratch.folder();
  const { exitCode, stdout, stderr } = await runGoshare([
    ...["download", ...tickets().slice(0, 3), "--output", output, ...LISTEN],
    ...["--download-limit", "6MiB/s"],
  ]);
  assert.is(exitCode, 0);
  assert.equal(
    stdout.trim().split("\n").sort(),
    NAMES.slice(0, 3)
      .map((name) => join(output, name))
      .sort(),
  );
  assert.match(stderr, /^3 downloads: \d+%/m);
});

test("standard output takes one download", async () => {
  const process = new GoshareProcess(["download", ...tickets().slice(0, 2), "--output", "-"]);
  await process.exited;
  assert.is((await process.exited).exitCode, 2);
});

test.run();

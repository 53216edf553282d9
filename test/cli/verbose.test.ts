// --verbose with real processes: what it says, where, and that it says nothing elsewhere.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { RefusalReason } from "../../gen/goshare/v1/peer_pb.js";
import { formatEndpoint } from "../../src/address/endpoint.js";
import { encodeTicket } from "../../src/address/ticket.js";
import { MIB } from "../../src/core/units.js";
import { type Answer, refuse, serving, wrongBytes } from "../support/chunk-answers.js";
import { startFakeCli } from "../support/fake-cli.js";
import { freePort } from "../support/free-port.js";
import { GoshareProcess, killAll } from "../support/goshare-process.js";
import { GoshareText, runGoshare } from "../support/goshare-text.js";
import { ScratchFolder } from "../support/scratch-folder.js";
import { destroyScripted, ScriptedListener } from "../support/scripted-peer.js";
import { smallShare } from "../support/small-share.js";
import { startShare, startTracker } from "../support/transfer.js";

const scratch = new ScratchFolder();
test.after(() => {
  killAll();
  destroyScripted();
  scratch.remove();
});

const LOOPBACK = ["--listen", "127.0.0.1:0"];
const DETAIL = /^\d\d:\d\d:\d\d\.\d{3} (setting|tracker|peer|chunk|file) +(.*)$/;

function details(stderr: string): readonly string[] {
  return stderr.split("\n").flatMap((line) => {
    const found = DETAIL.exec(line);
    return found === null ? [] : [`${found[1]}: ${found[2]}`];
  });
}

function requireDetail(stderr: string, pattern: RegExp): void {
  assert.ok(
    details(stderr).some((line) => pattern.test(line)),
    `${pattern} is not in:\n${stderr}`,
  );
}

/** A download from one peer that answers every chunk with `answer`. */
async function downloadFrom(
  answer: Answer,
  agent = "scripted/1",
): Promise<{ stderr: string; place: string }> {
  const share = smallShare(3);
  const { endpoint, close } = await listen(serving({ share, answer, hello: { agent }, pullWindow: 16 }));
  const { contentId } = share.manifest.root;
  const ticket = encodeTicket({ contentId, name: "share.bin", trackers: [], peers: [endpoint] });
  const argv = ["download", ticket, ...LOOPBACK, "--timeout", "800ms", "--output", scratch.folder()];
  const { stderr } = await runGoshare([...argv, "--verbose"]);
  close();
  return { stderr, place: formatEndpoint(endpoint) };
}

async function listen(script: Parameters<typeof ScriptedListener.listen>[0]) {
  const peer = await ScriptedListener.listen(script);
  return { endpoint: peer.endpoint, close: () => peer.close() };
}

test("a share and a download tell of settings, trackers, peers and files, with the time, and results as ever", async () => {
  const tracker = await startTracker();
  const path = scratch.file("film.bin", 3 * MIB);
  const argv = ["share", path, ...LOOPBACK, "--tracker", tracker.endpoint, "-v"];
  const sharer = new GoshareText(argv);
  const [, ticket = ""] = await sharer.says(/^goshare download (goshare1[a-z0-9]+)$/m);
  const output = scratch.folder();
  const env = { GOSHARE_MAX_PEERS: "7", GOSHARE_VERBOSE: "true" };
  const ran = await runGoshare(["download", ticket, ...LOOPBACK, "--output", output], { env });
  assert.equal([ran.exitCode, ran.stdout], [0, `${join(output, "film.bin")}\n`]);
  for (const pattern of [
    /^setting: max-peers = 7 \(GOSHARE_MAX_PEERS\)$/,
    /^setting: listen = 127\.0\.0\.1:0 \(command line\)$/,
    /^setting: upload-limit = no limit \(default\)$/,
    /^setting: verbose = true \(GOSHARE_VERBOSE\)$/,
    /^tracker: 127\.0\.0\.1:\d+ names 1 peer$/,
    /^tracker: 127\.0\.0\.1:\d+ accepted the announcement: lists us for others at 127\.0\.0\.1:\d+, to be renewed in/,
    /^peer: dialling 127\.0\.0\.1:\d+$/,
    /^peer: 127\.0\.0\.1:\d+ connected \(goshare\//,
    /^peer: 127\.0\.0\.1:\d+ is a neighbour that has everything$/,
    /^peer: 127\.0\.0\.1:\d+ disconnected, received 3.MiB$/,
    /^file: .*film\.bin is complete and on disk$/,
  ]) {
    requireDetail(ran.stderr, pattern);
  }
  await sharer.says(/disconnected, sent 3.MiB/);
  sharer.kill("SIGTERM");
  const shared = await sharer.ended;
  requireDetail(shared.stderr, /^tracker: .* accepted the announcement: .*, wants the manifest$/);
  requireDetail(shared.stderr, /^peer: 127\.0\.0\.1:\d+ connected/);
  await tracker.process.stop();
});

test("without it, and with --no-verbose, nothing of that is said", async () => {
  const share = await startShare(scratch.file("film.bin", MIB));
  const env = { GOSHARE_VERBOSE: "true" };
  const plain = await runGoshare(["download", share.ticket, ...LOOPBACK, "--output", scratch.folder()]);
  const argv = ["download", share.ticket, ...LOOPBACK, "--output", scratch.folder(), "--no-verbose"];
  const undone = await runGoshare(argv, { env });
  assert.equal([...details(plain.stderr), ...details(undone.stderr)], []);
  await share.process.stop();
});

test("with --json the lines on stdout are the same kinds, and details stand on stderr", async () => {
  const share = await startShare(scratch.file("film.bin", MIB));
  const kinds = async (args: readonly string[]) => {
    const argv = ["download", share.ticket, ...LOOPBACK, "--output", scratch.folder(), ...args];
    const process = new GoshareProcess(argv);
    await process.exited;
    // How often a download tells how far it is depends on how long it takes.
    const told = process.events.map((event) => Object.keys(event)[0] ?? "");
    return { kinds: [...new Set(told)], stderr: process.stderr };
  };
  const [silent, verbose] = [await kinds([]), await kinds(["--verbose"])];
  assert.equal(verbose.kinds, silent.kinds);
  assert.is(silent.stderr, "");
  requireDetail(verbose.stderr, /^peer: dialling/);
  for (const line of verbose.stderr.trimEnd().split("\n")) assert.match(line, DETAIL);
  await share.process.stop();
});

test("where events go to stderr nothing is put between them", async () => {
  const share = await startShare(scratch.file("film.bin", MIB));
  const argv = ["download", share.ticket, "--output", "-", "--json", "--verbose"];
  const { exitCode, stderr } = await runGoshare(argv);
  assert.is(exitCode, 0);
  for (const line of stderr.trimEnd().split("\n")) JSON.parse(line);
  await share.process.stop();
});

test("quiet and verbose together leave results, problems and details", async () => {
  const share = await startShare(scratch.file("film.bin", MIB));
  const argv = ["download", share.ticket, ...LOOPBACK, "--output", scratch.folder(), "-q", "-v"];
  const { stderr } = await runGoshare(argv);
  for (const line of stderr.trimEnd().split("\n")) assert.match(line, DETAIL);
  await share.process.stop();
});

test("chunks that are wrong or refused, and dials that fail, are told of with who and why", async () => {
  const wrong = await downloadFrom(wrongBytes);
  requireDetail(wrong.stderr, new RegExp(`^chunk: \\d from ${wrong.place.replaceAll(".", "\\.")} is wrong$`));
  const refused = await downloadFrom(refuse(RefusalReason.SOURCE_CHANGED));
  requireDetail(refused.stderr, /^chunk: \d was refused by 127\.0\.0\.1:\d+: sourceChanged$/);
  const nobody = { host: "127.0.0.1", port: await freePort(), transport: "tcp" } as const;
  const { contentId } = smallShare(1).manifest.root;
  const ticket = encodeTicket({ contentId, name: "x", trackers: [], peers: [nobody] });
  const { stderr } = await runGoshare(["inspect", ticket, "--timeout", "800ms", "--verbose"]);
  requireDetail(stderr, new RegExp(`^peer: 127\\.0\\.0\\.1:${nobody.port}: .*ECONNREFUSED`));
});

test("what strangers say of themselves, and names, are escaped", async () => {
  const { stderr } = await downloadFrom(wrongBytes, "\u001b[2Jx\r\u202ey\n12:00:00.000 file    forged");
  // It is cut to 40 cells.
  assert.match(stderr, "\\u{1b}[2Jx\\u{d}\\u{20…");
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
  assert.not.match(stderr, /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
  assert.not.match(stderr, /^12:00:00\.000/m);
});

test("a password in a setting is not shown", async () => {
  const home = scratch.folder();
  mkdirSync(join(home, "goshare"));
  writeFileSync(join(home, "goshare", "config.toml"), 'store = "redis://:secret@redis.example"\n');
  const cli = startFakeCli(["tracker", "--verbose"], {
    env: { XDG_CONFIG_HOME: home },
    flows: { tracker: () => Promise.reject(new Error("not wanted here")) },
  });
  await cli.exitCode;
  requireDetail(cli.stderr(), /^setting: store = redis:\/\/…@redis\.example \(.*config\.toml, line 1\)$/);
  assert.not.match(cli.stderr(), "secret");
});

test("flows are not asked for details that nobody wants", async () => {
  const seen: boolean[] = [];
  for (const argv of [["status"], ["status", "-v"]]) {
    const status = async () => ({
      status: async (_options: unknown, observe: { readonly detail?: unknown }) =>
        seen.push(observe.detail !== undefined),
    });
    await startFakeCli(argv, { flows: { status } }).exitCode;
  }
  assert.equal(seen, [false, true]);
});

test.run();

import { PassThrough } from "node:stream";
import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { plainPalette, wantsColor } from "../../src/cli/render/palette.js";
import { cellWidth, fitCells, printable } from "../../src/cli/render/printable.js";
import { barLine, ProgressBar, servingLine } from "../../src/cli/render/progress-bar.js";
import { ProgressLines } from "../../src/cli/render/progress-lines.js";
import type { ProgressState, ServingState, TransferState } from "../../src/cli/render/reporter.js";
import { TextReporter } from "../../src/cli/render/text-reporter.js";
import { shellQuote } from "../../src/cli/shell-quote.js";
import { parseContentId, randomPeerId } from "../../src/core/ids.js";
import type { GoshareEvent } from "../../src/events/event.js";
import { CONTENT_ID } from "../support/fake-cli.js";

const GIB = 1024 ** 3;

const STATE: TransferState = {
  name: "ubuntu-24.04-desktop-amd64.iso",
  verb: "downloading",
  bytesDone: 2.7 * GIB,
  bytesTotal: 4.7 * GIB,
  bytesPerSecond: 112 * 1024 ** 2,
  etaMs: 18_000,
  peers: 5,
  stall: "",
};

const draw = (fraction: number, cells: number) => "#".repeat(Math.round(fraction * cells)).padEnd(cells, "-");
const textOf = (stream: PassThrough): string => stream.read(stream.readableLength)?.toString("utf8") ?? "";

test("a wide bar shows name, bar, percent, bytes, rate, remaining time and peers", () => {
  const line = barLine(STATE, 119, draw);
  assert.match(line, /^ubuntu-24\.04-desktop-amd64\.iso {2}#+-+ {3}57% {2}2\.7 GiB\/4\.7 GiB/);
  assert.match(line, "112 MiB/s  ETA 18 s  5 peers");
});

test("at 80 columns there is a bar, for which a long name is cut", () => {
  const line = barLine(STATE, 79, draw);
  assert.match(
    line,
    /^ubuntu-\S*…\S*\.iso {2}#+-+ {3}57% {2}2\.7.GiB\/4\.7.GiB {2}112.MiB\/s {2}ETA 18.s {2}5 peers$/,
  );
});

test("when everything is there a bar says what is still done, and no rate of a while ago", () => {
  const done = { ...STATE, bytesDone: STATE.bytesTotal, etaMs: 0, stall: "syncing to disk" };
  assert.match(barLine(done, 79, draw), / 100% {2}4\.7 GiB\/4\.7 GiB {2}syncing to disk {2}5 peers$/);
  assert.match(barLine({ ...STATE, etaMs: 973 }, 119, draw), "ETA 1 s");
  assert.not.match(barLine({ ...STATE, peers: 0 }, 119, draw), /MiB\/s|ETA/);
});

test("at 40 columns name, percent, rate and remaining time are left, in one line", () => {
  const line = barLine(STATE, 39, draw);
  assert.ok(cellWidth(line) <= 39, line);
  assert.match(line, /^\S+…\S+ {3}57% {2}\S+ MiB\/s {2}ETA 18 s$/);
});

test("a bar of a download that stands still says why in place of the remaining time, whatever has to go for it", () => {
  const stall = "upload limit of peers";
  assert.match(barLine({ ...STATE, stall }, 119, draw), /112 MiB\/s {2}upload limit of peers {2}5 peers$/);
  assert.match(barLine({ ...STATE, stall }, 39, draw), /^\S+…\S+ {3}57% {2}upload limit of peers$/);
});

test("a share on a terminal shows rate, bytes, peers and how much each has, as far as there is room", () => {
  const state: ServingState = {
    ...{ name: "ubuntu.iso", verb: "sharing", bytesSent: 1.3 * GIB, bytesPerSecond: 41.2 * 1024 ** 2 },
    ...{ peers: 3, percents: [12, 58, 99] },
  };
  assert.is(servingLine(state, 79), "ubuntu.iso  ↑ 41.2 MiB/s  sent 1.3 GiB  3 peers  12%  58%  99%");
  assert.is(servingLine(state, 34), "ubuntu.iso  ↑ 41.2 MiB/s  3 peers");
  assert.is(servingLine(state, 12), "↑ 41.2 MiB/s");
  for (let columns = 1; columns < 80; columns++)
    assert.ok(cellWidth(servingLine(state, columns)) <= columns, `${columns}`);
});

test("a share in a log says every ten seconds who takes how much", () => {
  const stderr = new PassThrough();
  let nowMs = 0;
  const lines = new ProgressLines(stderr, { nowMs: () => nowMs });
  for (; nowMs <= 20_000; nowMs += 1_000)
    lines.show({
      name: "a",
      verb: "sharing",
      bytesSent: 2048,
      bytesPerSecond: 1024,
      peers: 1,
      percents: [5],
    });
  assert.is(textOf(stderr), "sharing a: 1 peer (5%), 1 KiB/s, sent 2 KiB\n".repeat(2));
});

test("no bar is wider than the terminal, whatever is shown at whatever width", () => {
  const state = fc.record({
    name: fc.string({ unit: "grapheme" }).map(printable),
    verb: fc.constant("downloading" as const),
    bytesDone: fc.nat(),
    bytesTotal: fc.nat(),
    bytesPerSecond: fc.double({ min: 0, max: 1e12, noNaN: true }),
    etaMs: fc.nat(),
    peers: fc.option(fc.nat(1000), { nil: undefined }),
    stall: fc.constantFrom("", "upload limit of peers"),
  });
  fc.assert(
    fc.property(state, fc.integer({ min: 1, max: 200 }), (shown, columns) => {
      const line = barLine(shown, columns, draw);
      assert.ok(cellWidth(line) <= columns, `${cellWidth(line)} of ${columns}: ${line}`);
    }),
  );
});

test("printable text steers no terminal, ends no line and leaves ordinary text alone", () => {
  assert.is(printable("Grüße 東京 👩‍💻 a b"), "Grüße 東京 👩‍💻 a b");
  assert.is(printable("a\u001b[31m\n\u202eb\u009b\ufeff"), "a\\u{1b}[31m\\u{a}\\u{202e}b\\u{9b}\\u{feff}");
  assert.is(printable("\ud800x"), "\\u{d800}x");
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      assert.not.match(printable(text), /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]/u);
    }),
  );
});

test("text is cut from its middle and keeps its end", () => {
  assert.is(fitCells("abcdefghij.iso", 8), "abcd…iso");
  assert.is(fitCells("short", 8), "short");
  assert.is(fitCells("東京東京東京", 5), "東…京");
  assert.is(fitCells("x", 0), "");
});

test("off a terminal there is a line for every 10 %, and one every 10 s when it is slow", () => {
  const stream = new PassThrough();
  let nowMs = 0;
  const lines = new ProgressLines(stream, { nowMs: () => nowMs });
  const show = (percent: number) => lines.show({ ...STATE, bytesTotal: 100, bytesDone: percent });
  for (let percent = 0; percent <= 100; percent++) show(percent);
  const fast = textOf(stream).trimEnd().split("\n");
  assert.is(fast.length, 10);
  assert.match(fast[0] ?? "", "downloading ubuntu-24.04-desktop-amd64.iso: 10%, 10 B of 100 B, 112 MiB/s");
  assert.match(fast[9] ?? "", "100%");

  lines.show({ ...STATE, name: "other", bytesTotal: 100, bytesDone: 1 });
  for (nowMs = 1_000; nowMs <= 35_000; nowMs += 1_000) {
    lines.show({ ...STATE, name: "other", bytesTotal: 100, bytesDone: 1 });
  }
  assert.is(textOf(stream).trimEnd().split("\n").length, 3);

  lines.show({ ...STATE, name: "still", bytesTotal: 100, bytesDone: 50, stall: "waiting for an offer" });
  assert.match(textOf(stream), /, 5 peers, waiting for an offer\n$/);
});

test("on a terminal the bar makes room for other lines, and neither hides the cursor nor jumps with it", () => {
  const stream = Object.assign(new PassThrough(), { isTTY: true, columns: 40 });
  const bar = new ProgressBar(stream);
  bar.show(STATE);
  bar.show({ ...STATE, bytesDone: STATE.bytesTotal });
  bar.clear();
  bar.clear();
  const text = textOf(stream);
  assert.ok(text.endsWith("\r\u001b[J\r"), JSON.stringify(text));
  assert.not.ok(text.replaceAll("\u001b[J", "").includes("\u001b"));
  assert.not.match(text, "\n");
});

function report(quiet: boolean, ...events: GoshareEvent[]): { stdout: string; stderr: string } {
  const stdout = new PassThrough();
  const stderr = new PassThrough();
  const reporter = new TextReporter({
    stdout,
    stderr,
    palette: plainPalette,
    quiet,
    detail: undefined,
    progress: undefined,
  });
  for (const event of events) reporter.observe(event);
  return { stdout: textOf(stdout), stderr: textOf(stderr) };
}

const SHARING: GoshareEvent = {
  type: "sharing",
  contentId: CONTENT_ID,
  ticket: "goshare1qqq",
  manifestPath: "/home/me/my file.goshare",
  endpoint: "127.0.0.1:9000",
  trackers: [],
  name: "my file\u001b[2J",
  bytes: 4_096,
  files: 1,
  chunks: 1,
  linksSkipped: 2,
};

test("of several shares it is said which of them somebody has", () => {
  const copied = {
    type: "copied",
    contentId: CONTENT_ID,
    peerId: randomPeerId(),
    endpoint: "127.0.0.1:9",
    copies: 1,
  } as const;
  assert.match(report(false, SHARING, copied).stderr, "127.0.0.1:9 has everything (1 copy so far)\n");
  const other = { ...SHARING, contentId: parseContentId("cd".repeat(32)) ?? CONTENT_ID, name: "other" };
  assert.match(
    report(false, SHARING, other, copied).stderr,
    "127.0.0.1:9 has all of my file\\u{1b}[2J (1 copy",
  );
});

test("share prints the line to run elsewhere on stdout and everything else on stderr", () => {
  const { stdout, stderr } = report(false, SHARING);
  assert.is(stdout, "goshare download goshare1qqq\n");
  assert.match(stderr, "goshare download 'my file.goshare'");
  assert.match(stderr, "sharing my file\\u{1b}[2J: 4 KiB, 1 chunk, on port 9000");
});

test("a name that begins with a dash is no option of the lines to run", () => {
  const { stderr } = report(false, { ...SHARING, manifestPath: "/home/me/-dash.bin.goshare" });
  assert.match(stderr, "goshare download ./-dash.bin.goshare\n");
  const begun = {
    ...{ contentId: CONTENT_ID, name: "a", path: "-/a", bytesDone: 1, bytesTotal: 4, chunksDone: 1 },
    ...{ chunks: 4, pid: 0, what: "goshare1qqq", moreArguments: [] },
    state: "paused",
  } as const;
  for (const outputDirectory of ["-", "-isos"]) {
    const { stdout } = report(true, { type: "resumable", ...begun, outputDirectory });
    assert.match(stdout, `goshare download goshare1qqq --output ./${outputDirectory}\n`);
  }
});

test("what a peer calls itself takes 40 cells at most, however it is escaped", () => {
  const who = { type: "peerConnected", peerId: randomPeerId(), inbound: true } as const;
  const { stderr } = report(false, { ...who, endpoint: "127.0.0.1:9000", agent: "\u0001".repeat(64) });
  const [, agent = ""] = /^127\.0\.0\.1:9000 connected \((.*)\)\n$/.exec(stderr) ?? [];
  assert.is(cellWidth(agent), 40);
});

test("quiet leaves results and problems", () => {
  const failed: GoshareEvent = { type: "failed", code: "DISK_FULL", exitCode: 6, message: "full", hint: "" };
  const { stdout, stderr } = report(true, SHARING, { type: "stopped", signal: "", bytesSent: 1 }, failed);
  assert.is(stdout, "goshare download goshare1qqq\n");
  assert.match(stderr, /^error: full\n$/);
});

test("a finished download leaves its path on stdout", () => {
  const { stdout, stderr } = report(false, {
    type: "done",
    path: "downloads/a",
    bytes: 10,
    elapsedMs: 2_000,
    contentId: CONTENT_ID,
    bytesReceived: 2 * 1024 ** 2,
    bytesWasted: 0,
    slowTimes: [{ reason: "network", ms: 2_000 }],
  });
  assert.is(stdout, "downloads/a\n");
  assert.match(stderr, "received 2 MiB in 2 s, 1 MiB/s");
  assert.not.match(stderr, "limited by");
});

test("a download that took a while ends with what it was limited by, but for trifles", () => {
  const { stderr } = report(false, {
    ...{ type: "done", path: "a", bytes: 10, elapsedMs: 17_000, contentId: CONTENT_ID },
    ...{ bytesReceived: 10, bytesWasted: 0 },
    slowTimes: [
      { reason: "uploadLimit", ms: 14_000 },
      { reason: "network", ms: 2_200 },
      { reason: "noPeer", ms: 800 },
    ],
  });
  assert.is(stderr.split("\n")[0], "limited by: upload limit of peers 14 s, network 2.2 s");
});

test("progress says what a download stands still for after a second without a verified byte", () => {
  const states: ProgressState[] = [];
  const progress = { show: (state: ProgressState) => states.push(state), clear: () => undefined };
  const streams = { stdout: new PassThrough(), stderr: new PassThrough() };
  const reporter = new TextReporter({
    ...streams,
    palette: plainPalette,
    quiet: false,
    detail: undefined,
    progress,
  });
  const counters = { bytesDone: 1, bytesTotal: 9, bytesPerSecond: 1, etaMs: 1, peers: 1 };
  for (const stalledMs of [0, 999, 1_000])
    reporter.observe({
      ...{ type: "progress", contentId: CONTENT_ID, ...counters, slowReason: "noPeerHasChunk" },
      stalledMs,
    });
  assert.equal(
    states.map((state) => "stall" in state && state.stall),
    ["", "", "nobody has the rest"],
  );
});

test("inspect lists entries with their kinds, escaped", () => {
  const entries = [
    { path: "a/run", size: 2_048, kind: "executable", target: "" },
    { path: "a/empty", size: 0, kind: "directory", target: "" },
    { path: "a/link\u009b", size: 0, kind: "link", target: "run" },
  ] as const;
  const common = { contentId: CONTENT_ID, name: "a", kind: "folder", bytes: 2_048, chunks: 1 } as const;
  const lists = { entries, peers: ["192.0.2.1:9000"], trackers: [] };
  const { stdout } = report(false, { type: "inspected", ...common, chunkSize: 1_048_576, ...lists });
  assert.match(stdout, /2 KiB {2}a\/run\*\n/);
  assert.match(stdout, "a/empty/\n");
  assert.match(stdout, "a/link\\u{9b} -> run\n");
  assert.match(stdout, "peer        192.0.2.1:9000");
});

test("inspect does not say how many files there are if it does not know the entries", () => {
  const common = { contentId: CONTENT_ID, name: "a", kind: "folder", bytes: 4_096, chunks: 2 } as const;
  const lists = { entries: [], peers: [], trackers: [] };
  const { stdout } = report(false, { type: "inspected", ...common, chunkSize: 2_048, ...lists });
  assert.match(stdout, "size        4 KiB, 2 chunks of 2 KiB\n");
});

test("status says how far a download is and how to go on, unless it is running", () => {
  const event = {
    ...{ contentId: CONTENT_ID, name: "a\u009b", path: "my isos/a" },
    ...{ bytesDone: 1_024, bytesTotal: 4_096, chunksDone: 1, chunks: 4 },
    ...{ pid: 17, what: "goshare1qqq", outputDirectory: "my isos", moreArguments: ["--rename"] },
  } as const;
  const lines = (state: "running" | "paused" | "interrupted") => {
    const { stdout, stderr } = report(true, { type: "resumable", ...event, state });
    assert.is(stderr, "");
    return stdout.trimEnd().split("\n");
  };
  assert.equal(lines("paused"), [
    "a\\u{9b}: 1 KiB of 4 KiB verified, 1 of 4 chunks; paused",
    `  content id ${CONTENT_ID}`,
    "  goshare download goshare1qqq --output 'my isos' --rename",
  ]);
  assert.match(lines("interrupted")[0] ?? "", "; interrupted; what is there will be verified again");
  assert.equal(lines("running").slice(0, 2), [
    "a\\u{9b}: 1 KiB of 4 KiB verified, 1 of 4 chunks; process 17 is downloading it",
    `  content id ${CONTENT_ID}`,
  ]);
  assert.is(lines("running").length, 2);
});

test("waiting for the same thing is said once", () => {
  const waiting: GoshareEvent = {
    ...{ type: "waiting", contentId: CONTENT_ID, waitingFor: "peers" },
    slowReason: "noPeer",
  };
  assert.is(
    report(false, waiting, { ...waiting, slowReason: "dialFailed" }, waiting).stderr,
    "waiting for somebody who has what is missing\n",
  );
});

test("colour follows the option, then the environment, then the terminal", () => {
  const pipe = new PassThrough();
  const terminal = Object.assign(new PassThrough(), { isTTY: true });
  assert.is(wantsColor(terminal, "auto", {}), true);
  assert.is(wantsColor(pipe, "auto", {}), false);
  assert.is(wantsColor(terminal, "auto", { NO_COLOR: "1" }), false);
  assert.is(wantsColor(terminal, "auto", { TERM: "dumb" }), false);
  assert.is(wantsColor(pipe, "auto", { FORCE_COLOR: "1" }), true);
  assert.is(wantsColor(pipe, "always", { NO_COLOR: "1" }), true);
  assert.is(wantsColor(terminal, "never", {}), false);
});

test("a shell reads quoted words back as they were", () => {
  assert.is(shellQuote("a/b-1.iso"), "a/b-1.iso");
  assert.is(shellQuote("it's $HOME"), "'it'\\''s $HOME'");
  assert.is(shellQuote(""), "''");
});

test.run();

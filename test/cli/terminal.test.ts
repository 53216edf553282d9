// What stands in a real terminal while goshare runs in it, and where there is none: no line is broken by the terminal
// but those that are to be copied, there is one bar, and it is gone at the end.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type Callback, test } from "uvu";
import * as assert from "uvu/assert";
import { MIB } from "../../src/core/units.js";
import { killAll } from "../support/goshare-process.js";
import { GoshareText, runGoshare } from "../support/goshare-text.js";
import { ScratchFolder } from "../support/scratch-folder.js";
import { skipTest } from "../support/skip-test.js";
import { TmuxTerminal, tmuxProblem } from "../support/tmux-terminal.js";
import { startShare } from "../support/transfer.js";

const scratch = new ScratchFolder();
const terminals: TmuxTerminal[] = [];

test.after(() => {
  killAll();
  for (const terminal of terminals) terminal.close();
  scratch.remove();
});

const NAME = "a rather long name of a file.bin";
const ROWS = 45;
/** Slow enough to be looked at on a busy machine. */
const RATE = "1500KiB/s";
const BAR = /\d+% |\d+%$/;
const ESCAPE = "\u001b";
/** What may be longer than the terminal: what is to be copied, and what was typed. */
const COPIED = /^ *goshare |^\$ |^\S*\/|^[0-9a-f]{64}$/;

const problem = tmuxProblem();

function onTerminals(title: string, body: Callback): void {
  if (problem === undefined) test(title, body);
  else skipTest(title, problem);
}

async function terminal(columns: number, profile = ""): Promise<TmuxTerminal> {
  const opened = await TmuxTerminal.open({ columns, rows: ROWS, folder: scratch.folder(), profile });
  terminals.push(opened);
  return opened;
}

/** Lines that are longer than the terminal, and so were broken by it, beside those that must be whole. */
async function brokenLines(terminal: TmuxTerminal, columns: number): Promise<readonly string[]> {
  const lines = await terminal.written();
  return lines.filter((line) => line.trimEnd().length > columns && !COPIED.test(line));
}

async function assertOneBar(terminal: TmuxTerminal, columns: number): Promise<string> {
  const bars = (await terminal.scrolled()).filter((line) => BAR.test(line));
  assert.is(bars.length, 1, (await terminal.scrolled()).join("\n"));
  assert.ok((bars[0]?.length ?? 0) < columns);
  return bars[0] ?? "";
}

async function assertNoBar(terminal: TmuxTerminal): Promise<void> {
  assert.not.match((await terminal.scrolled()).join("\n"), BAR);
}

for (const columns of [80, 40]) {
  onTerminals(
    `with ${columns} columns a share and a download have a bar each while they run, and leave none`,
    async () => {
      const [sharer, downloader] = [await terminal(columns), await terminal(columns)];
      const path = scratch.file(NAME, 8 * MIB);
      await sharer.command(`goshare share '${path}' --listen 127.0.0.1:0`);
      const [line] = await sharer.until(/^goshare download goshare1[a-z0-9]+$/m);
      await sharer.until(/Ctrl-C stops sharing/);
      assert.equal(await brokenLines(sharer, columns), []);

      await downloader.command(`${line} --listen 127.0.0.1:0 --download-limit ${RATE}`);
      await Promise.all([downloader.until(/[1-9]\d%/), sharer.until(/sent \d.*[1-9]\d%/)]);
      const [bar] = await Promise.all([assertOneBar(downloader, columns), assertOneBar(sharer, columns)]);
      if (columns === 80) assert.match(bar, /[█░]{8}/);
      assert.equal(await brokenLines(downloader, columns), []);
      assert.equal(await brokenLines(sharer, columns), []);

      await downloader.until(/verified:\n.*a rather long name of a file\.bin\n\$ $/m);
      await assertNoBar(downloader);
      assert.equal(await brokenLines(downloader, columns), []);
      await sharer.until(/disconnected/);
      await sharer.press("C-c");
      await sharer.until(/stopped; sent 8\sMiB\n\$ $/m);
      await assertNoBar(sharer);
      assert.equal(await brokenLines(sharer, columns), []);
    },
  );
}

onTerminals("a download that is interrupted leaves no bar, and a whole line to go on with", async () => {
  const columns = 40;
  const downloader = await terminal(columns);
  const share = await startShare(scratch.file(NAME, 8 * MIB));
  await downloader.command(
    `goshare download ${share.ticket} --listen 127.0.0.1:0 --download-limit 1MiB/s --output out`,
  );
  await downloader.until(/[1-9]\d%/);
  await downloader.press("C-c");
  const [line] = await downloader.until(/^goshare download goshare1.* --output out$/m);
  assert.match(line, `${share.ticket} --listen 127.0.0.1:0 --download-limit 1MiB/s`);
  await assertNoBar(downloader);
  assert.equal(await brokenLines(downloader, columns), []);
  await downloader.clear();
  await downloader.command("goshare status --output out");
  await downloader.until(/^ {2}goshare download goshare1.* --output out$/m);
  assert.equal(await brokenLines(downloader, columns), []);
  await share.process.stop();
});

onTerminals("what is typed over a bar, and a stop of the job, break no line that comes later", async () => {
  const columns = 80;
  const downloader = await terminal(columns);
  const share = await startShare(scratch.file(NAME, 8 * MIB));
  const command = `goshare download ${share.ticket} --listen 127.0.0.1:0 --download-limit 1MiB/s --output`;
  const started = () => downloader.until(/[1-9]\d%/);

  await downloader.command(`clear; ${command} typed`);
  await started();
  for (const key of ["Enter", "Enter", "Enter", "a", "b"]) await downloader.press(key);
  await downloader.press("C-c");
  await downloader.until(/^ *what is verified is kept.*\ngoshare download goshare1.* --output typed\n\$ $/m);
  const typed = (await downloader.written()).map((line) => line.trimEnd());
  assert.ok(typed.includes("error: interrupted by SIGINT"), typed.join("\n"));
  assert.ok(typed.includes("  what is verified is kept; to resume, run:"), typed.join("\n"));
  assert.ok(typed.includes(`${command} typed`), typed.join("\n"));

  await downloader.clear();
  await downloader.command(`${command} stopped`);
  await started();
  await downloader.press("C-z");
  await downloader.until(/Stopped/);
  assert.is(await downloader.isCursorShown(), true);
  await downloader.command("fg");
  await downloader.until(/fg\n(.*\n)*.*[1-9]\d%/);
  await downloader.press("C-c");
  await downloader.until(/^goshare download goshare1.* --output stopped\n\$ $/m);
  const stopped = (await downloader.written()).map((line) => line.trimEnd());
  assert.ok(stopped.includes(`${command} stopped`), stopped.join("\n"));
  await share.process.stop();
});

onTerminals("a terminal that is closed leaves a paused download", async () => {
  const downloader = await terminal(80);
  const share = await startShare(scratch.file(NAME, 8 * MIB));
  const output = scratch.folder();
  await downloader.command(
    `goshare download ${share.ticket} --listen 127.0.0.1:0 --download-limit 1MiB/s --output '${output}'`,
  );
  await downloader.until(/[1-9]\d%/);
  downloader.close();
  for (;;) {
    const { stdout } = await runGoshare(["status", "--output", output]);
    if (!/process \d+ downloads/.test(stdout)) {
      assert.match(stdout, /; paused$/m);
      break;
    }
  }
  await share.process.stop();
});

onTerminals("a bar in a window that becomes narrower leaves nothing of its longer self", async () => {
  const downloader = await terminal(100);
  const share = await startShare(scratch.file(NAME, 8 * MIB));
  const command = `goshare download ${share.ticket} --listen 127.0.0.1:0 --download-limit 1MiB/s`;
  await downloader.command(`clear; ${command}`);
  await downloader.until(/[1-9]\d%/);
  await downloader.resize(60);
  await downloader.until(/[3-9]\d%/);
  await assertOneBar(downloader, 60);
  await downloader.press("C-c");
  await downloader.until(/^goshare download goshare1.*\n\$ $/m);
  await assertNoBar(downloader);
  await share.process.stop();
});

onTerminals("help, findings and errors are broken between words in 40 columns", async () => {
  const columns = 40;
  const reader = await terminal(columns);
  const path = scratch.file(NAME, MIB);
  const share = await startShare(path);
  const commands = [
    "goshare --help",
    "goshare share --help",
    "goshare tracker --help",
    "goshare doctor --tracker 127.0.0.1:1 --listen 127.0.0.1:0",
    `goshare inspect ${share.ticket}`,
    `goshare verify ${share.ticket} '${path}'`,
    "goshare share not-there-and-with-a-longish-name",
    "goshare download goshare1xyz",
    "goshare share --color sometimes x",
    "goshare config",
  ];
  for (const [index, command] of commands.entries()) {
    await reader.command(`clear; ${command}; echo END$((${index}+1))`);
    await reader.until(new RegExp(`^END${index + 1}$`, "m"));
    const examples = /^ {4}goshare /;
    const broken = (await brokenLines(reader, columns)).filter((line) => !examples.test(line));
    // Those of the shell hold what was typed before the terminal was cleared.
    assert.equal(
      broken.filter((line) => !line.includes("echo END")),
      [],
      command,
    );
  }
  await share.process.stop();
});

onTerminals("a terminal has colours, with NO_COLOR it has none, and with TERM=dumb lines only", async () => {
  const share = await startShare(scratch.file(NAME, 8 * MIB));
  const command = `goshare download ${share.ticket} --listen 127.0.0.1:0 --download-limit ${RATE}`;
  const bold = `${ESCAPE}[1m`;
  const [plain, coloured] = [await terminal(80, "export NO_COLOR=1"), await terminal(80)];
  const dumb = await terminal(80, "export TERM=dumb");
  await Promise.all([plain, coloured, dumb].map((one) => one.command(command)));
  await Promise.all([plain, coloured].map((one) => one.until(/[1-9]\d%/)));
  await assertOneBar(plain, 80);
  assert.ok((await coloured.colouredScreen()).join("\n").includes(bold));
  assert.not.ok((await plain.colouredScreen()).join("\n").includes(ESCAPE));
  await Promise.all([plain, coloured, dumb].map((one) => one.until(/verified:\n.*file\.bin\n\$ $/m)));
  assert.match((await dumb.written()).join("\n"), /downloading .*: \d+%.*\n(.*\n)*downloading .*: \d+%/);
  assert.not.ok((await dumb.colouredScreen()).join("\n").includes(ESCAPE));
  assert.equal(await brokenLines(dumb, 80), []);
  await share.process.stop();
});

test("piped, lines are only added, whole and without escape codes", async () => {
  const cwd = scratch.folder();
  const sharer = new GoshareText(["share", scratch.file(NAME, 8 * MIB), "--listen", "127.0.0.1:0"]);
  const [, line = ""] = await sharer.says(/^(goshare download goshare1[a-z0-9]+)$/m);
  const argv = [...line.split(" ").slice(1), "--listen", "127.0.0.1:0", "--download-limit", "4MiB/s"];
  const { exitCode, stdout, stderr } = await runGoshare(argv, { cwd });
  assert.is(exitCode, 0);
  const path = join(cwd, "downloads", NAME);
  assert.is(stdout, `${path}\n`);
  assert.is(readFileSync(path).length, 8 * MIB);
  assert.match(stderr, /^downloading a rather long name of a file\.bin: \d+%, .* of 8 MiB, .*$/m);
  await sharer.says(/disconnected, sent 8 MiB/);
  sharer.kill("SIGTERM");
  const shared = await sharer.ended;
  for (const text of [stderr, shared.stdout, shared.stderr]) {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
    assert.not.match(text, /[\u0000-\u0009\u000b-\u001f]/);
    assert.match(text, /\n$/);
  }
});

test.run();

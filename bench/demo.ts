// pnpm demo [PATH]: a tracker, a sharer and a downloader as three processes on this machine's loopback. They
// move PATH, or a large file and a folder of small ones made for the purpose; then both sides are read back and
// compared. Exit code 0 only if everything arrived as it was. Leaves nothing behind, Ctrl-C included.
import { mkdir, mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { formatBytes, formatRate, GIB, MIB } from "../src/core/units.js";
import { GoshareProcess, type JsonEvent, killAll } from "../test/support/goshare-process.js";
import { writeRandomFile, writeSmallFiles } from "./sample-data.js";
import { treeDigest } from "./tree-digest.js";

const LARGE_FILE_BYTES = 256 * MIB;
const SMALL_FILES = 1_000;
const LISTEN = "127.0.0.1:0";

interface Row {
  readonly what: string;
  readonly bytes: number;
  readonly seconds: number;
  readonly equal: boolean;
}

const stop = new AbortController();

async function main(): Promise<void> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), "goshare-demo-")));
  let exitCode = 1;
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.once(signal, () => {
      exitCode = signal === "SIGINT" ? 130 : 143;
      stop.abort(new Error(`interrupted by ${signal}`));
      killAll();
    });
  }
  try {
    const rows = await demo(folder, process.argv[2]);
    printTable(rows);
    if (rows.every((row) => row.equal)) exitCode = 0;
  } catch (thrown) {
    const cause: unknown = stop.signal.aborted ? stop.signal.reason : thrown;
    say(`the demo did not reach its end: ${cause instanceof Error ? cause.message : String(cause)}`);
  } finally {
    killAll();
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  }
  process.exitCode = exitCode;
}

async function demo(folder: string, given: string | undefined): Promise<Row[]> {
  const paths = given === undefined ? await makeData(join(folder, "data")) : [await realpath(given)];
  const tracker = new GoshareProcess(["tracker", "--store", "memory", "--listen", LISTEN]);
  const { endpoint } = await tracker.waitFor("listening");
  say(`tracker     ${endpoint}`);
  const rows: Row[] = [];
  for (const path of paths) rows.push(await move(path, folder, String(endpoint)));
  await tracker.stop();
  return rows;
}

async function makeData(folder: string): Promise<string[]> {
  say(`making a file of ${formatBytes(LARGE_FILE_BYTES)} and a folder of ${SMALL_FILES} files`);
  await mkdir(folder);
  const large = join(folder, "large.bin");
  const small = join(folder, "small-files");
  await writeRandomFile(large, LARGE_FILE_BYTES, stop.signal);
  await writeSmallFiles(small, SMALL_FILES, stop.signal);
  return [large, small];
}

/** Shares `path`, downloads it, and compares what is on both sides. */
async function move(path: string, folder: string, tracker: string): Promise<Row> {
  stop.signal.throwIfAborted();
  const what = basename(path);
  const manifest = join(folder, `${what}.goshare`);
  const sharer = new GoshareProcess(
    ["share", path, "--listen", LISTEN, "--tracker", tracker, "--manifest", manifest],
    showProgress(`hashing     ${what}`, "hashing"),
  );
  const { ticket } = await sharer.waitFor("sharing");
  say(`sharing     ${what}: ${String(ticket).slice(0, 40)}…`);

  const downloader = new GoshareProcess(
    [
      "download",
      String(ticket),
      "--output",
      join(folder, "received"),
      "--listen",
      LISTEN,
      "--tracker",
      tracker,
    ],
    showProgress(`downloading ${what}`, "progress"),
  );
  const done = await downloader.waitFor("done");
  const [{ exitCode }] = await Promise.all([downloader.exited, sharer.stop()]);
  if (exitCode !== 0) throw new Error(`goshare download ended with exit code ${exitCode}`);

  say(`comparing   ${what}`);
  const [sent, received] = await Promise.all([treeDigest(path), treeDigest(String(done["path"]))]);
  const equal =
    sent.length > 0 && sent.length === received.length && sent.every((line, i) => line === received[i]);
  stop.signal.throwIfAborted();
  return { what, bytes: Number(done["bytes"]), seconds: Number(done["elapsedMs"]) / 1000, equal };
}

/** Draws over the same line on a terminal; elsewhere says nothing. */
function showProgress(label: string, kind: "hashing" | "progress"): (event: JsonEvent) => void {
  return (event) => {
    const counters = event[kind];
    if (counters === undefined || process.stdout.isTTY !== true) return;
    const total = Number(counters["bytesTotal"]);
    const percent = total > 0 ? Math.floor((100 * Number(counters["bytesDone"])) / total) : 0;
    process.stdout.write(`\r\u001b[K${label} ${percent}% ${formatRate(Number(counters["bytesPerSecond"]))}`);
  };
}

function say(line: string): void {
  process.stdout.write(`${process.stdout.isTTY === true ? "\r\u001b[K" : ""}${line}\n`);
}

function printTable(rows: readonly Row[]): void {
  const cells = rows.map(({ what, bytes, seconds, equal }) => [
    what,
    formatBytes(bytes),
    seconds.toFixed(2),
    seconds > 0 ? (bytes / GIB / seconds).toFixed(2) : "-",
    equal ? "yes" : "NO",
  ]);
  const table = [["what", "size", "seconds", "GiB/s", "SHA-256 equal"], ...cells];
  const widths = [0, 1, 2, 3, 4].map((column) => Math.max(...table.map((row) => (row[column] ?? "").length)));
  say("");
  for (const row of table) {
    say(
      row
        .map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0)))
        .join("   "),
    );
  }
}

await main();

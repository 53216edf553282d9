// Runs the test files under dist/test, each in a process of its own, and sums what uvu says:
// `node dist/test/run.js [REGEX]`, where REGEX selects by path. The last line is "N passed, N failed, N
// skipped"; the exit code is 1 if anything failed, if a file ran no test, or if no file was found.
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { connect } from "node:net";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { DEFAULT_TRACKER_PORT } from "../src/tracker/limits.js";
import { isFullSize } from "./support/full-size.js";

const PARALLEL_FILES = 2;
const FILE_LIMIT_MS = isFullSize ? 3_600_000 : 180_000;
/** Output kept of a file; more is cut at its beginning. */
const OUTPUT_LIMIT_CHARACTERS = 1_000_000;

const testRoot = fileURLToPath(new URL(".", import.meta.url));
const sourceRoot = fileURLToPath(new URL("../../test", import.meta.url));

interface FileResult {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  /** Why the file counts as failed; empty if it does not. */
  readonly problem: string;
  readonly output: string;
  readonly elapsedMs: number;
}

const running = new Set<ChildProcess>();

async function main(): Promise<void> {
  const pattern = new RegExp(process.argv[2] ?? "");
  const files = (await testFiles()).filter((file) => pattern.test(file));
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.once(signal, () => {
      for (const child of running) killGroup(child);
      process.exit(signal === "SIGINT" ? 130 : 143);
    });
  }
  if (await isTrackerPortTaken()) {
    print(
      `something listens at port ${DEFAULT_TRACKER_PORT}: tests that expect no tracker on this machine may fail`,
    );
  }
  const sum = { passed: 0, failed: 0, skipped: 0 };
  const queue = files.values();
  const worker = async () => {
    for (const file of queue) {
      const result = await runFile(file);
      report(file, result);
      sum.passed += result.passed;
      sum.failed += result.failed;
      sum.skipped += result.skipped;
    }
  };
  await Promise.all(Array.from({ length: PARALLEL_FILES }, worker));
  if (files.length === 0) print(`no test file matches ${pattern}`);
  print(`${sum.passed} passed, ${sum.failed} failed, ${sum.skipped} skipped`);
  process.exitCode = sum.failed > 0 || files.length === 0 ? 1 : 0;
}

/** What transfers without a tracker of their own would ask. */
function isTrackerPortTaken(): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(DEFAULT_TRACKER_PORT, "127.0.0.1", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}

/** Compiled tests whose source is still there (the compiler leaves the others lying), relative to dist/test. */
async function testFiles(): Promise<string[]> {
  const entries = await readdir(testRoot, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile() && entry.name.endsWith(".test.js"))
    .map((entry) => relative(testRoot, join(entry.parentPath, entry.name)))
    .filter((file) => existsSync(join(sourceRoot, file.replace(/\.js$/, ".ts"))))
    .sort();
}

function runFile(file: string): Promise<FileResult> {
  const startMs = performance.now();
  return new Promise((resolve) => {
    // A group of its own, so that what a test starts ends with it.
    const child = spawn(process.execPath, [join(testRoot, file)], {
      detached: true,
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, NO_COLOR: "1", FORCE_COLOR: "0" },
    });
    running.add(child);
    let output = "";
    let timedOut = false;
    const keep = (data: string) => {
      output = (output + data).slice(-OUTPUT_LIMIT_CHARACTERS);
    };
    child.stdout.setEncoding("utf8").on("data", keep);
    child.stderr.setEncoding("utf8").on("data", keep);
    const limit = setTimeout(() => {
      timedOut = true;
      killGroup(child);
    }, FILE_LIMIT_MS);
    // "exit", then whatever is left in the pipes: a process that a test left behind may hold them open.
    child.once("exit", () => setImmediate(killGroup, child));
    child.once("close", (code, signal) => {
      clearTimeout(limit);
      running.delete(child);
      const end = timedOut ? `did not end within ${FILE_LIMIT_MS / 1000} s` : endProblem(code, signal);
      resolve({ ...count(output, end), output, elapsedMs: performance.now() - startMs });
    });
  });
}

function endProblem(code: number | null, signal: string | null): string {
  if (signal !== null) return `was ended by ${signal}`;
  return code === 0 ? "" : `ended with exit code ${code}`;
}

/** What uvu's summary says, and whether the file failed beside it. */
function count(output: string, end: string): Omit<FileResult, "output" | "elapsedMs"> {
  const number = (label: string) => {
    const all = [...output.matchAll(new RegExp(`^ {2}${label}: +(\\d+)`, "gm"))];
    return Number(all.at(-1)?.[1] ?? 0);
  };
  const total = number("Total");
  const passed = number("Passed");
  const skipped = number("Skipped");
  const problem = end === "" && total + skipped === 0 ? "ran no test" : end;
  const counted = total - passed;
  return { passed, skipped, failed: problem !== "" && counted === 0 ? 1 : counted, problem };
}

function report(file: string, result: FileResult): void {
  const seconds = (result.elapsedMs / 1000).toFixed(1);
  const source = `test/${file.replace(/\.js$/, ".ts")}`;
  if (result.failed === 0) {
    const skipped = result.skipped > 0 ? `, ${result.skipped} skipped` : "";
    print(`ok    ${source}  ${result.passed} passed${skipped}  ${seconds} s`);
    for (const reason of result.output.match(/^skipped: .*$/gm) ?? []) print(`      ${reason}`);
    return;
  }
  print(`FAIL  ${source}  ${result.failed} failed, ${result.problem}  ${seconds} s`);
  print(result.output.trimEnd());
  print(`      alone: node dist/test/${file}`);
}

function killGroup(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, "SIGKILL");
  } catch {
    // The whole group has ended already.
  }
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

await main();

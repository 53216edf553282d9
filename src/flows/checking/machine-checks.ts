// What doctor checks here: Node, the disk that downloads go to, and how fast this machine hashes. Leaves nothing.
import { randomUUID } from "node:crypto";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { GoshareError } from "../../core/errors.js";
import { formatBytes, formatDuration, formatRate, GIB, MIB } from "../../core/units.js";
import { freeSpace } from "../../storage/files/free-space.js";
import { packRuns } from "../../workers/packed-runs.js";
import { slotMemory } from "../../workers/slots.js";
import { WorkerPool } from "../../workers/worker-pool.js";
import type { Check } from "../doctor.js";

/** When the project ends its support of a version (github.com/nodejs/Release). */
const END_OF_SUPPORT: Readonly<Record<number, string>> = {
  20: "2026-04-30",
  22: "2027-04-30",
  23: "2025-06-01",
  24: "2028-04-30",
  25: "2026-06-01",
};

/** A disk with less is as good as full for goshare's purposes. */
const LITTLE_FREE_BYTES = GIB;
/** Written and synced to see how long the disk takes. */
const PROBE_BYTES = MIB;
const SLOW_SYNC_MS = 500;

const HASHED_BYTES = 4 * MIB;
const HASHING_MS = 300;
/** Less than a fast network delivers. */
const SLOW_HASH_BYTES_PER_SECOND = 125_000_000;

/** `nodeVersion` as in process.versions; `nowMs` is Unix time. */
export function checkRuntime(nodeVersion: string, nowMs: number): Check {
  const subject = "node";
  const message = `Node ${nodeVersion}, ${process.platform} ${process.arch}, ${os.availableParallelism()} processors`;
  const end = END_OF_SUPPORT[Number.parseInt(nodeVersion, 10)];
  if (end === undefined || nowMs < Date.parse(end)) return { subject, verdict: "ok", message, fix: "" };
  const fix = "install a newer Node: https://nodejs.org/";
  return {
    ...{ subject, verdict: "warning", fix },
    message: `${message}; it has had no security fixes since ${end}`,
  };
}

/** Checks free room, and how long the disk takes to confirm what is written. */
export function checkDisk(outputDirectory: string): Check {
  const subject = "disk";
  const folder = nearestFolder(path.resolve(outputDirectory));
  const stats = fs.statSync(folder);
  if (!stats.isDirectory()) {
    const message = `${folder} is ${stats.isFile() ? "a file" : "not a folder"}`;
    return { subject, verdict: "problem", message, fix: "choose another folder with --output" };
  }
  const probePath = path.join(folder, `.goshare-doctor-${randomUUID()}`);
  let syncMs: number;
  try {
    syncMs = writeAndSync(probePath);
  } catch (thrown) {
    const { message, hint } = GoshareError.from(thrown);
    const fix = hint || "choose another folder with --output";
    return { subject, verdict: "problem", message: `cannot write to ${folder}: ${message}`, fix };
  } finally {
    fs.rmSync(probePath, { force: true });
  }
  const freeBytes = freeSpace(folder);
  const free = freeBytes === undefined ? "" : `${formatBytes(freeBytes)} free, `;
  const message = `${folder}: ${free}writes are confirmed within ${formatDuration(syncMs)}`;
  if (freeBytes !== undefined && freeBytes < LITTLE_FREE_BYTES) {
    return {
      subject,
      verdict: "warning",
      message,
      fix: "free some space, or choose another disk with --output",
    };
  }
  if (syncMs > SLOW_SYNC_MS) {
    const fix = "downloads of many small files will have to wait for this disk; choose another with --output";
    return { subject, verdict: "warning", message, fix };
  }
  return { subject, verdict: "ok", message, fix: "" };
}

/** Measures all threads together, in memory. */
export async function checkHashRate(signal: AbortSignal): Promise<Check> {
  const slots = slotMemory();
  const pool = new WorkerPool(slots);
  try {
    // A digest that no chunk has: it is hashed, found wrong, and written nowhere.
    const digest = "";
    const chunks = [{ slotOffset: 0, length: HASHED_BYTES, digest, runs: packRuns([]) }];
    const task = { kind: "write", chunks } as const;
    // Lets the threads load their code first.
    await Promise.all(Array.from({ length: pool.threads }, () => pool.run(task)));
    const startMs = performance.now();
    const tasks = function* () {
      while (performance.now() - startMs < HASHING_MS) yield task;
    };
    let bytes = 0;
    await pool.runAll(tasks(), () => (bytes += HASHED_BYTES), signal);
    const bytesPerSecond = (bytes * 1000) / (performance.now() - startMs);
    const message = `SHA-256 at ${formatRate(bytesPerSecond)} with ${pool.threads} threads`;
    if (bytesPerSecond >= SLOW_HASH_BYTES_PER_SECOND)
      return { subject: "hashing", verdict: "ok", message, fix: "" };
    const fix = "the processors are busy with other work, or slow: transfers cannot go faster than this";
    return { subject: "hashing", verdict: "warning", message, fix };
  } finally {
    await pool.close();
  }
}

/** Milliseconds until the disk has confirmed some bytes. */
function writeAndSync(probePath: string): number {
  const fd = fs.openSync(probePath, "wx", 0o600);
  try {
    const startMs = performance.now();
    fs.writeSync(fd, Buffer.alloc(PROBE_BYTES, 1));
    fs.fsyncSync(fd);
    return performance.now() - startMs;
  } finally {
    fs.closeSync(fd);
  }
}

/** The folder itself, or the nearest existing one above it. */
function nearestFolder(folder: string): string {
  const parent = path.dirname(folder);
  return fs.existsSync(folder) || parent === folder ? folder : nearestFolder(parent);
}

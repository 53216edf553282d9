// Bare hashing: hasher.js PATH, a file or a folder. One thread for each core reads and hashes its part: chunk by chunk
// of a file, file by file of a folder. Nothing is written down.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import * as fs from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { isMainThread, parentPort, Worker } from "node:worker_threads";
import { pageAligned } from "../../src/core/page-aligned.js";
import { KIB, MIB } from "../../src/core/units.js";

/** Read at a time: so much stays in a core's cache. */
const STEP_BYTES = 256 * KIB;

interface Part {
  readonly path: string;
  readonly start: number;
  readonly end: number;
}

if (isMainThread) hashAll(process.argv[2] ?? "");
else hashWhatComes();

function hashAll(path: string): void {
  const threads = availableParallelism();
  const workers = Array.from({ length: threads }, () => new Worker(fileURLToPath(import.meta.url)));
  const parts = fs.statSync(path).isDirectory() ? filesIn(path) : partsOf(path, threads);
  let ended = 0;
  for (const [i, worker] of workers.entries()) {
    const from = Math.floor((i * parts.length) / threads);
    worker.postMessage(parts.slice(from, Math.floor(((i + 1) * parts.length) / threads)));
    worker.once("message", () => {
      ended += 1;
      if (ended === threads) process.exit(0);
    });
  }
}

function partsOf(path: string, count: number): readonly Part[] {
  const chunks = Math.ceil(fs.statSync(path).size / MIB);
  const at = (i: number): number => Math.floor((i * chunks) / count) * MIB;
  return Array.from({ length: count }, (_, i) => ({ path, start: at(i), end: at(i + 1) }));
}

function filesIn(folder: string): readonly Part[] {
  return fs.readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    return entry.isDirectory() ? filesIn(path) : [{ path, start: 0, end: MIB }];
  });
}

function hashWhatComes(): void {
  const port = parentPort;
  assert(port !== null, "it runs in a thread");
  const buffer = pageAligned(STEP_BYTES);
  port.once("message", (parts: readonly Part[]) => {
    for (const part of parts) hashPart(part, buffer);
    port.postMessage(parts.length);
  });
}

function hashPart({ path, start, end }: Part, buffer: Buffer): void {
  const fd = fs.openSync(path, "r");
  for (let chunk = start; chunk < end; chunk += MIB) {
    const hash = createHash("sha256");
    for (let at = chunk; at < Math.min(chunk + MIB, end); at += STEP_BYTES) {
      const bytes = fs.readSync(fd, buffer, 0, STEP_BYTES, at);
      hash.update(bytes === STEP_BYTES ? buffer : buffer.subarray(0, bytes));
      if (bytes < STEP_BYTES) break;
    }
    hash.digest();
  }
  fs.closeSync(fd);
}

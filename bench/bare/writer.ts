// A thread of a bare receiver: hashes what is in a slot and writes it where it belongs.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import * as fs from "node:fs";
import { parentPort, workerData } from "node:worker_threads";
import { MIB } from "../../src/core/units.js";

export interface FilledSlot {
  readonly slot: number;
  /** Where in the file it belongs. */
  readonly offset: number;
  readonly bytes: number;
}

const { slots, path }: { slots: SharedArrayBuffer; path: string } = workerData;
const fd = fs.openSync(path, "r+");
const port = parentPort;
assert(port !== null, "it runs in a thread");
port.on("message", (filled: FilledSlot) => {
  const chunk = new Uint8Array(slots, filled.slot * MIB, filled.bytes);
  createHash("sha256").update(chunk).digest();
  fs.writeSync(fd, chunk, 0, filled.bytes, filled.offset);
  port.postMessage(filled);
});

// The receiving side of a bare transfer: receiver.js PORT BYTES FILE. Each chunk goes from the kernel to its slot, and
// from there through SHA-256 to the file in one thread for each core. Nobody looks at the digest.
import * as fs from "node:fs";
import { connect } from "node:net";
import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import { MIB } from "../../src/core/units.js";
import { defaultServerOptions } from "../../src/swarm/options.js";
import type { FilledSlot } from "./writer.js";

/** Chunks on their way at a time: the pull window of a goshare sharer with one downloader. */
const SLOTS = defaultServerOptions.pullWindowRequests;

const [port, totalText, path = ""] = process.argv.slice(2);
const total = Number(totalText);
fs.writeFileSync(path, "");
fs.truncateSync(path, total);
const slots = new SharedArrayBuffer(SLOTS * MIB);
const workers = Array.from(
  { length: availableParallelism() },
  () => new Worker(new URL("./writer.js", import.meta.url), { workerData: { slots, path } }),
);

const free = Array.from({ length: SLOTS }, (_, slot) => slot);
let filling = free.pop() ?? 0;
let filledBytes = 0;
let offset = 0;
let turn = 0;
let writtenBytes = 0;

const socket = connect({
  host: "127.0.0.1",
  port: Number(port),
  noDelay: true,
  onread: {
    buffer: () => new Uint8Array(slots, filling * MIB + filledBytes, MIB - filledBytes),
    callback: (bytes) => {
      filledBytes += bytes;
      if (filledBytes === MIB || offset + filledBytes === total) handOver();
      return true;
    },
  },
});
/** Asks for one chunk fewer than there are slots, since one slot is being filled. */
socket.on("connect", () => socket.write(new Uint8Array(SLOTS - 1)));

function handOver(): void {
  const filled: FilledSlot = { slot: filling, offset, bytes: filledBytes };
  workers[turn++ % workers.length]?.postMessage(filled);
  offset += filledBytes;
  filledBytes = 0;
  filling = free.pop() ?? 0;
}

for (const worker of workers) {
  worker.on("message", ({ slot, bytes }: FilledSlot) => {
    free.push(slot);
    writtenBytes += bytes;
    if (writtenBytes < total) socket.write(new Uint8Array(1));
    else process.exit(0);
  });
}

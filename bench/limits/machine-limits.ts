// What this machine and this Node allow, measured in the same round as what is compared with it: reading cached data,
// TCP over loopback, SHA-256, writing at a place. In CPU seconds for each GiB; one after another, and with nothing else
// running.
import * as fs from "node:fs";
import * as net from "node:net";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { pageAligned } from "../../src/core/page-aligned.js";
import { GIB, MIB } from "../../src/core/units.js";

const BYTES = 128 * MIB;
const STEP_BYTES = MIB;

export class Limits {
  readonly readSeconds: number;
  readonly tcpSeconds: number;
  readonly hashSeconds: number;
  readonly writeSeconds: number;

  /** CPU seconds for each GiB. */
  constructor(seconds: { read: number; tcp: number; hash: number; write: number }) {
    this.readSeconds = seconds.read;
    this.tcpSeconds = seconds.tcp;
    this.hashSeconds = seconds.hash;
    this.writeSeconds = seconds.write;
  }

  /** How long it takes to read, send, receive, hash and write this much, if that keeps every core busy. */
  transferSeconds(gib: number): number {
    const cpuSeconds = this.readSeconds + this.tcpSeconds + this.hashSeconds + this.writeSeconds;
    return (gib * cpuSeconds) / availableParallelism();
  }

  /** How long it takes to read and hash this much on every core. */
  hashingSeconds(gib: number): number {
    return (gib * (this.readSeconds + this.hashSeconds)) / availableParallelism();
  }
}

/** Writes a file to `folder` for this, and removes it. */
export async function measureLimits(folder: string): Promise<Limits> {
  const path = join(folder, "limits");
  const buffer = pageAligned(STEP_BYTES);
  buffer.fill(1);
  const fd = fs.openSync(path, "wx+");
  try {
    const write = await cpuSecondsPerGib(() => eachStep((at) => fs.writeSync(fd, buffer, 0, STEP_BYTES, at)));
    const read = await cpuSecondsPerGib(() => eachStep((at) => fs.readSync(fd, buffer, 0, STEP_BYTES, at)));
    const tcp = await cpuSecondsPerGib(sendToSelf);
    const hash = await hashSecondsPerGib();
    return new Limits({ read, tcp, hash, write });
  } finally {
    fs.closeSync(fd);
    fs.rmSync(path);
  }
}

function eachStep(step: (offset: number) => void): void {
  for (let at = 0; at < BYTES; at += STEP_BYTES) step(at);
}

async function cpuSecondsPerGib(work: () => void | Promise<void>): Promise<number> {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6 / (BYTES / GIB);
}

/** Both ends are on this event loop, and the kernel reads straight into the program's own buffer. */
function sendToSelf(): Promise<void> {
  return new Promise((resolve, reject) => {
    const sink = pageAligned(STEP_BYTES);
    const block = pageAligned(STEP_BYTES);
    let receivedBytes = 0;
    const server = net.createServer({ noDelay: true }, (socket) => {
      let sentBytes = 0;
      const send = () => {
        if (sentBytes === BYTES) socket.end();
        else {
          sentBytes += STEP_BYTES;
          socket.write(block, send);
        }
      };
      send();
    });
    server.on("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      if (address === null || typeof address === "string") return reject(new Error("no port"));
      const onread = {
        buffer: sink,
        callback: (bytes: number) => {
          receivedBytes += bytes;
          return true;
        },
      };
      const client = net.connect({ host: "127.0.0.1", port: address.port, onread });
      client.on("error", reject);
      client.on("end", () => {
        server.close();
        if (receivedBytes === BYTES) resolve();
        else reject(new Error(`${receivedBytes} bytes came`));
      });
    });
  });
}

/** Hashes steps that fit into a core's cache, and says how many it did in the time it was given. */
const HASH_LOOP = `
  const { createHash } = require("node:crypto");
  const { parentPort, workerData } = require("node:worker_threads");
  const bytes = new Uint8Array(256 * 1024);
  const endMs = performance.now() + workerData.ms;
  const startMs = performance.now();
  let count = 0;
  for (const hash = createHash("sha256"); performance.now() < endMs; count++) hash.update(bytes);
  parentPort.postMessage((count * bytes.byteLength * 1000) / (performance.now() - startMs));
`;
const HASH_MS = 200;

/** On one core, while every core does the same. */
async function hashSecondsPerGib(): Promise<number> {
  const rates = await Promise.all(
    Array.from(
      { length: availableParallelism() },
      () =>
        new Promise<number>((resolve, reject) => {
          const worker = new Worker(HASH_LOOP, { eval: true, workerData: { ms: HASH_MS } });
          worker.once("message", resolve);
          worker.once("error", reject);
        }),
    ),
  );
  const bytesPerSecond = rates.reduce((sum, rate) => sum + rate, 0) / rates.length;
  return GIB / bytesPerSecond;
}

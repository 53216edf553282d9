// The process of a DelayProxy: delay-proxy-process.js ONE_WAY_MS. Says where it listens, is told on its standard input
// where to connect, and ends on SIGTERM.
import * as net from "node:net";
import { createInterface } from "node:readline";
import { MIB } from "../../src/core/units.js";

/** The most that is on its way in one direction of one connection. */
const MAX_UNDERWAY_BYTES = 64 * MIB;

const oneWayMs = Number(process.argv[2]);
let target: { readonly host: string; readonly port: number } | undefined;

createInterface({ input: process.stdin }).on("line", (line) => {
  const at = line.lastIndexOf(":");
  target = { host: line.slice(0, at), port: Number(line.slice(at + 1)) };
});

const server = net.createServer({ noDelay: true, allowHalfOpen: true }, (near) => {
  if (target === undefined) {
    near.destroy();
    return;
  }
  const far = net.connect({ ...target, noDelay: true, allowHalfOpen: true });
  delay(near, far);
  delay(far, near);
});

server.listen(0, "127.0.0.1", () => {
  const address = server.address();
  const port = typeof address === "object" ? address?.port : undefined;
  process.stdout.write(`${JSON.stringify({ listening: { endpoint: `127.0.0.1:${port}` } })}\n`);
});

process.once("SIGTERM", () => process.exit(0));

/** Passes what comes from `from` on to `to`, `oneWayMs` later. */
function delay(from: net.Socket, to: net.Socket): void {
  let underwayBytes = 0;
  from.on("data", (bytes: Buffer) => {
    underwayBytes += bytes.byteLength;
    if (underwayBytes > MAX_UNDERWAY_BYTES) from.pause();
    setTimeout(() => {
      to.write(bytes, () => {
        underwayBytes -= bytes.byteLength;
        if (underwayBytes <= MAX_UNDERWAY_BYTES) from.resume();
      });
    }, oneWayMs);
  });
  from.on("end", () => setTimeout(() => to.end(), oneWayMs));
  from.on("error", () => to.destroy());
  from.on("close", () => setTimeout(() => to.end(), oneWayMs));
}

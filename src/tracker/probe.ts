// Whether a tracker answers at an endpoint that nobody named, within a fraction of a second. The gRPC library
// is loaded only where something accepts connections at all.
import { V4MAPPED } from "node:dns";
import { connect } from "node:net";
import type { Endpoint } from "../address/endpoint.js";
import { GoshareError } from "../core/errors.js";

/** Whether a goshare tracker answers at `endpoint`. Takes `timeoutMs` of waiting at most; loading the library
 * does not count, for it is no sign of a slow tracker. Never rejects for what the other side does. */
export async function probeTracker(endpoint: Endpoint, timeoutMs: number): Promise<boolean> {
  const startedAtMs = performance.now();
  if (endpoint.transport !== "tcp" || !(await accepts(endpoint, timeoutMs))) return false;
  const leftMs = Math.max(1, Math.ceil(timeoutMs - (performance.now() - startedAtMs)));

  const [{ TrackerClient }] = await Promise.all([import("./client.js"), import("@grpc/grpc-js")]);
  const client = new TrackerClient(endpoint, { callTimeoutMs: leftMs, maxAttempts: 1 });
  try {
    await client.info();
    return true;
  } catch (error) {
    if (error instanceof GoshareError && error.blame === "tracker") return false;
    throw error;
  } finally {
    await client.close();
  }
}

function accepts({ host, port }: Endpoint, timeoutMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    // Any hint but none: with none Node asks for addresses of the kinds that the machine has beyond loopback, and
    // "localhost" may have none of those.
    const socket = connect({ host, port, hints: V4MAPPED });
    const timer = setTimeout(() => end(false), timeoutMs);
    const end = (accepted: boolean): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(accepted);
    };
    socket.once("connect", () => end(true));
    socket.once("error", () => end(false));
  });
}

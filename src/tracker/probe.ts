// Whether a tracker answers at an endpoint that nobody named, within a fraction of a second. Loads the gRPC library
// only if something speaks HTTP/2 there.
import { V4MAPPED } from "node:dns";
import { connect, isIP, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import type { Endpoint } from "../address/endpoint.js";
import { GoshareError } from "../core/errors.js";
import { MIN_TLS_VERSION } from "../rpc/tls-version.js";

/** A server that speaks HTTP/2 answers a call; on a busy machine a first one takes more than that fraction. */
const CALL_TIMEOUT_MS = 2_000;
/** The offset of the type in an HTTP/2 frame, and the type of the frame that a server begins with. */
const FRAME_TYPE_OFFSET = 3;
const SETTINGS_FRAME = 4;

/** Whether a goshare tracker answers at `endpoint`. Waits at most `timeoutMs` for a side that says nothing. Never
 * rejects for what the other side does. */
export async function probeTracker(endpoint: Endpoint, timeoutMs: number): Promise<boolean> {
  if (!(await speaksHttp2(endpoint, timeoutMs))) return false;

  const [{ TrackerClient }] = await Promise.all([import("./client.js"), import("@grpc/grpc-js")]);
  const client = new TrackerClient(endpoint, { callTimeoutMs: CALL_TIMEOUT_MS, maxAttempts: 1 });
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

/** Whether the first bytes that come from there, unasked, are how an HTTP/2 server begins. */
function speaksHttp2(endpoint: Endpoint, timeoutMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = dialled(endpoint);
    // Bytes that came while this process was busy are looked at first.
    const timer = setTimeout(() => setImmediate(() => end(false)), timeoutMs);
    const end = (isHttp2: boolean): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(isHttp2);
    };
    const said: Buffer[] = [];
    socket.on("data", (data: Buffer) => {
      said.push(data);
      const type = Buffer.concat(said)[FRAME_TYPE_OFFSET];
      if (type !== undefined) end(type === SETTINGS_FRAME);
    });
    socket.once("end", () => end(false));
    socket.once("error", () => end(false));
  });
}

function dialled({ host, port, transport }: Endpoint): Socket {
  // Any hint will do: without one Node asks only for the kinds of address that the machine has beyond loopback, and
  // "localhost" may have none of those.
  const place = { host, port, hints: V4MAPPED };
  if (transport === "tcp") return connect(place);
  // The call that follows checks whose certificate it is.
  const servername = isIP(host) === 0 ? host : "";
  return connectTls({
    ...{ ...place, servername, minVersion: MIN_TLS_VERSION, ALPNProtocols: ["h2"] },
    rejectUnauthorized: false,
  });
}

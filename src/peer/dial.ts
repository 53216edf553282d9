// From the endpoints of a peer to an open connection. Makes one attempt; trying again later is the caller's affair.
import { type Endpoint, formatEndpoint } from "../address/endpoint.js";
import { GoshareError } from "../core/errors.js";
import { PeerConnection } from "./connection.js";
import type { ConnectionHandler } from "./connection-handler.js";
import type { LocalPeer } from "./handshake.js";
import type { ConnectionOptions } from "./options.js";
import { PeerSocket } from "./peer-socket.js";

/** Dials `endpoint` and exchanges Hellos. `handlerFor` is called as soon as the connection is open, before
 * any further frame is read. Throws PEER_UNREACHABLE, PEER_PROTOCOL, PEER_CLOSED or NEWER_FORMAT. */
export async function dialPeer(
  endpoint: Endpoint,
  local: LocalPeer,
  options: ConnectionOptions,
  handlerFor: (connection: PeerConnection) => ConnectionHandler,
  signal: AbortSignal,
): Promise<PeerConnection> {
  if (endpoint.transport !== "tcp") {
    throw new GoshareError("PEER_UNREACHABLE", `cannot reach ${formatEndpoint(endpoint)}: it requires TLS`, {
      hint: "this goshare speaks plain TCP only",
    });
  }
  const connection = new PeerConnection("dialler", local, options, handlerFor);
  const socket = await PeerSocket.dial(endpoint, connection.reader, options.dialTimeoutMs, signal);
  const givenUp = () => new GoshareError("PEER_CLOSED", "given up");
  if (signal.aborted) {
    socket.destroy();
    throw givenUp();
  }
  const giveUp = () => connection.fail(givenUp(), "finished");
  signal.addEventListener("abort", giveUp, { once: true });
  try {
    await connection.open(socket);
  } finally {
    signal.removeEventListener("abort", giveUp);
  }
  return connection;
}

/** Dials the endpoints of one machine, best first, each a moment after the one before (RFC 8305), or at once if that
 * one has failed. The first open connection wins; the others are given up. Throws the last failure. */
export function dialFirst(
  endpoints: readonly Endpoint[],
  local: LocalPeer,
  options: ConnectionOptions,
  handlerFor: (connection: PeerConnection) => ConnectionHandler,
  signal: AbortSignal,
): Promise<PeerConnection> {
  return new Promise((resolve, reject) => {
    const dials = new Set<AbortController>();
    const rest = [...endpoints];
    let running = 0;
    let winner: PeerConnection | undefined;
    let timer: NodeJS.Timeout | undefined;
    let lastFailure: unknown = new GoshareError("PEER_UNREACHABLE", "a peer has no address");
    const next = () => {
      clearTimeout(timer);
      const endpoint = rest.shift();
      if (endpoint === undefined) {
        if (running === 0) reject(lastFailure);
        return;
      }
      running++;
      timer = setTimeout(next, options.nextAddressMs);
      const own = new AbortController();
      dials.add(own);
      const handler = (connection: PeerConnection) => claim(own, connection);
      dialPeer(endpoint, local, options, handler, AbortSignal.any([signal, own.signal])).then(
        resolve,
        failed,
      );
    };
    const failed = (thrown: unknown) => {
      running--;
      lastFailure = thrown;
      if (winner === undefined) next();
    };
    /** Only the first to open gets the caller's handler; a second one at the same moment is disconnected. */
    const claim = (own: AbortController, connection: PeerConnection): ConnectionHandler => {
      if (winner !== undefined) throw new GoshareError("PEER_CLOSED", "another address was faster");
      winner = connection;
      clearTimeout(timer);
      for (const dial of dials) if (dial !== own) dial.abort();
      try {
        return handlerFor(connection);
      } catch (thrown) {
        // The machine was reached, but is not wanted: its other addresses would be no different.
        reject(thrown);
        throw thrown;
      }
    };
    next();
  });
}

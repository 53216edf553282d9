// From an endpoint to an open connection. One dial, one answer; retries are the caller's.
import type { Endpoint } from "../address/endpoint.js";
import { formatEndpoint } from "../address/endpoint.js";
import { GoshareError } from "../core/errors.js";
import { type ConnectionHandler, PeerConnection } from "./connection.js";
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
    throw new GoshareError("PEER_UNREACHABLE", `cannot reach ${formatEndpoint(endpoint)}: it asks for TLS`, {
      hint: "this goshare speaks plain TCP only",
    });
  }
  const connection = new PeerConnection("dialler", local, options, handlerFor);
  const socket = await PeerSocket.dial(endpoint, connection.reader, options.dialTimeoutMs, signal);
  await connection.open(socket);
  return connection;
}

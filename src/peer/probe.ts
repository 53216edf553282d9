// Which peer is at an address: dials, exchanges Hellos as a probe, and hangs up. Asks for nothing and takes nothing.
import type { Endpoint } from "../address/endpoint.js";
import { GoshareError } from "../core/errors.js";
import type { PeerId } from "../core/ids.js";
import { PeerConnection } from "./connection.js";
import type { ConnectionHandler } from "./connection-handler.js";
import type { LocalPeer } from "./handshake.js";
import type { ConnectionOptions } from "./options.js";
import { PeerSocket } from "./peer-socket.js";

/** The other side knows that nothing will be asked of it, and may ask nothing itself. */
const nothing: ConnectionHandler = {
  requested: () => undefined,
  cancelled: () => undefined,
  noticed: () => undefined,
  goodbye: () => undefined,
  closed: () => undefined,
  bitfieldBytes: () => undefined,
};

/** The id that the peer at `endpoint` (a TCP one) says it has. Throws PEER_UNREACHABLE, PEER_PROTOCOL, PEER_CLOSED or
 * NEWER_FORMAT. */
export async function probePeer(
  endpoint: Endpoint,
  local: LocalPeer,
  options: ConnectionOptions,
  signal: AbortSignal,
): Promise<PeerId> {
  const connection = new PeerConnection("dialler", local, options, () => nothing);
  const socket = await PeerSocket.dial(endpoint, connection.reader, options.dialTimeoutMs, signal);
  const over = () => new GoshareError("PEER_CLOSED", "the probe is over");
  if (signal.aborted) {
    socket.destroy();
    throw over();
  }
  const hangUp = () => connection.hangUp(over());
  signal.addEventListener("abort", hangUp, { once: true });
  try {
    await connection.open(socket, true);
    return connection.remote.peerId;
  } finally {
    signal.removeEventListener("abort", hangUp);
    hangUp();
  }
}

// The port at which other peers are accepted: 9000 unless told otherwise, dual stack where there is IPv6.
// Bounded in connections; turns sockets into open connections and hands them on.
import * as net from "node:net";
import { formatEndpoint } from "../address/endpoint.js";
import { normaliseHost } from "../address/host.js";
import { HostCount } from "../address/host-count.js";
import { bindOnce, listenAt } from "../address/listening.js";
import { GoshareError, isErrno } from "../core/errors.js";
import { PeerConnection } from "./connection.js";
import type { ConnectionHandler } from "./connection-handler.js";
import type { ForeignProtocol } from "./frame.js";
import type { LocalPeer } from "./handshake.js";
import type { ConnectionOptions, ListenerOptions } from "./options.js";
import { PeerSocket } from "./peer-socket.js";

/** Told when a connection clearly speaks another protocol: which one, and from where (HOST:PORT). */
export type ForeignListener = (protocol: ForeignProtocol, remote: string) => void;

export class PeerListener {
  readonly #server: net.Server;
  readonly host: string;
  readonly port: number;

  private constructor(server: net.Server, address: net.AddressInfo) {
    this.#server = server;
    this.host = address.address;
    this.port = address.port;
  }

  /** Listens; every accepted connection that says a proper Hello gets a handler. Throws ADDRESS_IN_USE. */
  static async listen(
    options: ListenerOptions,
    local: LocalPeer,
    connectionOptions: ConnectionOptions,
    handlerFor: (connection: PeerConnection) => ConnectionHandler,
    onForeign: ForeignListener = () => undefined,
  ): Promise<PeerListener> {
    const hosts = new HostCount(options.maxConnectionsPerHost);
    const server = net.createServer(
      { allowHalfOpen: true, pauseOnConnect: true, noDelay: true },
      (socket) => {
        const { remoteAddress, remotePort = 0 } = socket;
        const host = normaliseHost(remoteAddress ?? "") ?? "";
        const isWelcome = hosts.entered(host);
        socket.once("close", () => hosts.left(host));
        const connection = new PeerConnection("listener", local, connectionOptions, (opened) => {
          if (isWelcome) return handlerFor(opened);
          const error = new GoshareError("PEER_CLOSED", `there are already enough connections from ${host}`);
          opened.fail(error, "tooManyConnections");
          throw error;
        });
        connection.open(PeerSocket.accepted(socket, connection.reader)).catch(() => {
          // Nothing else is reported of connections that never get as far as a proper Hello.
          const { foreign } = connection.reader;
          if (foreign !== undefined) onForeign(foreign, formatEndpoint({ host, port: remotePort }));
        });
      },
    );
    server.maxConnections = options.maxConnections;
    const address = await bind(server, options);
    // Accepting may fail now and then (too many open files); the ones that wait are accepted later.
    server.on("error", () => undefined);
    return new PeerListener(server, address);
  }

  /** Accepts no more connections; open ones are not touched. */
  close(): void {
    this.#server.close();
  }
}

async function bind(server: net.Server, options: ListenerOptions): Promise<net.AddressInfo> {
  try {
    return await listenAt(options, (host, port) => bindOnce(server, host, port));
  } catch (thrown) {
    const isTaken = thrown instanceof GoshareError && isErrno(thrown.cause, "EADDRINUSE");
    if (!isTaken || !options.fallBackToFreePort || options.port === 0) throw thrown;
    return bind(server, { ...options, port: 0 });
  }
}

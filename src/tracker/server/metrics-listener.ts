// The port at which a tracker's metrics are read: plain HTTP, GET /metrics and nothing else, with deadlines and few
// connections. Does not know what it hands out.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { ListenAddress } from "../../address/endpoint.js";
import { bindOnce, dialableFromHere, listenAt } from "../../address/listening.js";

const MAX_CONNECTIONS = 16;
const MAX_HEADER_BYTES = 8 * 1024;
const REQUEST_TIMEOUT_MS = 5_000;
const IDLE_TIMEOUT_MS = 30_000;

export class MetricsListener {
  readonly #server: Server;
  /** HOST:PORT that can be dialled from this machine. */
  readonly endpoint: string;

  private constructor(server: Server, address: AddressInfo) {
    this.#server = server;
    this.endpoint = dialableFromHere({ host: address.address, port: address.port });
  }

  /** Listens, and answers with what `read` returns. Throws ADDRESS_IN_USE or PERMISSION_DENIED. */
  static async listen(
    at: ListenAddress,
    contentType: string,
    read: () => Promise<string>,
  ): Promise<MetricsListener> {
    const server = createServer(
      {
        maxHeaderSize: MAX_HEADER_BYTES,
        headersTimeout: REQUEST_TIMEOUT_MS,
        requestTimeout: REQUEST_TIMEOUT_MS,
        connectionsCheckingInterval: REQUEST_TIMEOUT_MS / 2,
        keepAliveTimeout: IDLE_TIMEOUT_MS,
      },
      (request, response) => void answer(request, response, contentType, read),
    );
    server.maxConnections = MAX_CONNECTIONS;
    // For a reader that takes nothing.
    server.setTimeout(IDLE_TIMEOUT_MS, (socket) => socket.destroy());
    const address = await listenAt(at, (host, port) => bindOnce(server, host, port), "--metrics");
    // Accepting may fail now and then; the ones that wait are accepted later.
    server.on("error", () => undefined);
    server.unref();
    return new MetricsListener(server, address);
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  contentType: string,
  read: () => Promise<string>,
): Promise<void> {
  request.resume();
  const [path] = (request.url ?? "").split("?", 1);
  if (path !== "/metrics") return end(response, 404, "metrics are at /metrics\n");
  if (request.method !== "GET") return end(response, 405, "GET only\n", { allow: "GET" });
  try {
    end(response, 200, await read(), { "content-type": contentType });
  } catch {
    end(response, 500, "the metrics could not be read\n");
  }
}

function end(
  response: ServerResponse,
  status: number,
  body: string,
  headers: Readonly<Record<string, string>> = {},
): void {
  response.writeHead(status, { "content-type": "text/plain; charset=utf-8", ...headers }).end(body);
}

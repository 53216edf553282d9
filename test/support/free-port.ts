// A port that nobody listens at, for processes that must be told their port.
import { once } from "node:events";
import * as net from "node:net";

/** A port of loopback. Somebody else may take it before it is used, but the kernel gives out others first. */
export async function freePort(): Promise<number> {
  const server = net.createServer();
  server.listen({ host: "127.0.0.1", port: 0 });
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("not listening");
  server.close();
  await once(server, "close");
  return address.port;
}

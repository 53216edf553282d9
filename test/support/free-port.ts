// A port that nobody listens at, for processes that have to be told one.
import { once } from "node:events";
import * as net from "node:net";

/** Of loopback. Somebody else may take it before it is used; the kernel gives others first. */
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

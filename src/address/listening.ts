// Binds listeners, at one address of this machine or at all of them, dual stack where there is IPv6, with errors that
// say what to do. Accepts nobody.
import type { AddressInfo, Server } from "node:net";
import { GoshareError, isErrno } from "../core/errors.js";
import { formatEndpoint, type ListenAddress } from "./endpoint.js";
import { hostScope, normaliseHost } from "./host.js";

/** Every address of this machine: IPv6, which takes in IPv4. */
export const EVERY_HOST = "::";
/** Every address of a machine without IPv6. */
const EVERY_IPV4_HOST = "0.0.0.0";

/** Tries once to bind `server`. Rejects with Node's own error, after which the caller may try again. */
export function bindOnce(server: Server, host: string, port: number): Promise<AddressInfo> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host, port }, () => {
      server.off("error", reject);
      const address = server.address();
      if (address === null || typeof address === "string") reject(new Error("a TCP server has an address"));
      else resolve(address);
    });
  });
}

/** Binds with `bindAt`, which must reject with Node's own errors. Where there is no IPv6, EVERY_HOST means IPv4 alone.
 * `option` is the one that says where to listen. Throws ADDRESS_IN_USE or PERMISSION_DENIED. */
export async function listenAt(
  { host, port }: ListenAddress,
  bindAt: (host: string, port: number) => Promise<AddressInfo>,
  option = "--listen",
): Promise<AddressInfo> {
  try {
    return await bindAt(host, port);
  } catch (cause) {
    if (host === EVERY_HOST && isErrno(cause, "EAFNOSUPPORT", "EADDRNOTAVAIL", "EINVAL")) {
      return listenAt({ host: EVERY_IPV4_HOST, port }, bindAt, option);
    }
    throw listenError(cause, formatEndpoint({ host, port }), option);
  }
}

function listenError(cause: unknown, place: string, option: string): unknown {
  if (isErrno(cause, "EADDRINUSE")) {
    return new GoshareError("ADDRESS_IN_USE", `something is already listening on ${place}`, {
      cause,
      hint: `choose another port with ${option} HOST:PORT; port 0 picks a free one`,
    });
  }
  if (isErrno(cause, "EADDRNOTAVAIL", "ENOTFOUND", "EAI_AGAIN", "EAFNOSUPPORT", "EINVAL")) {
    return new GoshareError("ADDRESS_IN_USE", `${place} is not an address of this machine`, {
      cause,
      hint: "listen on one of its own addresses, or on [::] for all of them",
    });
  }
  if (isErrno(cause, "EACCES", "EPERM")) {
    return new GoshareError("PERMISSION_DENIED", `this process is not allowed to listen on ${place}`, {
      cause,
      hint: `ports below 1024 usually need special privileges; choose a higher one with ${option} HOST:PORT`,
    });
  }
  return cause;
}

/** The HOST:PORT at which this machine itself reaches a listener. */
export function dialableFromHere({ host, port }: ListenAddress): string {
  const normal = normaliseHost(host) ?? host;
  return formatEndpoint({ host: hostScope(normal) === "unspecified" ? "127.0.0.1" : normal, port });
}

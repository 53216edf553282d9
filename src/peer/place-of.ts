// Where the other end of a connection is, for people. Dials nothing.
import { formatEndpoint } from "../address/endpoint.js";

/** HOST:PORT of the other end. */
export function placeOf(connection: { readonly remoteHost: string; readonly remotePort: number }): string {
  return formatEndpoint({ host: connection.remoteHost, port: connection.remotePort });
}

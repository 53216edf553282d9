// Accepts connections by TLS for HTTP/2. Reads no certificate files, and serves nothing.
import { createServer, type SecureContextOptions, type Server } from "node:tls";
import { MIN_TLS_VERSION } from "./tls-version.js";

/** In PEM: the certificate, with those between it and its authority, and its key. */
export interface ServerCertificate {
  readonly cert: Buffer;
  readonly key: Buffer;
}

/** Time for the handshake of TLS. */
const HANDSHAKE_TIMEOUT_MS = 10_000;

export function secureOptions(certificate: ServerCertificate): SecureContextOptions {
  return { ...certificate, minVersion: MIN_TLS_VERSION };
}

export function tlsListener(certificate: ServerCertificate): Server {
  return createServer({
    ...secureOptions(certificate),
    ALPNProtocols: ["h2"],
    handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
    noDelay: true,
  });
}

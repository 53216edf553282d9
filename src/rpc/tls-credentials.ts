// Which certificate a client accepts at the other end of TLS: one that leads to an authority this machine trusts, or
// the one that was named by its digest. Sends nothing.
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { isIP } from "node:net";
import {
  checkServerIdentity,
  connect,
  createSecureContext,
  type PeerCertificate,
  rootCertificates,
} from "node:tls";
import type { ChannelCredentials, VerifyOptions } from "@grpc/grpc-js";
import { RpcError } from "./rpc-error.js";
import { MIN_TLS_VERSION } from "./tls-version.js";

/** How TLS is to be spoken. */
export interface TlsTrust {
  /** SHA-256 of the DER bytes of the certificate that must be shown, 64 lower-case hex digits; undefined: any that an
   * authority trusted here has issued to that host. */
  readonly certificateSha256: string | undefined;
}

type Grpc = typeof import("@grpc/grpc-js");

/** Where systems keep the authorities they trust. Node's own list lacks those that the owner of a machine has added. */
const SYSTEM_BUNDLES: readonly string[] = [
  "/etc/ssl/certs/ca-certificates.crt",
  "/etc/pki/tls/certs/ca-bundle.crt",
  "/etc/ssl/ca-bundle.pem",
  "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
  "/etc/ssl/cert.pem",
];

/** Stands in for a name if there is only an address, which TLS does not take as a name. */
const NO_NAME = "address.invalid";

/** Credentials for `host`, and the channel options that go with them. With a digest it dials once to see the
 * certificate. Rejects with RpcError UNAVAILABLE if it gets none in time, or another one; with the signal's reason if
 * that aborts meanwhile. */
export async function tlsCredentials(
  grpc: Grpc,
  host: string,
  port: number,
  { certificateSha256 }: TlsTrust,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<{ credentials: ChannelCredentials; options: Record<string, string> }> {
  const options = isIP(host) === 0 ? {} : { "grpc.ssl_target_name_override": NO_NAME };
  if (certificateSha256 === undefined) {
    const verify = (_name: string, certificate: PeerCertificate) => checkServerIdentity(host, certificate);
    const context = createSecureContext({ ca: trustedRoots(), minVersion: MIN_TLS_VERSION });
    return { credentials: credentialsOf(grpc, context, verify), options };
  }
  signal.throwIfAborted();
  const der = await certificateAt(host, port, timeoutMs, signal);
  const verify = (_name: string, { raw }: PeerCertificate) => pinProblem(raw, certificateSha256);
  const problem = pinProblem(der, certificateSha256);
  if (problem !== undefined) throw new RpcError("UNAVAILABLE", problem.message, problem);
  // The one certificate is its own authority, whichever authority signed it.
  const context = createSecureContext({
    ca: pemOf(der),
    allowPartialTrustChain: true,
    minVersion: MIN_TLS_VERSION,
  });
  return { credentials: credentialsOf(grpc, context, verify), options };
}

function credentialsOf(
  grpc: Grpc,
  context: ReturnType<typeof createSecureContext>,
  verify: NonNullable<VerifyOptions["checkServerIdentity"]>,
): ChannelCredentials {
  return grpc.ChannelCredentials.createFromSecureContext(context, { checkServerIdentity: verify });
}

function pinProblem(der: Uint8Array, certificateSha256: string): Error | undefined {
  const shown = createHash("sha256").update(der).digest("hex");
  if (shown === certificateSha256) return undefined;
  return new Error(`it shows the certificate ${shown}, and ${certificateSha256} is wanted`);
}

function trustedRoots(): (string | Buffer)[] {
  const { SSL_CERT_FILE, NODE_EXTRA_CA_CERTS } = process.env;
  const bundle = SSL_CERT_FILE || SYSTEM_BUNDLES.find((path) => existsSync(path));
  const extra = NODE_EXTRA_CA_CERTS ? [readFileSync(NODE_EXTRA_CA_CERTS)] : [];
  return [...(bundle === undefined ? rootCertificates : [readFileSync(bundle)]), ...extra];
}

function pemOf(der: Uint8Array): string {
  const lines =
    Buffer.from(der)
      .toString("base64")
      .match(/.{1,64}/g) ?? [];
  return ["-----BEGIN CERTIFICATE-----", ...lines, "-----END CERTIFICATE-----", ""].join("\n");
}

/** The certificate that a server shows, whatever it is. */
function certificateAt(
  host: string,
  port: number,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const servername = isIP(host) === 0 ? host : "";
    // Only the digest counts, with which the certificate is compared afterwards.
    const socket = connect({
      ...{ host, port, servername, ALPNProtocols: ["h2"], minVersion: MIN_TLS_VERSION, timeout: timeoutMs },
      rejectUnauthorized: false,
    });
    const end = (reason: unknown): void => {
      socket.destroy();
      reject(reason);
    };
    const fail = (message: string, cause?: Error): void => end(new RpcError("UNAVAILABLE", message, cause));
    const abort = (): void => end(signal.reason);
    signal.addEventListener("abort", abort, { once: true });
    const timer = setTimeout(() => fail("TLS was not set up in time"), timeoutMs);
    socket.once("close", () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", abort);
    });
    socket.once("error", (error) => fail(error.message, error));
    socket.once("secureConnect", () => {
      resolve(socket.getPeerCertificate().raw);
      socket.destroy();
    });
  });
}

// Endpoints: a host, a port and how to talk to it, as people and programs write them. Never dials, never
// resolves a name.

export type Transport = "tcp" | "tls";

export interface Endpoint {
  /** IPv4 or IPv6 in canonical text form (no brackets, no IPv4-mapped form), or a DNS name. */
  readonly host: string;
  /** 1 to 65535. */
  readonly port: number;
  readonly transport: Transport;
  /** SHA-256 of the certificate a TLS endpoint must show, 64 lower-case hex digits. */
  readonly certificateSha256?: string | undefined;
}

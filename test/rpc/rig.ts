// A server and a client of src/rpc on loopback, on the tracker's descriptor because it is the one there is.
import { once } from "node:events";
import type { Server } from "node:net";
import { TrackerService } from "../../gen/goshare/v1/tracker_pb.js";
import type { RpcMethod, RpcMethods } from "../../src/rpc/adapter.js";
import { type CallWatch, noWatch } from "../../src/rpc/call-watch.js";
import { RpcError, type RpcStatus } from "../../src/rpc/rpc-error.js";
import { RpcServer, type RpcServerOptions } from "../../src/rpc/rpc-server.js";
import { UnaryClient, type UnaryClientOptions } from "../../src/rpc/unary-client.js";

export const HOST = "127.0.0.1";

export const SERVER_OPTIONS: RpcServerOptions = {
  maxRequestBytes: 64 * 1024,
  maxResponseBytes: 64 * 1024,
  maxRequestFields: 100,
  maxConnections: 10,
  maxConnectionsPerHost: 10,
  maxCallsPerConnection: 16,
  maxUntakenBytes: 2 ** 20,
  untakenTimeoutMs: 20_000,
  requestTimeoutMs: 20_000,
  idleTimeoutMs: 60_000,
  keepaliveMs: 60_000,
  keepaliveTimeoutMs: 20_000,
  connectionAgeMs: 60_000,
  connectionAgeGraceMs: 30_000,
  shutdownGraceMs: 5_000,
};

export const CLIENT_OPTIONS: UnaryClientOptions = {
  maxRequestBytes: 1024 * 1024,
  maxResponseBytes: 64 * 1024,
  maxResponseFields: 100,
  maxAttempts: 4,
};

export const LIMITS = { deadlineMs: 20_000 };

export interface Rig {
  readonly server: RpcServer;
  readonly client: UnaryClient;
  readonly port: number;
  readonly unexpected: { error: unknown; where: string }[];
}

type TrackerMethods = RpcMethods<typeof TrackerService>;

/** Every method answers with nothing, but for those in `own`. */
export function methods(own: Partial<TrackerMethods>): TrackerMethods {
  const idle = (name: string): RpcMethod => ({ name, invoke: async () => Buffer.alloc(0) });
  return {
    announce: idle("announce"),
    withdraw: idle("withdraw"),
    listPeers: idle("listPeers"),
    getManifest: idle("getManifest"),
    publishManifest: idle("publishManifest"),
    getTrackerInfo: idle("getTrackerInfo"),
    ...own,
  };
}

export async function withRig(
  own: Partial<TrackerMethods>,
  use: (rig: Rig) => Promise<void>,
  options: Partial<RpcServerOptions> = {},
  watch: Partial<CallWatch> = {},
  host = HOST,
): Promise<void> {
  const unexpected: Rig["unexpected"] = [];
  const server = new RpcServer(
    { ...SERVER_OPTIONS, ...options },
    (error, where) => unexpected.push({ error, where }),
    { ...noWatch, ...watch },
  );
  server.addService(TrackerService, methods(own));
  const { port } = await server.listen(host, 0);
  const client = new UnaryClient(TrackerService, host, port, CLIENT_OPTIONS);
  try {
    await use({ server, client, port, unexpected });
  } finally {
    await client.close();
    await server.close();
  }
}

export async function failure(promise: Promise<unknown>): Promise<RpcError> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof RpcError) return error;
    throw error;
  }
  throw new Error("the call succeeded");
}

export async function statusOf(promise: Promise<unknown>): Promise<RpcStatus> {
  return (await failure(promise)).status;
}

export async function listening(server: Server): Promise<number> {
  server.listen(0, HOST);
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

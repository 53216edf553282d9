// A tracker as a test wants it: real gRPC on a free port of loopback, with answers of the test's own making, right or
// wrong. Whatever is not in its script it answers with UNIMPLEMENTED.
import { Transport } from "../../gen/goshare/v1/endpoint_pb.js";
import { TrackerService } from "../../gen/goshare/v1/tracker_pb.js";
import { type Endpoint, formatEndpoint } from "../../src/address/endpoint.js";
import { type RpcMethod, type RpcMethods, unary } from "../../src/rpc/adapter.js";
import { RpcError } from "../../src/rpc/rpc-error.js";
import { RpcServer } from "../../src/rpc/rpc-server.js";

export type TrackerMethods = RpcMethods<typeof TrackerService>;

export interface FakeTracker {
  /** HOST:PORT. */
  readonly endpoint: string;
  readonly port: number;
  close(): Promise<void>;
}

const { method } = TrackerService;
const running = new Set<FakeTracker>();

/** Ends every fake tracker, for the end of a test file. */
export async function closeFakeTrackers(): Promise<void> {
  await Promise.all([...running].map((tracker) => tracker.close()));
}

/** Listens on loopback, at a free port, unless told otherwise. */
export async function startFakeTracker(
  script: Partial<TrackerMethods>,
  host = "127.0.0.1",
  wantedPort = 0,
): Promise<FakeTracker> {
  const unscripted = (name: string): RpcMethod => ({
    name,
    invoke: () => Promise.reject(new RpcError("UNIMPLEMENTED", "not in the script")),
  });
  const server = new RpcServer(
    {
      maxRequestBytes: 2 ** 21,
      maxResponseBytes: 2 ** 26,
      maxRequestFields: 2 ** 14,
      maxConnections: 10,
      maxConnectionsPerHost: 10,
      maxCallsPerConnection: 10,
      maxUntakenBytes: 2 ** 30,
      untakenTimeoutMs: 20_000,
      requestTimeoutMs: 60_000,
      idleTimeoutMs: 60_000,
      keepaliveMs: 60_000,
      keepaliveTimeoutMs: 60_000,
      connectionAgeMs: 60_000,
      connectionAgeGraceMs: 60_000,
      shutdownGraceMs: 10,
    },
    () => {},
  );
  server.addService(TrackerService, {
    announce: unscripted("announce"),
    withdraw: unscripted("withdraw"),
    listPeers: unscripted("listPeers"),
    getManifest: unscripted("getManifest"),
    publishManifest: unscripted("publishManifest"),
    getTrackerInfo: unscripted("getTrackerInfo"),
    ...script,
  });
  const { port } = await server.listen(host, wantedPort);
  const tracker: FakeTracker = {
    ...{ port, endpoint: formatEndpoint({ host, port }) },
    async close() {
      running.delete(tracker);
      await server.close();
    },
  };
  running.add(tracker);
  return tracker;
}

/** Gives this root to whoever asks for any manifest, and knows no peers. */
export function givingManifest(manifest: Uint8Array): Partial<TrackerMethods> {
  return { ...namingPeers([]), getManifest: unary(method.getManifest, async () => ({ manifest })) };
}

/** Names these machines, each with one address, as peers of everything. */
export function namingPeers(peers: readonly Pick<Endpoint, "host" | "port">[]): Partial<TrackerMethods> {
  const named = peers.map(({ host, port }, index) => {
    const peerId = Buffer.alloc(32, 1);
    peerId.writeUInt32BE(index);
    return { peerId, endpoints: [{ host, port, transport: Transport.TCP }], complete: true };
  });
  return { listPeers: unary(method.listPeers, async () => ({ peers: named })) };
}

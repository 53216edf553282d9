// A tracker whose handlers do nothing: shows what gRPC and decoding a request cost by themselves, which a tracker is
// compared with. no-op-process.js; says where it listens as `goshare tracker --json` does, and ends on SIGTERM. Its
// server is the tracker's; its answers are empty.
import { TrackerService } from "../../gen/goshare/v1/tracker_pb.js";
import { MIB } from "../../src/core/units.js";
import { unary } from "../../src/rpc/adapter.js";
import { RpcServer } from "../../src/rpc/rpc-server.js";
import { MAX_REQUEST_BYTES, MAX_REQUEST_FIELDS, MAX_RESPONSE_BYTES } from "../../src/tracker/limits.js";
import { defaultTrackerOptions } from "../../src/tracker/server/options.js";

const { maxConnections, connectionIdleMs, shutdownGraceMs } = defaultTrackerOptions;

/** Limits like a tracker's; none of them is reached. */
const server = new RpcServer(
  {
    maxRequestBytes: MAX_REQUEST_BYTES,
    maxResponseBytes: MAX_RESPONSE_BYTES,
    maxRequestFields: MAX_REQUEST_FIELDS,
    maxConnections,
    maxConnectionsPerHost: maxConnections,
    maxCallsPerConnection: 16,
    maxUntakenBytes: 64 * MIB,
    untakenTimeoutMs: 20_000,
    requestTimeoutMs: 20_000,
    idleTimeoutMs: connectionIdleMs,
    keepaliveMs: 60_000,
    keepaliveTimeoutMs: 20_000,
    connectionAgeMs: 30 * 60_000,
    connectionAgeGraceMs: 30_000,
    shutdownGraceMs,
  },
  (error, where) => {
    throw new Error(where, { cause: error });
  },
);

const { method } = TrackerService;
server.addService(TrackerService, {
  announce: unary(method.announce, async () => ({})),
  withdraw: unary(method.withdraw, async () => ({})),
  listPeers: unary(method.listPeers, async () => ({})),
  getManifest: unary(method.getManifest, async () => ({})),
  publishManifest: unary(method.publishManifest, async () => ({})),
  getTrackerInfo: unary(method.getTrackerInfo, async () => ({})),
});
const { port } = await server.listen("127.0.0.1", 0);
process.once("SIGTERM", () => process.exit(0));
process.stdout.write(`${JSON.stringify({ listening: { endpoint: `127.0.0.1:${port}` } })}\n`);

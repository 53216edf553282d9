// A running tracker with a raw client beside it, and the shares its tests are about.
import type { DescMessage, DescMethodUnary, MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import { TrackerService } from "../../../gen/goshare/v1/tracker_pb.js";
import { type Endpoint, parseTrackerEndpoint } from "../../../src/address/endpoint.js";
import type { GoshareEvent } from "../../../src/events/event.js";
import { assembleManifest } from "../../../src/manifest/assemble.js";
import type { ManifestRoot } from "../../../src/manifest/manifest.js";
import { RpcError } from "../../../src/rpc/rpc-error.js";
import { UnaryClient } from "../../../src/rpc/unary-client.js";
import { MAX_REQUEST_BYTES, MAX_RESPONSE_BYTES, MAX_RESPONSE_FIELDS } from "../../../src/tracker/limits.js";
import type { TrackerOptions } from "../../../src/tracker/server/options.js";
import { startTracker } from "../../../src/tracker/server/start.js";
import type { TrackerStore } from "../../../src/tracker/server/store.js";

export interface TrackerRig {
  readonly endpoint: Endpoint;
  readonly events: readonly GoshareEvent[];
  /** Sends any message, valid or not. */
  call<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    request: MessageInitShape<I>,
  ): Promise<MessageShape<O>>;
  close(): Promise<void>;
}

export function endpointOf(text: string): Endpoint {
  const endpoint = parseTrackerEndpoint(text);
  if (endpoint === undefined) throw new Error(`${text} is no endpoint`);
  return endpoint;
}

export async function withTracker(
  options: Partial<TrackerOptions>,
  use: (rig: TrackerRig) => Promise<void>,
  store?: TrackerStore,
): Promise<void> {
  const events: GoshareEvent[] = [];
  const tracker = await startTracker({ listenPort: 0, ...options }, (event) => events.push(event), store);
  const endpoint = endpointOf(tracker.endpoint);
  const client = rawClient(endpoint);
  try {
    await use({
      endpoint,
      events,
      call: (method, request) => client.call(method, request, { deadlineMs: 20_000 }),
      close: () => tracker.close(),
    });
  } finally {
    await client.close();
    await tracker.close();
  }
}

/** Sends more than it may, and takes no more than the protocol allows. */
export function rawClient({ host, port }: Endpoint): UnaryClient {
  return new UnaryClient(TrackerService, host, port, {
    maxRequestBytes: 2 * MAX_REQUEST_BYTES,
    maxResponseBytes: MAX_RESPONSE_BYTES,
    maxResponseFields: MAX_RESPONSE_FIELDS,
    maxAttempts: 1,
  });
}

export async function rpcFailure(promise: Promise<unknown>): Promise<RpcError> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof RpcError) return error;
    throw error;
  }
  throw new Error("the call succeeded");
}

/** The root of a share of one small file. */
export function rootNamed(name: string): ManifestRoot {
  const files = [{ path: name, size: 5, executable: false }];
  const chunkDigests = new Uint8Array(32).fill(5);
  return assembleManifest({
    name,
    kind: "file",
    chunkSize: 1024 * 1024,
    files,
    emptyDirectories: [],
    symbolicLinks: [],
    chunkDigests,
  }).root;
}

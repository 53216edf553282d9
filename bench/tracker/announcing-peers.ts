// Simulated peers that keep their leases as goshare's announcer does: at every tracker, each at its own pace, varied by
// a fifth either way, and ever more slowly where no tracker answers. They share some connections, and serve nothing.
import { setTimeout as after } from "node:timers/promises";
import { TrackerService } from "../../gen/goshare/v1/tracker_pb.js";
import { type Endpoint, requireEndpoint } from "../../src/address/endpoint.js";
import { idToBytes, randomPeerId } from "../../src/core/ids.js";
import type { ManifestRoot } from "../../src/manifest/manifest.js";
import { UnaryClient } from "../../src/rpc/unary-client.js";
import { MAX_REQUEST_BYTES, MAX_RESPONSE_BYTES, MAX_RESPONSE_FIELDS } from "../../src/tracker/limits.js";

const CONNECTIONS = 32;
const CALL_TIMEOUT_MS = 10_000;
const JITTER = 0.2;
const MAX_BACKOFF_MS = 60_000;
const WANTED_PEERS = 10;

export class AnnouncingPeers {
  /** When trackers answered announcements, in order. */
  readonly answersMs: number[] = [];
  manifestBytesSent = 0;
  readonly #clients: readonly (readonly UnaryClient[])[];
  #isClosed = false;

  /** `count` peers with one of `roots` each, which begin within `withinMs`. */
  constructor(trackers: readonly string[], count: number, roots: readonly ManifestRoot[], withinMs: number) {
    const endpoints = trackers.map((tracker) => requireEndpoint(tracker, "a tracker"));
    this.#clients = endpoints.map((endpoint) =>
      Array.from({ length: CONNECTIONS }, () => clientOf(endpoint)),
    );
    for (let n = 0; n < count; n++) {
      const root = roots[n % roots.length];
      if (root === undefined) throw new Error("peers need a share");
      void this.#peer(n, root, (n / count) * withinMs);
    }
  }

  async #peer(n: number, root: ManifestRoot, startAfterMs: number): Promise<void> {
    await wait(startAfterMs);
    const peerId = idToBytes(randomPeerId());
    await Promise.all(
      this.#clients.map((clients) => this.#keepLease(clients[n % CONNECTIONS], n, peerId, root)),
    );
  }

  async #keepLease(
    client: UnaryClient | undefined,
    n: number,
    peerId: Uint8Array,
    root: ManifestRoot,
  ): Promise<void> {
    const limits = { deadlineMs: CALL_TIMEOUT_MS };
    const { method } = TrackerService;
    const shares = [{ contentId: idToBytes(root.contentId), complete: true, wantPeers: WANTED_PEERS }];
    const announcement = { peerId, listenPort: 1000 + n, runEpochMs: 1n, shares };
    let leaseToken = new Uint8Array(0);
    for (let failures = 0; client !== undefined && !this.#isClosed; ) {
      let waitMs: number;
      try {
        const answer = await client.call(method.announce, { ...announcement, leaseToken }, limits);
        this.answersMs.push(performance.now());
        leaseToken = Uint8Array.from(answer.leaseToken);
        failures = 0;
        waitMs = answer.renewAfterMs * (1 - JITTER + 2 * JITTER * Math.random());
        if (answer.wantedManifests.length > 0) {
          this.manifestBytesSent += root.bytes.length;
          await client.call(method.publishManifest, { peerId, leaseToken, manifest: root.bytes }, limits);
        }
      } catch {
        failures += 1;
        waitMs = Math.min(MAX_BACKOFF_MS, 1000 * 2 ** Math.min(failures, 16)) * (0.5 + Math.random() / 2);
      }
      await wait(waitMs);
    }
  }

  /** Lets no peer call again; does not wait for peers that sleep. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all(this.#clients.flat().map((client) => client.close()));
  }
}

/** Without an AbortSignal, since one that thousands listen to would take most of the time. */
async function wait(ms: number): Promise<void> {
  await after(ms, undefined, { ref: false });
}

function clientOf({ host, port }: Endpoint): UnaryClient {
  return new UnaryClient(TrackerService, host, port, {
    maxAttempts: 1,
    maxRequestBytes: MAX_REQUEST_BYTES,
    maxResponseBytes: MAX_RESPONSE_BYTES,
    maxResponseFields: MAX_RESPONSE_FIELDS,
  });
}

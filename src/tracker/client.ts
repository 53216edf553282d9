// A client of one tracker: its six calls with domain types, deadlines and goshare's own errors, and the lease
// token between them. Decides neither when to announce nor what to do with peers. Loads the gRPC library with
// its first call, the tracker's server never.
import { createHash } from "node:crypto";
import type { DescMessage, DescMethodUnary, MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import { TrackerService } from "../../gen/goshare/v1/tracker_pb.js";
import { type Endpoint, formatEndpoint } from "../address/endpoint.js";
import { quoted } from "../core/characters.js";
import { GoshareError } from "../core/errors.js";
import { type ContentId, idToBytes, type PeerId, toHex } from "../core/ids.js";
import { type NumericRanges, resolveOptions } from "../core/options.js";
import { partsOf } from "../core/parts.js";
import { formatDuration } from "../core/units.js";
import { RpcError } from "../rpc/rpc-error.js";
import { UnaryClient } from "../rpc/unary-client.js";
import type { AnnounceAnswer, Announcement, Swarm, TrackerHealth, TrackerInfo } from "./announcement.js";
import {
  MAX_REQUEST_BYTES,
  MAX_RESPONSE_BYTES,
  MAX_RESPONSE_FIELDS,
  MAX_WANT_PEERS,
  MAX_WITHDRAWN_SHARES,
} from "./limits.js";
import {
  announceAnswerFromWire,
  announcementToWire,
  healthFromWire,
  infoFromWire,
  leaseTokenFromWire,
  peersQueryToWire,
  swarmFromWire,
} from "./wire.js";

export interface TrackerClientOptions {
  /** Time for one call, including attempts after the first. */
  readonly callTimeoutMs: number;
  /** How often a call is sent at most while the tracker is unavailable, 1 to 5. */
  readonly maxAttempts: number;
}

export const defaultTrackerClientOptions: TrackerClientOptions = Object.freeze({
  callTimeoutMs: 10_000,
  maxAttempts: 4,
});

const ranges: NumericRanges<TrackerClientOptions> = { callTimeoutMs: [1, 10 * 60_000], maxAttempts: [1, 5] };

const HEALTH_CHECK_PATH = "/grpc.health.v1.Health/Check";
/** A HealthCheckRequest that names no service. */
const WHOLE_SERVER = Buffer.alloc(0);

const NO_TOKEN = new Uint8Array(0);

/** Every call rejects with TRACKER_UNREACHABLE, TRACKER_REFUSED or TRACKER_PROTOCOL, or with the reason of
 * the signal that ended it. */
export class TrackerClient {
  readonly endpoint: Endpoint;
  readonly #options: TrackerClientOptions;
  readonly #rpc: UnaryClient;
  /** The token that the tracker gave with the last announcement; proves later that the leases are ours. */
  #leaseToken: Uint8Array = NO_TOKEN;

  /** Dials nothing before the first call. */
  constructor(endpoint: Endpoint, options: Partial<TrackerClientOptions> = {}) {
    this.endpoint = endpoint;
    this.#options = resolveOptions(defaultTrackerClientOptions, options, ranges);
    this.#rpc = new UnaryClient(TrackerService, endpoint.host, endpoint.port, {
      maxAttempts: this.#options.maxAttempts,
      maxRequestBytes: MAX_REQUEST_BYTES,
      maxResponseBytes: MAX_RESPONSE_BYTES,
      maxResponseFields: MAX_RESPONSE_FIELDS,
      tls: endpoint.transport === "tls" ? { certificateSha256: endpoint.certificateSha256 } : undefined,
    });
  }

  /** Adds or renews leases. */
  async announce(announcement: Announcement, signal?: AbortSignal): Promise<AnnounceAnswer> {
    const request = announcementToWire(announcement, this.#leaseToken);
    const response = await this.#call(TrackerService.method.announce, request, signal);
    this.#leaseToken = leaseTokenFromWire(response);
    return announceAnswerFromWire(response, announcement, this.proposingHost);
  }

  /** Ends the leases on `contentIds`, or on everything if that is empty. Does nothing if the tracker holds none of
   * ours. */
  async withdraw(peerId: PeerId, contentIds: readonly ContentId[] = [], signal?: AbortSignal): Promise<void> {
    if (this.#leaseToken.length === 0) return;
    // None at all stands for everything.
    const parts = contentIds.length === 0 ? [contentIds] : partsOf(contentIds, MAX_WITHDRAWN_SHARES);
    for (const part of parts) {
      const request = {
        peerId: idToBytes(peerId),
        leaseToken: this.#leaseToken,
        contentIds: part.map(idToBytes),
      };
      const answer = this.#call(TrackerService.method.withdraw, request, signal);
      await answer.catch(unlessStatus("PERMISSION_DENIED"));
    }
  }

  /** A random sample of at most `max` peers (0 to 50), and how many there are in all. */
  async listPeers(
    contentId: ContentId,
    max: number,
    excludePeerId?: PeerId,
    signal?: AbortSignal,
  ): Promise<Swarm> {
    const wanted = Math.min(max, MAX_WANT_PEERS);
    const request = peersQueryToWire(contentId, wanted, excludePeerId);
    const response = await this.#call(TrackerService.method.listPeers, request, signal);
    return swarmFromWire(response, wanted, new Set([excludePeerId]), this.proposingHost);
  }

  /** The exact bytes of the root with this content id; undefined if the tracker has none. Only their digest is
   * checked. */
  async getManifest(contentId: ContentId, signal?: AbortSignal): Promise<Uint8Array | undefined> {
    const request = { contentId: idToBytes(contentId) };
    const answer = this.#call(TrackerService.method.getManifest, request, signal);
    const response = await answer.catch(unlessStatus("NOT_FOUND"));
    if (response === undefined) return undefined;
    if (toHex(createHash("sha256").update(response.manifest).digest()) !== contentId) {
      throw this.#protocolError(`answered with a manifest that is not ${contentId}`);
    }
    return response.manifest;
  }

  /** Hands in a root that the tracker asked for in `wantedManifests`. Returns whether it keeps it. */
  async publishManifest(peerId: PeerId, manifest: Uint8Array, signal?: AbortSignal): Promise<boolean> {
    const request = { peerId: idToBytes(peerId), leaseToken: this.#leaseToken, manifest };
    const { stored } = await this.#call(TrackerService.method.publishManifest, request, signal);
    return stored;
  }

  async info(signal?: AbortSignal): Promise<TrackerInfo> {
    return infoFromWire(await this.#call(TrackerService.method.getTrackerInfo, {}, signal));
  }

  /** The tracker's health, by the standard health protocol; "UNKNOWN" if it does not say. */
  async health(signal?: AbortSignal): Promise<TrackerHealth> {
    const limits = { deadlineMs: this.#options.callTimeoutMs, signal };
    try {
      return healthFromWire(await this.#rpc.callBytes(HEALTH_CHECK_PATH, WHOLE_SERVER, limits));
    } catch (error) {
      if (!(error instanceof RpcError)) throw error;
      if (error.status === "UNIMPLEMENTED") return "UNKNOWN";
      throw this.#trackerError(error);
    }
  }

  /** Ends the connection; calls fail from now on. Leases stay until they are withdrawn or end by themselves. */
  async close(): Promise<void> {
    await this.#rpc.close();
  }

  /** The host that proposes the peers it names: the address behind a name decides what may be dialled. */
  get proposingHost(): string {
    return this.#rpc.peerHost ?? this.endpoint.host;
  }

  async #call<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    request: MessageInitShape<I>,
    signal: AbortSignal | undefined,
  ): Promise<MessageShape<O>> {
    try {
      return await this.#rpc.call(method, request, { deadlineMs: this.#options.callTimeoutMs, signal });
    } catch (error) {
      throw error instanceof RpcError ? this.#trackerError(error) : error;
    }
  }

  #trackerError(cause: RpcError): GoshareError {
    const name = `tracker ${formatEndpoint(this.endpoint)}`;
    switch (cause.status) {
      case "UNAVAILABLE":
        return this.#unreachable(name, cause);
      case "DEADLINE_EXCEEDED": {
        const waited = formatDuration(this.#options.callTimeoutMs);
        return new GoshareError("TRACKER_UNREACHABLE", `${name} did not answer within ${waited}`, {
          cause,
          hint: "check that it is a goshare tracker, and check the network to it",
        });
      }
      case "UNKNOWN":
      case "UNIMPLEMENTED":
      case "OUT_OF_RANGE":
      case "DATA_LOSS":
        return this.#protocolError("sent an answer that no tracker sends", cause);
      case "RESOURCE_EXHAUSTED":
        return new GoshareError("TRACKER_REFUSED", `${name} refused: ${quoted(cause.message)}`, {
          cause,
          hint: "use another tracker with --tracker HOST:PORT, or none: tickets bring peers together too",
        });
      default:
        return new GoshareError("TRACKER_REFUSED", `${name} refused: ${quoted(cause.message)}`, { cause });
    }
  }

  #unreachable(name: string, cause: RpcError): GoshareError {
    if (UNKNOWN_NAME.test(cause.message)) {
      return new GoshareError(
        "TRACKER_UNREACHABLE",
        `${name} cannot be reached: its name is not known here`,
        {
          cause,
          hint: "check the spelling of the name, and that this machine can look up names (DNS)",
        },
      );
    }
    if (this.endpoint.transport !== "tls") {
      return new GoshareError("TRACKER_UNREACHABLE", `${name} cannot be reached`, {
        cause,
        hint: "check its address, that a tracker is running there, and that no firewall is in the way; if it speaks TLS, name it tls://HOST:PORT",
      });
    }
    const reason = quoted(cause.message.replace(NODE_ADVICE, "").replace(OPENSSL_PLACES, "$1"));
    // Part of the message, since a warning has no hint.
    const isUntrusted = this.endpoint.certificateSha256 === undefined && reason.includes("certificate");
    const own = isUntrusted ? "; name one of your own as tls://HOST:PORT#SHA256" : "";
    return new GoshareError("TRACKER_UNREACHABLE", `${name} cannot be reached by TLS: ${reason}${own}`, {
      cause,
      hint: "check its address and its certificate; if it does not speak TLS, name it HOST:PORT",
    });
  }

  #protocolError(what: string, cause?: RpcError): GoshareError {
    return new GoshareError("TRACKER_PROTOCOL", `tracker ${formatEndpoint(this.endpoint)} ${what}`, {
      cause,
      hint: "something other than a goshare tracker may run at that address",
    });
  }
}

/** How the gRPC library and Node say that no address was found for a name. */
const UNKNOWN_NAME = /^Name resolution failed|getaddrinfo (ENOTFOUND|EAI_AGAIN)/;

/** What Node appends to OpenSSL's words from version 24 on; it is no help here, where nobody runs Node by itself. */
const NODE_ADVICE = /; if the root CA is installed locally.*$/;

/** An error of OpenSSL with the places in its source, of which only the reason says something to people. */
const OPENSSL_PLACES = /^[0-9A-F]+:error:[0-9A-F]+:[^:]*:[^:]*:([^:]+):.*$/s;

/** For calls where one status is an answer: returns undefined for it; every other failure stays a failure. */
function unlessStatus(status: RpcError["status"]): (error: unknown) => undefined {
  return (error) => {
    if (error instanceof GoshareError && error.cause instanceof RpcError && error.cause.status === status)
      return;
    throw error;
  };
}

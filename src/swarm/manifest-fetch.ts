// Gets a manifest from peers: the root by its content id, the body page by page, each checked on arrival.
// Nothing that fails its check is kept; who sent it is an error of that peer.
import { createHash } from "node:crypto";
import { GoshareError } from "../core/errors.js";
import { type ContentId, contentIdFromBytes } from "../core/ids.js";
import { bodyPageBytes, bodyPageCount, checkBodyPage, checkRoot } from "../manifest/check.js";
import { BODY_PAGE_BYTES, MAX_ROOT_BYTES } from "../manifest/limits.js";
import type { ManifestRoot } from "../manifest/manifest.js";
import type { PeerConnection } from "../peer/connection.js";
import type { DownloadPeer } from "./download-peer.js";
import type { Neighbourhood } from "./neighbourhood.js";
import { sourceChangedAt } from "./refusal-text.js";
import { placeOf } from "./told-dials.js";

/** The root of `contentId` from one peer. Throws DIGEST_MISMATCH if the peer sent something
 * else, MANIFEST_INVALID or NEWER_FORMAT if nobody can send better, PEER_REFUSED, SOURCE_CHANGED, or what ended the connection. */
export async function fetchRoot(connection: PeerConnection, contentId: ContentId): Promise<ManifestRoot> {
  const bytes = await fetchPage(connection, contentId, 0, [1, MAX_ROOT_BYTES]);
  const actual = contentIdFromBytes(createHash("sha256").update(bytes).digest());
  if (actual !== contentId) {
    throw new GoshareError("DIGEST_MISMATCH", "a peer sent a manifest with another content id");
  }
  return checkRoot(bytes);
}

/** The body of `root` from one peer, at most `pagesInFlight` pages asked for at a time, and no more than it takes. */
export async function fetchBody(
  connection: PeerConnection,
  root: ManifestRoot,
  pagesInFlight: number,
): Promise<Uint8Array> {
  if (root.inlineBody !== undefined) return root.inlineBody;
  const body = Buffer.allocUnsafeSlow(root.bodySize);
  const pages = bodyPageCount(root);
  let next = 1;
  const lane = async () => {
    while (next <= pages) {
      const page = next++;
      const length = bodyPageBytes(root, page);
      const bytes = await fetchPage(connection, root.contentId, page, [length, length]);
      if (!checkBodyPage(root, page, bytes)) {
        throw new GoshareError("DIGEST_MISMATCH", `a peer sent a wrong page ${page} of the manifest`);
      }
      body.set(bytes, (page - 1) * BODY_PAGE_BYTES);
    }
  };
  const lanes = Math.min(pagesInFlight, pages, connection.remote.maxRequestsInFlight);
  await Promise.all(Array.from({ length: lanes }, lane));
  return body;
}

async function fetchPage(
  connection: PeerConnection,
  contentId: ContentId,
  page: number,
  payloadRange: readonly [number, number],
): Promise<Uint8Array> {
  const { reply, payload } = await connection.request({ type: "getManifest", contentId, page }, payloadRange);
  if (reply.type === "refusal") {
    if (reply.reason === "sourceChanged") throw sourceChangedAt(placeOf(connection));
    if (reply.reason === "contentUnknown")
      throw new GoshareError("CONTENT_NOT_FOUND", "that peer does not share this content");
    throw new GoshareError("PEER_REFUSED", `a peer refused page ${page} of the manifest (${reply.reason})`);
  }
  return payload;
}

/** What `attempt` brings from the first peer it succeeds with; peers that fail are hung up, and `failed` is told why.
 * Waits for peers until `signal` says otherwise. Throws what nobody can do better about. */
export async function fromAnyPeer<T>(
  peers: Neighbourhood,
  attempt: (connection: PeerConnection) => Promise<T>,
  failed: (error: GoshareError) => void,
  signal: AbortSignal,
): Promise<T> {
  const tried = new WeakSet<DownloadPeer>();
  for (;;) {
    signal.throwIfAborted();
    const peer = [...peers].find((candidate) => !tried.has(candidate));
    if (peer === undefined) {
      await peers.changed(signal);
      continue;
    }
    tried.add(peer);
    try {
      return await attempt(peer.connection);
    } catch (thrown) {
      const error = GoshareError.from(thrown);
      failed(error);
      peer.connection.fail(error, error.code === "DIGEST_MISMATCH" ? "banned" : "finished");
      // The bytes are the wanted ones: nobody has better.
      if (error.code === "NEWER_FORMAT" || error.code === "MANIFEST_INVALID") throw error;
    }
  }
}

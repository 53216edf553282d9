// Gets a manifest from peers: the root by its content id, the body page by page, each checked on arrival, from more than one
// peer where the first is slow.
// Nothing that fails its check is kept; who sent it is an error of that peer.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { pause } from "../core/clock.js";
import { GoshareError } from "../core/errors.js";
import { type ContentId, contentIdFromBytes } from "../core/ids.js";
import { BodyPages } from "../manifest/body-pages.js";
import { checkRoot } from "../manifest/check.js";
import { MAX_ROOT_BYTES } from "../manifest/limits.js";
import type { ManifestRoot } from "../manifest/manifest.js";
import type { PeerConnection } from "../peer/connection.js";
import type { DownloadPeer } from "./download-peer.js";
import type { Neighbourhood } from "./neighbourhood.js";
import { sourceChangedAt } from "./refusal-text.js";
import { placeOf } from "./told-dials.js";

export interface ManifestFetchOptions {
  /** Body pages asked one peer for at a time. */
  readonly manifestPagesInFlight: number;
  /** As long as there is no manifest, one more peer is asked beside the others every so often: one that stands still
   * must not hold up what others have. */
  readonly manifestPatienceMs: number;
  /** Peers asked at a time. */
  readonly manifestPeers: number;
}

/** Root and body of one content, from `peers`. Those that fail are hung up, and `failed` is told why. */
export class ManifestFetch {
  readonly #contentId: ContentId;
  readonly #peers: Neighbourhood;
  readonly #options: ManifestFetchOptions;
  readonly #failed: (error: GoshareError) => void;

  constructor(
    contentId: ContentId,
    peers: Neighbourhood,
    options: ManifestFetchOptions,
    failed: (error: GoshareError) => void,
  ) {
    this.#contentId = contentId;
    this.#peers = peers;
    this.#options = options;
    this.#failed = failed;
  }

  /** The root, from whichever peer gives it first. Waits for peers until `signal` says otherwise. Throws what nobody can
   * do better about: NEWER_FORMAT or MANIFEST_INVALID. */
  root(signal: AbortSignal): Promise<ManifestRoot> {
    return this.#fromPeers((connection) => fetchRoot(connection, this.#contentId), signal);
  }

  /** The body of `root`, likewise; a page from one, a page from another. */
  async body(root: ManifestRoot, signal: AbortSignal): Promise<Uint8Array> {
    if (root.inlineBody !== undefined) return root.inlineBody;
    const pages = new BodyPages(root);
    const { manifestPagesInFlight } = this.#options;
    return this.#fromPeers(
      (connection) => fetchPages(connection, this.#contentId, pages, manifestPagesInFlight),
      signal,
    );
  }

  /** What `attempt` brings from the first peer it succeeds with. */
  async #fromPeers<T>(attempt: (connection: PeerConnection) => Promise<T>, signal: AbortSignal): Promise<T> {
    const { manifestPatienceMs, manifestPeers } = this.#options;
    while (this.#peers.size === 0) {
      signal.throwIfAborted();
      await this.#peers.changed(signal);
    }
    const over = new AbortController();
    const wanted = AbortSignal.any([signal, over.signal]);
    const tried = new WeakSet<DownloadPeer>();
    const line = async (delayMs: number) => {
      if (delayMs > 0) await pause(delayMs, wanted);
      return this.#fromOneAfterAnother(attempt, tried, wanted);
    };
    try {
      const lines = Array.from({ length: manifestPeers }, (_, i) => line(i * manifestPatienceMs));
      return await Promise.race(lines);
    } finally {
      over.abort();
    }
  }

  async #fromOneAfterAnother<T>(
    attempt: (connection: PeerConnection) => Promise<T>,
    tried: WeakSet<DownloadPeer>,
    wanted: AbortSignal,
  ): Promise<T> {
    for (;;) {
      wanted.throwIfAborted();
      const peer = [...this.#peers].find((candidate) => !tried.has(candidate));
      if (peer === undefined) {
        await this.#peers.changed(wanted);
        continue;
      }
      tried.add(peer);
      try {
        return await attempt(peer.connection);
      } catch (thrown) {
        const error = GoshareError.from(thrown);
        const isLie = error.code === "DIGEST_MISMATCH";
        // Who cannot help with what is not wanted any more is still good for chunks.
        if (!isLie) wanted.throwIfAborted();
        this.#failed(error);
        peer.connection.fail(error, isLie ? "banned" : "finished");
        // The bytes are the wanted ones: nobody has better.
        if (error.code === "NEWER_FORMAT" || error.code === "MANIFEST_INVALID") throw error;
      }
    }
  }
}

/** The root of `contentId` from one peer. Throws DIGEST_MISMATCH if the peer sent something
 * else, MANIFEST_INVALID or NEWER_FORMAT if nobody can send better, PEER_REFUSED, SOURCE_CHANGED, or what ended the connection. */
async function fetchRoot(connection: PeerConnection, contentId: ContentId): Promise<ManifestRoot> {
  const bytes = await fetchPage(connection, contentId, 0, [1, MAX_ROOT_BYTES]);
  const actual = contentIdFromBytes(createHash("sha256").update(bytes).digest());
  if (actual !== contentId) {
    throw new GoshareError("DIGEST_MISMATCH", "a peer sent a manifest with another content id");
  }
  return checkRoot(bytes);
}

/** Asks one peer for `pages` that are missing, at most `pagesInFlight` at a time and no more than it takes, until none is,
 * or it has given all that nobody else gave. The body. Throws as fetchRoot does. */
async function fetchPages(
  connection: PeerConnection,
  contentId: ContentId,
  pages: BodyPages,
  pagesInFlight: number,
): Promise<Uint8Array> {
  const asked = new Set<number>();
  const lane = async () => {
    for (let page = pages.ask(asked); page !== undefined; page = pages.ask(asked)) {
      const length = pages.lengthOf(page);
      pages.arrived(page, await fetchPage(connection, contentId, page, [length, length]));
    }
  };
  const lanes = Math.min(pagesInFlight, connection.remote.maxRequestsInFlight);
  await Promise.all(Array.from({ length: lanes }, lane));
  assert(pages.body !== undefined);
  return pages.body;
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

// Gets a manifest from peers: the root by its content id, the body page by page, each checked on arrival, from another
// peer if the first stands still. Keeps nothing that fails its check; that is an error of the peer that sent it.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { GoshareError } from "../../core/errors.js";
import { type ContentId, contentIdFromBytes } from "../../core/ids.js";
import { BodyPages } from "../../manifest/body-pages.js";
import { checkRoot } from "../../manifest/check.js";
import { MAX_ROOT_BYTES } from "../../manifest/limits.js";
import type { ManifestRoot } from "../../manifest/manifest.js";
import type { PeerConnection } from "../../peer/connection.js";
import { placeOf } from "../../peer/place-of.js";
import type { DownloadPeer } from "../neighbours/download-peer.js";
import type { Neighbourhood } from "../neighbours/neighbourhood.js";
import { PeerRefused, refusalText, sourceChangedAt } from "../refusal-text.js";

export interface ManifestFetchOptions {
  /** Body pages that one peer is asked for at a time. */
  readonly manifestPagesInFlight: number;
  /** If nothing has come for this long from the peers that are asked, one more is asked: a peer that stands still must
   * not hold up what others have. */
  readonly manifestPatienceMs: number;
  /** Peers asked at a time. */
  readonly manifestPeers: number;
}

/** A peer that was asked. */
interface Asked<T> {
  readonly connection: PeerConnection;
  /** What the connection had received when it was last looked at. */
  bytesRead: number;
  /** What the peer gave; undefined if nothing. Rejects with an error that no other peer can help with. */
  readonly end: Promise<{ readonly value: T } | undefined>;
}

type Attempt<T> = (connection: PeerConnection, wanted: AbortSignal) => Promise<T>;

/** Gets root and body of one content from `peers`. Hangs up on those that fail, and tells `failed` why. */
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

  /** The root, from whichever peer gives it first. Waits for peers until `signal` aborts; calls `arriving` about once a
   * second while something comes. Throws only what no other peer can help with: NEWER_FORMAT or MANIFEST_INVALID. */
  root(signal: AbortSignal, arriving: () => void): Promise<ManifestRoot> {
    return this.#fromPeers((connection) => fetchRoot(connection, this.#contentId), signal, arriving);
  }

  /** The body of `root`, likewise; the pages that a stalled peer still owes come from another. */
  async body(root: ManifestRoot, signal: AbortSignal, arriving: () => void): Promise<Uint8Array> {
    if (root.inlineBody !== undefined) return root.inlineBody;
    const pages = new BodyPages(root);
    const { manifestPagesInFlight } = this.#options;
    const attempt: Attempt<Uint8Array> = (connection, wanted) =>
      fetchPages(connection, this.#contentId, pages, manifestPagesInFlight, wanted);
    return this.#fromPeers(attempt, signal, arriving);
  }

  /** The result of `attempt` with the first peer that it succeeds with. */
  async #fromPeers<T>(attempt: Attempt<T>, signal: AbortSignal, arriving: () => void): Promise<T> {
    const { manifestPatienceMs, manifestPeers } = this.#options;
    const over = new AbortController();
    const wanted = AbortSignal.any([signal, over.signal]);
    const tried = new WeakSet<DownloadPeer>();
    const asked = new Set<Asked<T>>();
    let movedAtMs = performance.now();
    try {
      for (;;) {
        signal.throwIfAborted();
        if (haveMoved(asked)) {
          movedAtMs = performance.now();
          arriving();
        }
        const patienceMs = asked.size === 0 ? 0 : movedAtMs + manifestPatienceMs - performance.now();
        const next =
          patienceMs <= 0 && asked.size < manifestPeers
            ? [...this.#peers].find((peer) => !tried.has(peer))
            : undefined;
        if (next !== undefined) {
          tried.add(next);
          asked.add(this.#ask(next.connection, attempt, wanted));
          movedAtMs = performance.now();
        }
        const ends = [...asked].map((one) => one.end.then((end) => ({ one, end })));
        const waitMs = patienceMs > 0 ? patienceMs : manifestPatienceMs;
        const first = await Promise.race([...ends, this.#peers.changedWithin(waitMs, wanted)]);
        if (first?.end !== undefined) return first.end.value;
        if (first !== undefined) asked.delete(first.one);
      }
    } finally {
      over.abort();
    }
  }

  #ask<T>(connection: PeerConnection, attempt: Attempt<T>, wanted: AbortSignal): Asked<T> {
    const end = attempt(connection, wanted).then(
      (value) => ({ value }),
      (thrown: unknown) => {
        const error = GoshareError.from(thrown);
        const isLie = error.code === "DIGEST_MISMATCH";
        // A peer that cannot help with what is no longer wanted is still good for chunks.
        if (wanted.aborted && !isLie) return undefined;
        this.#failed(error);
        connection.fail(error, isLie ? "banned" : "finished");
        // These are the very bytes that were wanted: no peer has better ones.
        if (error.code === "NEWER_FORMAT" || error.code === "MANIFEST_INVALID") throw error;
        return undefined;
      },
    );
    // It may fail when nobody waits for it any more.
    end.catch(() => undefined);
    return { connection, bytesRead: connection.bytesRead, end };
  }
}

/** Whether anything has come from any of them since the last call. */
function haveMoved(asked: Iterable<Asked<unknown>>): boolean {
  let isMoving = false;
  for (const one of asked) {
    const { bytesRead } = one.connection;
    if (bytesRead !== one.bytesRead) isMoving = true;
    one.bytesRead = bytesRead;
  }
  return isMoving;
}

/** The root of `contentId` from one peer. Throws DIGEST_MISMATCH if the peer sent something else, MANIFEST_INVALID or
 * NEWER_FORMAT if no peer can send better, CONTENT_NOT_FOUND, PEER_REFUSED, SOURCE_CHANGED, or what ended the
 * connection. */
async function fetchRoot(connection: PeerConnection, contentId: ContentId): Promise<ManifestRoot> {
  const bytes = await fetchPage(connection, contentId, 0, [1, MAX_ROOT_BYTES]);
  const actual = contentIdFromBytes(createHash("sha256").update(bytes).digest());
  if (actual !== contentId) {
    throw new GoshareError("DIGEST_MISMATCH", "a peer sent a manifest with another content id");
  }
  return checkRoot(bytes);
}

/** The body: asks one peer for the missing ones of `pages`, at most `pagesInFlight` at a time and no more than it
 * takes, until none is missing. Throws as fetchRoot does, or the reason of `wanted`. */
async function fetchPages(
  connection: PeerConnection,
  contentId: ContentId,
  pages: BodyPages,
  pagesInFlight: number,
  wanted: AbortSignal,
): Promise<Uint8Array> {
  const asked = new Set<number>();
  const lane = async () => {
    for (let page = pages.ask(asked); page !== undefined; page = pages.ask(asked)) {
      const length = pages.lengthOf(page);
      pages.arrived(page, await fetchPage(connection, contentId, page, [length, length]));
      wanted.throwIfAborted();
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
    const place = placeOf(connection);
    if (reply.reason === "sourceChanged") throw sourceChangedAt(place);
    if (reply.reason === "contentUnknown")
      throw new PeerRefused("CONTENT_NOT_FOUND", `${place} does not share this content`, reply);
    const message = `${place} refused page ${page} of the manifest: ${refusalText(reply.reason)}`;
    throw new PeerRefused("PEER_REFUSED", message, reply);
  }
  return payload;
}

// What the argument WHAT means: turns a ticket, a .goshare file or a content id into where to begin. Reads the file,
// dials nothing.
import { existsSync } from "node:fs";
import { type Endpoint, isTellable } from "../../address/endpoint.js";
import { decodeTicket, encodeTicket, looksLikeTicket, withoutCommand } from "../../address/ticket.js";
import { GoshareError } from "../../core/errors.js";
import { type ContentId, parseContentId } from "../../core/ids.js";
import type { Manifest, ManifestRoot } from "../../manifest/manifest.js";
import { readManifestFile, WHAT_HINT } from "../../storage/manifest-file.js";

export interface ContentSource {
  readonly contentId: ContentId;
  /** For display until the manifest is there; empty if not known. */
  readonly name: string;
  /** From a .goshare file. */
  readonly root: ManifestRoot | undefined;
  /** From a .goshare file that holds the body. */
  readonly manifest: Manifest | undefined;
  readonly trackers: readonly Endpoint[];
  /** Endpoints of one machine, the sharer's, best first. */
  readonly peers: readonly Endpoint[];
}

/** Reads `given`. Throws TICKET_INVALID, MANIFEST_FILE_INVALID, MANIFEST_INVALID, NEWER_FORMAT, a disk error, or
 * USAGE if it is none of the three. */
export async function readContentSource(given: string): Promise<ContentSource> {
  const what = withoutCommand(given);
  const contentId = parseContentId(what);
  if (contentId !== undefined) {
    return { contentId, name: "", root: undefined, manifest: undefined, trackers: [], peers: [] };
  }
  if (!existsSync(what) && looksLikeTicket(what)) {
    const { contentId: ticketId, name, trackers, peers } = decodeTicket(what);
    return { contentId: ticketId, name, root: undefined, manifest: undefined, trackers, peers };
  }
  if (!existsSync(what)) {
    throw new GoshareError("USAGE", `${what} is not a ticket, a content id or a file`, {
      hint: WHAT_HINT,
    });
  }
  const file = await readManifestFile(what);
  const { root, manifest, trackers, peers } = file;
  return { contentId: root.contentId, name: root.name, root, manifest, trackers, peers };
}

/** Throws NO_PEERS if neither `source` nor the user names a peer or tracker that could be asked. */
export function requireSomebody(source: ContentSource, trackers: readonly Endpoint[]): void {
  if (source.peers.length > 0 || trackers.length > 0) return;
  throw new GoshareError(
    "NO_PEERS",
    `there is no peer or tracker to ask for ${source.contentId.slice(0, 16)}…`,
    {
      hint: "name a tracker with --tracker HOST:PORT, or use the ticket",
    },
  );
}

/** A ticket that leads where `source` and `trackers` lead, as far as it has room. */
export function ticketFor(root: ManifestRoot, source: ContentSource, trackers: readonly Endpoint[]): string {
  const pin = source.peers.find(({ transport }) => transport === "tls")?.certificateSha256;
  // A ticket pins one certificate: its peers are one machine.
  const peers = source.peers.filter(
    ({ transport, certificateSha256 }) =>
      transport === "tcp" || (pin !== undefined && certificateSha256 === pin),
  );
  const { contentId, name } = root;
  const tellable = trackers.filter(isTellable);
  return encodeTicket({ contentId, name, trackers: tellable, peers, peerCertificateSha256: pin });
}

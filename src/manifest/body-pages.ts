// The pages of one body while they come in, from one peer or several: which are here, and which to ask a peer for.
// Every page is checked before it counts. Asks no peer itself.
import { GoshareError } from "../core/errors.js";
import { bodyPageBytes, bodyPageCount, checkBodyPage } from "./check.js";
import { BODY_PAGE_BYTES } from "./limits.js";
import type { ManifestRoot } from "./manifest.js";

export class BodyPages {
  readonly #root: ManifestRoot;
  readonly #body: Buffer;
  /** Pages that no peer has been asked for. */
  readonly #unasked: Set<number>;
  /** Pages that were asked for and are not here. */
  readonly #awaited = new Set<number>();

  /** For the body of `root`, which must not be in the root itself. */
  constructor(root: ManifestRoot) {
    this.#root = root;
    this.#body = Buffer.allocUnsafeSlow(root.bodySize);
    this.#unasked = new Set(Array.from({ length: bodyPageCount(root) }, (_, index) => index + 1));
  }

  /** The whole body; undefined while pages are missing. */
  get body(): Uint8Array | undefined {
    return this.#unasked.size + this.#awaited.size === 0 ? this.#body : undefined;
  }

  /** The next page to ask a peer for; it is added to `askedBefore`, the pages that this peer was asked for. A page that
   * no peer was asked for, else one that others owe. Undefined if no page is missing that it does not owe itself. */
  ask(askedBefore: Set<number>): number | undefined {
    const [unasked] = this.#unasked;
    const page = unasked ?? [...this.#awaited].find((candidate) => !askedBefore.has(candidate));
    if (page === undefined) return undefined;
    askedBefore.add(page);
    this.#unasked.delete(page);
    this.#awaited.add(page);
    return page;
  }

  /** Bytes in page `page`. */
  lengthOf(page: number): number {
    return bodyPageBytes(this.#root, page);
  }

  /** A peer gave `bytes` for page `page`, which it was asked for. Throws DIGEST_MISMATCH if they are not that page. */
  arrived(page: number, bytes: Uint8Array): void {
    if (!checkBodyPage(this.#root, page, bytes)) {
      throw new GoshareError("DIGEST_MISMATCH", `a peer sent a wrong page ${page} of the manifest`);
    }
    // A page that comes a second time is dropped: the body may be in use.
    if (this.#awaited.delete(page)) this.#body.set(bytes, (page - 1) * BODY_PAGE_BYTES);
  }
}

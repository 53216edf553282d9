// Both sides of a download's connection in one: what the other end asks goes to the serving side, what it says of
// itself to the asking side. Decides nothing itself.
import type { GoshareError } from "../../core/errors.js";
import type { ContentId } from "../../core/ids.js";
import type { ConnectionHandler } from "../../peer/connection-handler.js";
import type { Coverage, GoodbyeReason, Notice, Request } from "../../peer/messages.js";
import type { ServedConnection } from "../uploading/served-connection.js";
import type { DownloadPeer } from "./download-peer.js";

export class Neighbour implements ConnectionHandler {
  readonly #asking: DownloadPeer;
  readonly #serving: ServedConnection;
  readonly #joined: (coverage: Coverage, bitfield: Uint8Array) => void;

  /** `joined` is called with what a Join of the other side said, after that was dealt with. */
  constructor(
    asking: DownloadPeer,
    serving: ServedConnection,
    joined: (coverage: Coverage, bitfield: Uint8Array) => void,
  ) {
    this.#asking = asking;
    this.#serving = serving;
    this.#joined = joined;
  }

  requested(id: number, request: Request, payload: Uint8Array): void {
    this.#serving.requested(id, request, payload);
    if (request.type === "join" && this.#serving.joined.has(request.contentId))
      this.#joined(request.coverage, payload);
  }

  cancelled(id: number): void {
    this.#serving.cancelled(id);
  }

  noticed(notice: Exclude<Notice, { type: "hello" | "goodbye" }>): void {
    this.#serving.noticed(notice);
    this.#asking.noticed(notice);
  }

  goodbye(reason: GoodbyeReason, message: string): void {
    this.#serving.goodbye(reason);
    this.#asking.goodbye(reason, message);
  }

  closed(error: GoshareError | undefined): void {
    this.#serving.closed(error);
    this.#asking.closed(error);
  }

  bitfieldBytes(contentId: ContentId): number | undefined {
    return this.#serving.bitfieldBytes(contentId);
  }
}

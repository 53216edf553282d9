// What a connection tells its owner: the seam between the rules of the protocol and the use made of what arrives.
import type { GoshareError } from "../core/errors.js";
import type { ContentId } from "../core/ids.js";
import type { GoodbyeReason, Notice, Request } from "./messages.js";

/** How the owner of a connection handles what arrives. Called synchronously; must not throw. */
export interface ConnectionHandler {
  /** The other side asks. To be answered once, with the same id, by `reply`, `sendChunk` or `refuse`. */
  requested(id: number, request: Request, payload: Uint8Array): void;
  /** A request of the other side no longer needs the reply that it asked for. */
  cancelled(id: number): void;
  noticed(notice: Exclude<Notice, { type: "hello" | "goodbye" }>): void;
  /** The other side takes nothing new; running replies still come. */
  goodbye(reason: GoodbyeReason, message: string): void;
  /** Called once, at the end; without an error if that was a proper one. Open requests have failed by then. */
  closed(error: GoshareError | undefined): void;
  /** Bytes in a bitfield of this content; undefined if the content is not known here. */
  bitfieldBytes(contentId: ContentId): number | undefined;
}

// What a connection tells its owner: the seam between the rules of the protocol and what is done with what comes.
import type { GoshareError } from "../core/errors.js";
import type { ContentId } from "../core/ids.js";
import type { GoodbyeReason, Notice, Request } from "./messages.js";

/** What an owner of connections does with what comes. Called synchronously; must not throw. */
export interface ConnectionHandler {
  /** The other side asks; answered with `reply`, `sendChunk` or `refuse`, once, with the same id. */
  requested(id: number, request: Request, payload: Uint8Array): void;
  /** A request of the other side need not be answered with what it asked for any more. */
  cancelled(id: number): void;
  noticed(notice: Exclude<Notice, { type: "hello" | "goodbye" }>): void;
  /** The other side takes nothing new; running replies still come. */
  goodbye(reason: GoodbyeReason, message: string): void;
  /** The end, once; without an error if it was a proper one. Open requests have failed before. */
  closed(error: GoshareError | undefined): void;
  /** Bytes of a bitfield of this content; undefined if it is not known here. */
  bitfieldBytes(contentId: ContentId): number | undefined;
}

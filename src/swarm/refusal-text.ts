// Why a peer does not give a chunk, for people. Decides nothing.
import type { RefusalReason } from "../peer/messages.js";

/** Where the name of the reason alone would not tell a person. */
const TEXTS: Partial<Record<RefusalReason, string>> = {
  shuttingDown: "it is being stopped",
  contentUnknown: "it does not share that any more",
  chunkUnavailable: "it does not have it",
  internal: "it cannot read it",
};

export function refusalText(reason: RefusalReason): string {
  return TEXTS[reason] ?? reason;
}

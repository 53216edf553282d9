// What happens to peers that do not give what they should: a peer that sent wrong bytes is not asked again, and one
// warning says so. Decides nothing about the chunk.
import { GoshareError } from "../../core/errors.js";
import type { EventObserver } from "../../events/event.js";
import { placeOf } from "../../peer/place-of.js";
import type { DownloadSwarm } from "../../swarm/download-swarm.js";
import type { ChunkDownloadEvents } from "../../swarm/downloading/chunk-work.js";

export function chunkTroubles(
  swarm: DownloadSwarm,
  observe: EventObserver,
): Pick<ChunkDownloadEvents, "lied" | "stalled" | "refused"> {
  return {
    lied: (peer, chunkIndex) => {
      const where = placeOf(peer.connection);
      const message = `chunk ${chunkIndex} from ${where} does not match its digest; that peer is not asked again`;
      const error = new GoshareError("DIGEST_MISMATCH", message);
      observe.detail?.("chunk", `${chunkIndex} from ${where} is wrong`);
      // Other chunks it had sent by then may be wrong too, but that is no news.
      if (swarm.ban(peer, error)) observe({ type: "warning", code: error.code, message, path: where });
    },
    stalled: (peer) => {
      observe.detail?.("chunk", `${placeOf(peer.connection)} stopped in the middle of one`);
      swarm.stalled(peer);
    },
    refused: (peer, reason, chunkIndex) => {
      observe.detail?.("chunk", `${chunkIndex} was refused by ${placeOf(peer.connection)}: ${reason}`);
      swarm.refused(peer, reason);
    },
  };
}

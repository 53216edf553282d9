// What becomes of a peer that sent wrong bytes: it is not asked again, and a warning says so once. Decides nothing about
// the chunk.
import { GoshareError } from "../core/errors.js";
import type { PeerId } from "../core/ids.js";
import type { EventObserver } from "../events/event.js";
import type { ChunkDownloadEvents } from "../swarm/chunk-work.js";
import type { DownloadSwarm } from "../swarm/download-swarm.js";

export function liarWarnings(swarm: DownloadSwarm, observe: EventObserver): ChunkDownloadEvents["lied"] {
  const liars = new Set<PeerId>();
  return (peer, chunkIndex) => {
    const where = `${peer.connection.remoteHost}:${peer.connection.remotePort}`;
    const message = `chunk ${chunkIndex} from ${where} does not have its digest; that peer is not asked again`;
    const error = new GoshareError("DIGEST_MISMATCH", message);
    // What else it had sent by then is wrong as well, and no news.
    if (!liars.has(peer.id)) observe({ type: "warning", code: error.code, message, path: where });
    liars.add(peer.id);
    swarm.ban(peer, error);
  };
}

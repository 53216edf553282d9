// The shortest time in which a file can reach N downloaders, derived from the uplinks and nothing else. Pure; knows no
// policy.

export interface SwarmShape {
  readonly fileBytes: number;
  readonly chunkBytes: number;
  /** Bytes per second. */
  readonly sharerUplink: number;
  /** Bytes per second of each downloader. */
  readonly uplinks: readonly number[];
  /** How many downloaders the time is asked for: all of them, or those that receive without a limit. */
  readonly receivers: number;
}

/** No schedule is quicker: the sharer has to send everything once, all together have to send what all receivers need,
 * and the chunk that the sharer sends last has to go on from peer to peer. That holds for links on which a chunk takes
 * its time. Under an upload limit a chunk goes at once and is paid for afterwards, so there a swarm may be quicker by
 * the time of the first chunk and of each of those steps: up to (1 + ⌊log2 N⌋) / M of the bound. */
export function lowerBoundSeconds(shape: SwarmShape): number {
  const { fileBytes, chunkBytes, sharerUplink, uplinks, receivers } = shape;
  const onceSeconds = fileBytes / sharerUplink;
  const allUplinks = uplinks.reduce((sum, uplink) => sum + uplink, sharerUplink);
  const togetherSeconds = (receivers * fileBytes) / allUplinks;
  // The number of peers that have a chunk doubles with every chunk time of the quickest.
  const quickest = Math.max(sharerUplink, ...uplinks);
  const doublings = Math.floor(Math.log2(receivers));
  return Math.max(onceSeconds + (doublings * chunkBytes) / quickest, togetherSeconds);
}

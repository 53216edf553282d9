// What a hostile client does to a tracker under measurement, and how its process is told so: lines of JSON in both
// directions. Knows no tracker.

/** `calls`: as many as it can. `giant`: messages beyond what a tracker reads. `shares`: 100,000 in one announcement, 30,000,
 * and as many as there may be, of one peer after another. `never-reads`: takes no answer on any of its connections.
 * `connects`: connects and is gone, by turns before and after the tracker has answered. */
export const FLOOD_KINDS = ["calls", "giant", "shares", "never-reads", "connects"] as const;
export type FloodKind = (typeof FLOOD_KINDS)[number];

/** It goes on until the process ends, and says `flooded` with what it came to so far whenever a line comes. */
export interface FloodRequest {
  /** HOST:PORT. */
  readonly target: string;
  readonly kind: FloodKind;
}

export interface FloodResult {
  readonly calls: number;
  /** Of them, by the status that came: OK, any other, and none since the connection ended before. */
  readonly answered: number;
  readonly refused: number;
  readonly cut: number;
  /** Attempts to connect, and connections, or attempts, that the tracker ended. */
  readonly connects: number;
  readonly hungUp: number;
}

// What a hostile client does to a tracker under measurement, and how the process that does it is told: lines of JSON in
// both directions. Knows no tracker.

/** `calls`: as many as it can. `giant`: messages beyond what a tracker reads. `shares`: announcements of 100,000
 * shares, of 30,000, and of as many as are allowed, these from one peer after another. `never-reads`: takes no answer
 * on any of its connections. `connects`: connects and goes away, alternately before and after the tracker has
 * answered. */
export const FLOOD_KINDS = ["calls", "giant", "shares", "never-reads", "connects"] as const;
export type FloodKind = (typeof FLOOD_KINDS)[number];

/** The flood goes on until the process ends. Whenever a line comes, the process says under that name how much the flood
 * has done so far. */
export interface FloodRequest {
  /** HOST:PORT. */
  readonly target: string;
  readonly kind: FloodKind;
}

export interface FloodResult {
  readonly calls: number;
  /** The calls by the status that came: OK, any other, or none because the connection ended first. */
  readonly answered: number;
  readonly refused: number;
  readonly cut: number;
  /** Attempts to connect, and connections, or attempts, that the tracker ended. */
  readonly connects: number;
  readonly hungUp: number;
}

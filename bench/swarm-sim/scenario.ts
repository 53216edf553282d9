// What a simulated swarm is like: how many, what they send and receive, how far apart they are, when they come and
// go. Values only, and the uplinks drawn from them.
import { MIB } from "../../src/core/units.js";
import { defaultDownloadSwarmOptions, defaultOfferingOptions } from "../../src/swarm/options.js";
import type { Random } from "../random.js";
import type { PeerSetting } from "./sim-peer.js";

export type Range = readonly [number, number];

export interface Scenario extends PeerSetting {
  readonly downloaders: number;
  /** The mean uplink of downloaders, bytes per second. */
  readonly uplink: number;
  readonly sharerUplink: number;
  /** All the same; 7/4 and 1/4 of the mean by turns; log-normal around it. */
  readonly uplinks: "equal" | "two-class" | "log-normal";
  /** Every fourth downloader receives at a quarter of the mean uplink. */
  readonly hasSlowReceivers: boolean;
  readonly rttMs: number;
  /** When downloaders come, from the first moment on. Who has come is connected to all neighbours that are there. */
  readonly arrivalMs: Range;
  /** What an announcement takes beside the way, for each neighbour by itself. */
  readonly announceMs: Range;
  /** What an answer to an offer takes beside the way. */
  readonly answerMs: Range;
  /** Even. Whoever has at most so many others around knows all of them. */
  readonly degree: number;
  readonly unprovenRequests: number;
  readonly leavesWhenFinished: boolean;
  /** How long a downloader stays, and is away then, in the mean, until it has everything; undefined: it stays. */
  readonly churn: { readonly stayMs: number; readonly awayMs: number } | undefined;
  readonly seed: number;
}

const UPLINK = 4 * MIB;

export const baseScenario: Scenario = Object.freeze<Scenario>({
  model: "link",
  downloaders: 16,
  chunkCount: 64,
  chunkBytes: MIB,
  uplink: UPLINK,
  sharerUplink: UPLINK,
  uplinks: "equal",
  hasSlowReceivers: false,
  rttMs: 50,
  arrivalMs: [0, 20],
  announceMs: [0, 0],
  answerMs: [0, 0],
  verifyMs: [1, 8],
  degree: 16,
  offering: defaultOfferingOptions,
  speaksOffers: true,
  maxChunksOnLink: Number.POSITIVE_INFINITY,
  unprovenRequests: defaultDownloadSwarmOptions.unprovenRequests,
  leavesWhenFinished: false,
  churn: undefined,
  seed: 1,
});

/** Of ln(uplink): two thirds of the uplinks are between 0.45 and 2.2 of the median. */
const LOG_DEVIATION = 0.8;

/** What each downloader sends, bytes per second; of log-normal ones the sum is the same each time as well. */
export function uplinksOf({ downloaders, uplink, uplinks }: Scenario, random: Random): readonly number[] {
  const each = Array.from({ length: downloaders }, (_, i) => {
    if (uplinks === "equal") return uplink;
    if (uplinks === "two-class") return (uplink / 4) * (i % 2 === 0 ? 7 : 1);
    return Math.exp(LOG_DEVIATION * random.normal());
  });
  if (uplinks !== "log-normal") return each;
  const sum = each.reduce((total, one) => total + one, 0);
  return each.map((one) => (one * uplink * downloaders) / sum);
}

export function downlinkOf({ uplink, hasSlowReceivers }: Scenario, index: number): number {
  return hasSlowReceivers && index % 4 === 0 ? uplink / 4 : Number.POSITIVE_INFINITY;
}

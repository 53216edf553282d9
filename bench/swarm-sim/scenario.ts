// What a simulated swarm is like: how many peers there are, what they send and receive, how far apart they are, when
// they come and go. Only values, and the uplinks drawn from them.
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
  /** All the same; alternately 7/4 and 1/4 of the mean; log-normal around it. */
  readonly uplinks: "equal" | "two-class" | "log-normal";
  /** Every fourth downloader receives at a quarter of the mean uplink. */
  readonly hasSlowReceivers: boolean;
  readonly rttMs: number;
  /** When downloaders come, counted from the first moment. Each is then connected to all its neighbours that are
   * there. */
  readonly arrivalMs: Range;
  /** What an announcement takes besides the way there, for each neighbour separately. */
  readonly announceMs: Range;
  /** What an answer to an offer takes besides the way there. */
  readonly answerMs: Range;
  /** The number of neighbours, an even one. If there are no more others than that, everybody knows all of them. */
  readonly degree: number;
  readonly unprovenRequests: number;
  readonly leavesWhenFinished: boolean;
  /** How long on average a downloader stays, and is then away, again and again until it has everything; undefined: it
   * stays. */
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

/** What each downloader sends, bytes per second. Log-normal ones too have the same sum each time. */
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

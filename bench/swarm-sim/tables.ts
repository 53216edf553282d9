// The tables of docs/swarm-simulation.md: which scenarios, and how their figures are written. Runs nothing itself.
import { KIB } from "../../src/core/units.js";
import { defaultOfferingOptions, type OfferingOptions } from "../../src/swarm/options.js";
import type { Experiment, Spread } from "./experiment.js";
import { baseScenario, type Scenario } from "./scenario.js";

export interface Row {
  readonly name: string;
  readonly change: Partial<Scenario>;
  /** Whether only peers that receive without a limit are asked about, rather than all. */
  readonly isOfUnlimited?: boolean;
}

const offering = (change: Partial<OfferingOptions>): Partial<Scenario> => ({
  offering: { ...defaultOfferingOptions, ...change },
});

/** Changes to the policy. */
export const policyRows: readonly Row[] = [
  { name: "as it is", change: {} },
  { name: "1 chunk in an offer", change: offering({ maxOfferChunks: 1 }) },
  { name: "8 chunks in an offer", change: offering({ maxOfferChunks: 8 }) },
  { name: "no margin", change: offering({ offerMarginMs: 0 }) },
  { name: "no lead: an offer when 1 ms is left to do", change: offering({ offerMarginMs: -49 }) },
  { name: "2 chunks committed beyond need", change: offering({ offerMarginMs: 510 }) },
  { name: "8 chunks committed beyond need", change: offering({ offerMarginMs: 2_010 }) },
  { name: "at most 4 committed", change: offering({ maxCommitted: 4 }) },
  { name: "not needed for 0.2 s instead of 2 s", change: offering({ notNeededMs: 200 }) },
  { name: "trust from the first chunk on", change: { unprovenRequests: 64 } },
  { name: "no offers: all pull with windows", change: { speaksOffers: false } },
];

/** Changes to what is around it. */
export const surroundingRows: readonly Row[] = [
  { name: "answers 0–50 ms late", change: { answerMs: [0, 50] } },
  { name: "announcements 50–200 ms late", change: { announceMs: [50, 200] } },
  { name: "announcements 500–1000 ms late", change: { announceMs: [500, 1000] } },
  { name: "arrivals over a quarter of the time", change: { arrivalMs: [0, 4_000] } },
  { name: "finished downloaders leave at once", change: { leavesWhenFinished: true } },
  { name: "all come and go: 5 s there, 1 s away", change: { churn: { stayMs: 5_000, awayMs: 1_000 } } },
  { name: "chunks of 256 KiB, M=256", change: { chunkBytes: 256 * KIB, chunkCount: 256 } },
  { name: "sharer u/4", change: { sharerUplink: baseScenario.uplink / 4 } },
  { name: "sharer 10u", change: { sharerUplink: baseScenario.uplink * 10 } },
  { name: "two classes 7:1", change: { uplinks: "two-class" } },
  { name: "two classes 7:1, M=256", change: { uplinks: "two-class", chunkCount: 256 } },
  { name: "log-normal uplinks", change: { uplinks: "log-normal" } },
  { name: "a quarter receives at u/4: all", change: { hasSlowReceivers: true } },
  { name: "a quarter receives at u/4: the others", change: { hasSlowReceivers: true }, isOfUnlimited: true },
];

export function ratioOf(row: Row, result: Experiment): Spread {
  return row.isOfUnlimited === true ? result.unlimitedRatio : result.ratio;
}

export function cellOf({ mean, worst }: Spread): string {
  const [short, long] = [mean.toFixed(2), worst.toFixed(2)];
  return short === long ? short : `${short} (${long})`;
}

export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`);
  return lines.join("\n");
}

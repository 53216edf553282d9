// What is measured of a tracker, for every store in which it may keep what it knows.
import type { BenchCase } from "../bench-case.js";
import { FloodCase } from "./flood-case.js";
import { FLOOD_KINDS } from "./flood-work.js";
import { redisStores } from "./redis-cases.js";
import { type StoreKind, TrackerCase, type TrackerWork } from "./tracker-case.js";
import type { Population } from "./tracker-work.js";

/** Cases with the first store have plain names; those with another have its name at the end. */
const STORES: readonly StoreKind[] = [
  { name: "memory", argumentsIn: () => ["--store", "memory"] },
  { name: "file", argumentsIn: (folder) => ["--store", `file:${folder}`] },
  ...redisStores(),
];

const USUAL: Population = { singles: 5_000, collectors: 500, sharesPerCollector: 100, swarms: 5_000 };
const FEW: Population = { singles: 100, collectors: 10, sharesPerCollector: 100, swarms: 50 };
/** A million leases, a tenth of them on one share. */
const MILLION: Population = { singles: 0, collectors: 100_000, sharesPerCollector: 10, swarms: 10_000 };

/** `isQuick`: small ones, which show that they run. */
export function trackerCases(isQuick: boolean): readonly BenchCase[] {
  const works = STORES.flatMap((store, i) => worksOn(store, i === 0 ? "" : `-${store.name}`, isQuick));
  const flood = new FloodCase({
    ...{
      isLong: !isQuick,
      kinds: isQuick ? ["calls", "connects"] : FLOOD_KINDS,
      population: isQuick ? FEW : USUAL,
      sliceMs: isQuick ? 100 : 5_000,
    },
  });
  return [...works.map((work) => new TrackerCase(work)), flood];
}

function worksOn(store: StoreKind, suffix: string, isQuick: boolean): readonly TrackerWork[] {
  const common = { store, population: isQuick ? FEW : USUAL, sliceMs: isQuick ? 50 : 1_000 };
  const works: TrackerWork[] = [
    {
      ...common,
      name: `tracker/announce${suffix}`,
      calls: [
        { label: "1 share", kind: "announce-one" },
        { label: "100 shares", kind: "announce-many" },
      ],
    },
    { ...common, name: `tracker/list-peers${suffix}`, calls: [{ label: "50 peers", kind: "list-peers" }] },
    { ...common, name: `tracker/mixed${suffix}`, calls: [{ label: "half of each", kind: "mixed" }] },
  ];
  if (isQuick) return works;
  return [
    ...works,
    {
      ...common,
      name: `tracker/million-leases${suffix}`,
      isLong: true,
      population: MILLION,
      calls: [
        { label: "10 shares", kind: "announce-many" },
        { label: "50 peers", kind: "list-peers" },
      ],
    },
  ];
}

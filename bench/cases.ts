// What is measured, and how large it is. Each case makes its own data, which only its size determines, and removes it.
import { GIB, KIB, MIB } from "../src/core/units.js";
import { BareHashingCase, BareTransferCase } from "./bare/bare-cases.js";
import type { BenchCase } from "./bench-case.js";
import { Frames, ManifestCost, PoolHop, SchedulerCost, UploadQueueCost } from "./micro.js";
import { RivalSwarmCase } from "./rivals/rival-swarm-case.js";
import { fileRivals, folderRivals, hashingRivals } from "./rivals/rivals.js";
import { RivalsCase, type RivalsWork } from "./rivals/rivals-case.js";
import { swarmCases } from "./swarm/swarm-case.js";
import { swarmSimCases } from "./swarm-sim/sim-cases.js";
import { LeaseStoreCase } from "./tracker/lease-store-case.js";
import { redisCases } from "./tracker/redis-cases.js";
import { trackerCases } from "./tracker/tracker-cases.js";
import { GrowthCase } from "./transfer/growth-case.js";
import { ResumeCase } from "./transfer/resume-case.js";
import { ShareCase, StartCase } from "./transfer/share-case.js";
import { TransferCase } from "./transfer/transfer-case.js";

export interface BenchSetting {
  /** Sizes that show that a case runs, but not how fast. */
  readonly isQuick: boolean;
  /** Other programs do the same work in the same rounds. */
  readonly withRivals: boolean;
}

export function benchCases({ isQuick, withRivals }: BenchSetting): readonly BenchCase[] {
  const large = { fileBytes: isQuick ? 64 * MIB : 4 * GIB };
  const middle = { fileBytes: isQuick ? 16 * MIB : GIB };
  const small = { fileBytes: 4 * KIB, fileCount: isQuick ? 500 : 20_000 };
  const lasting = isQuick
    ? { fileBytes: 128 * MIB, sampleMs: 20, skippedBytes: 16 * MIB }
    : { fileBytes: 20 * GIB, sampleMs: 1_000, skippedBytes: GIB };
  const microMs = isQuick ? 20 : 500;
  const rivals = (work: RivalsWork) => (withRivals ? [new RivalsCase(work)] : []);
  return [
    new StartCase(),
    new ShareCase({ name: "share/large", ...large }),
    new BareHashingCase("bare/share/large", large),
    new ShareCase({ name: "share/small-files", ...small }),
    new BareHashingCase("bare/share/small-files", small),
    ...rivals({ name: "rivals/share-small-files", ...small, rivals: hashingRivals, readsOnly: true }),
    new ShareCase({ name: "first-copy", ...large, untilCopied: true }),
    new TransferCase({ name: "transfer/1", ...large }),
    new BareTransferCase("bare/transfer/1", large),
    ...rivals({ name: "rivals/1", ...large, rivals: fileRivals }),
    new TransferCase({ name: "transfer/1-middle", ...middle }),
    new TransferCase({ name: "transfer/8-downloaders", ...middle, downloaders: 8 }),
    new TransferCase({ name: "transfer/8-pairs", ...middle, downloaders: isQuick ? 2 : 8, isPaired: true }),
    new TransferCase({ name: "transfer/4-sharers", ...middle, sharers: 4 }),
    new TransferCase({ name: "transfer/50ms", ...middle, roundTripMs: 50 }),
    new TransferCase({ name: "transfer/small-files", ...small }),
    new TransferCase({ name: "transfer/small-files-50ms", ...small, roundTripMs: 50 }),
    new TransferCase({ name: "transfer/small-files-disk", ...small, place: "disk" }),
    ...rivals({ name: "rivals/small-files", ...small, rivals: folderRivals }),
    ...rivals({ name: "rivals/small-files-disk", ...small, place: "disk", rivals: folderRivals }),
    ...(isQuick ? [] : vastCases()),
    new GrowthCase({ name: "transfer/20gib-disk", isLong: !isQuick, ...lasting }),
    new ResumeCase(large),
    new Frames(microMs),
    new ManifestCost(microMs),
    new SchedulerCost(microMs),
    new PoolHop(microMs),
    new LeaseStoreCase(isQuick ? 10_000 : 1_000_000),
    new UploadQueueCost(isQuick ? 2_048 : 131_072, 50),
    ...redisCases(isQuick),
    ...trackerCases(isQuick),
    ...swarmCases(isQuick),
    ...(withRivals ? rivalSwarms(isQuick) : []),
    ...swarmSimCases(isQuick),
  ];
}

/** Of the size and rates of `swarm/4` to `swarm/16`. */
function rivalSwarms(isQuick: boolean): readonly BenchCase[] {
  if (isQuick)
    return [new RivalSwarmCase({ downloaders: 3, fileBytes: 4 * MIB, uplink: 8 * MIB, isLong: false })];
  const swarm = { fileBytes: 64 * MIB, uplink: 4 * MIB, isLong: true };
  return [4, 8, 16].map((downloaders) => new RivalSwarmCase({ ...swarm, downloaders }));
}

/** Cases that take long because there is so much to share. */
function vastCases(): readonly BenchCase[] {
  const files = { fileBytes: 26, fileCount: 200_000 };
  const file = { fileBytes: 48 * GIB, place: "disk", isSparse: true } as const;
  return [
    new ShareCase({ name: "share/200000-files", isLong: true, ...files }),
    new TransferCase({ name: "transfer/200000-files", isLong: true, ...files }),
    new ShareCase({ name: "share/48gib-sparse", isLong: true, ...file }),
  ];
}

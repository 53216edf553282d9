// What is measured, with the sizes. Each case makes its own data, seeded by nothing but size, and removes it.
import { GIB, KIB, MIB } from "../src/core/units.js";
import type { BenchCase } from "./bench-case.js";
import { Frames, ManifestCost, PoolHop, SchedulerCost, UploadQueueCost } from "./micro.js";
import { fileRivals, folderRivals } from "./rivals/rivals.js";
import { RivalsCase } from "./rivals/rivals-case.js";
import { swarmCases } from "./swarm/swarm-case.js";
import { swarmSimCases } from "./swarm-sim/sim-cases.js";
import { redisCases } from "./tracker/redis-cases.js";
import { ResumeCase } from "./transfer/resume-case.js";
import { ShareCase, StartCase } from "./transfer/share-case.js";
import { TransferCase } from "./transfer/transfer-case.js";

export interface BenchSetting {
  /** Sizes that show that a case runs, not how fast. */
  readonly isQuick: boolean;
  /** Other programs do the same work in the same rounds. */
  readonly withRivals: boolean;
}

export function benchCases({ isQuick, withRivals }: BenchSetting): readonly BenchCase[] {
  const large = { fileBytes: isQuick ? 64 * MIB : 4 * GIB };
  const middle = { fileBytes: isQuick ? 16 * MIB : GIB };
  const small = { fileBytes: 4 * KIB, fileCount: isQuick ? 500 : 20_000 };
  const microMs = isQuick ? 20 : 500;
  return [
    new StartCase(),
    new ShareCase({ name: "share/large", ...large }),
    new ShareCase({ name: "share/small-files", ...small }),
    new ShareCase({ name: "first-copy", ...large, untilCopied: true }),
    new TransferCase({ name: "transfer/1", ...large }),
    ...(withRivals ? [new RivalsCase({ name: "rivals/1", ...large, rivals: fileRivals })] : []),
    new TransferCase({ name: "transfer/1-middle", ...middle }),
    new TransferCase({ name: "transfer/8-downloaders", ...middle, downloaders: 8 }),
    new TransferCase({ name: "transfer/4-sharers", ...middle, sharers: 4 }),
    new TransferCase({ name: "transfer/50ms", ...middle, roundTripMs: 50 }),
    new TransferCase({ name: "transfer/small-files", ...small }),
    new TransferCase({ name: "transfer/small-files-50ms", ...small, roundTripMs: 50 }),
    new TransferCase({ name: "transfer/small-files-disk", ...small, place: "disk" }),
    ...(withRivals
      ? [
          new RivalsCase({ name: "rivals/small-files", ...small, rivals: folderRivals }),
          new RivalsCase({ name: "rivals/small-files-disk", ...small, place: "disk", rivals: folderRivals }),
        ]
      : []),
    new ResumeCase(large),
    new Frames(microMs),
    new ManifestCost(microMs),
    new SchedulerCost(microMs),
    new PoolHop(microMs),
    new UploadQueueCost(isQuick ? 2_048 : 131_072, 50),
    ...redisCases(isQuick),
    ...swarmCases(isQuick),
    ...swarmSimCases(isQuick),
  ];
}

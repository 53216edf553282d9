// How far the last downloader of a swarm is from the shortest possible time, with real processes under upload limits on
// this machine's loopback.
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { GIB, KIB, MIB } from "../../src/core/units.js";
import type { BenchCase } from "../bench-case.js";
import { fastFolder } from "../fast-folder.js";
import { writeRandomFile } from "../sample-data.js";
import { lowerBoundSeconds } from "./lower-bound.js";
import type { Oddity } from "./odd-downloader.js";
import { runSwarm, type SwarmResult } from "./swarm-run.js";

const CHUNK_BYTES = MIB;
/** A few dozen processes that start at once on a small machine may take this long. */
const START_UP_MS = 120_000;
/** A swarm that takes longer than this many times the bound is given up. */
const MAX_RATIO = 8;
/** A run in which the processors were all busy for more than this share of the time is void. */
const MAX_SATURATED_SHARE = 0.1;

interface Downloader {
  readonly uploadLimit: number;
  readonly downloadLimit: number | undefined;
  readonly oddity?: Oddity;
}

interface Swarm {
  readonly name: string;
  readonly fileBytes: number;
  readonly sharerUplink: number;
  readonly downloaders: readonly Downloader[];
}

/** `quick`: only one, which shows that it runs. */
export function swarmCases(quick: boolean): readonly BenchCase[] {
  if (quick) return [new SwarmCase(equalSwarm(3, 8 * MIB, 8 * MIB), false)];
  const swarms = [
    ...[4, 8, 16].map((count) => equalSwarm(count, 64 * MIB, 4 * MIB)),
    ...[32, 64].map((count) => equalSwarm(count, 128 * MIB, 2 * MIB)),
    // For machines that are too small for so many at that rate.
    { ...equalSwarm(64, 64 * MIB, MIB), name: "swarm/64-slower" },
    unequalSwarm(16, 64 * MIB, 4 * MIB),
    slowReceiverSwarm(16, 64 * MIB, 4 * MIB),
    ...[1, 8].map((count) => limitedSharer(count, 200 * MIB, 10 * MIB)),
    oddSwarm("hostile", 8, 64 * MIB, 4 * MIB, ["stalls", "lies"]),
    oddSwarm("two-keep", 8, 64 * MIB, 4 * MIB, ["keeps", "keeps"]),
  ];
  return swarms.map((swarm) => new SwarmCase(swarm, true));
}

/** Everybody sends at most `uplink` bytes per second. */
function equalSwarm(count: number, fileBytes: number, uplink: number): Swarm {
  const downloaders = Array.from({ length: count }, () => ({
    uploadLimit: uplink,
    downloadLimit: undefined,
  }));
  return { name: `swarm/${count}`, fileBytes, sharerUplink: uplink, downloaders };
}

/** Uplinks of 7/4 and 1/4 of `uplink`, alternately. */
function unequalSwarm(count: number, fileBytes: number, uplink: number): Swarm {
  const { downloaders, ...swarm } = equalSwarm(count, fileBytes, uplink);
  return {
    ...swarm,
    name: `swarm/${count}-unequal`,
    downloaders: downloaders.map((each, i) => ({
      ...each,
      uploadLimit: (uplink / 4) * (i % 2 === 0 ? 7 : 1),
    })),
  };
}

/** Every fourth receives at most a quarter of what it may send. */
function slowReceiverSwarm(count: number, fileBytes: number, uplink: number): Swarm {
  const { downloaders, ...swarm } = equalSwarm(count, fileBytes, uplink);
  return {
    ...swarm,
    name: `swarm/${count}-slow-receivers`,
    downloaders: downloaders.map((each, i) => (i % 4 === 0 ? { ...each, downloadLimit: uplink / 4 } : each)),
  };
}

/** Only the sharer sends under a limit, to see how well the limit holds. */
function limitedSharer(count: number, fileBytes: number, sharerUplink: number): Swarm {
  return { ...equalSwarm(count, fileBytes, GIB), name: `upload-limit/${count}`, sharerUplink };
}

/** One downloader for each of `oddities` serves in that odd way; only the others are waited for. */
function oddSwarm(
  name: string,
  count: number,
  fileBytes: number,
  uplink: number,
  oddities: readonly Oddity[],
): Swarm {
  const { downloaders, ...swarm } = equalSwarm(count, fileBytes, uplink);
  return {
    ...swarm,
    name: `swarm/${count}-${name}`,
    downloaders: downloaders.map((each, i) => {
      const oddity = oddities[i];
      return oddity === undefined ? each : { ...each, oddity };
    }),
  };
}

class SwarmCase implements BenchCase {
  readonly name: string;
  readonly isLong: boolean;
  readonly #swarm: Swarm;
  #folder = "";

  constructor(swarm: Swarm, isLong: boolean) {
    this.name = swarm.name;
    this.isLong = isLong;
    this.#swarm = swarm;
  }

  async prepare(): Promise<void> {
    const { fileBytes, downloaders } = this.#swarm;
    const neededBytes = fileBytes * (downloaders.length + 2);
    this.#folder = await mkdtemp(join(await fastFolder(neededBytes), "goshare-bench-"));
    await writeRandomFile(join(this.#folder, "data"), fileBytes, new AbortController().signal);
  }

  async run(): Promise<Record<string, number>> {
    const { sharerUplink, downloaders } = this.#swarm;
    const folder = join(this.#folder, "run");
    await mkdir(folder);
    try {
      const result = await runSwarm({
        ...{ sharerUplink, downloaders, folder, chunkBytes: CHUNK_BYTES },
        dataPath: join(this.#folder, "data"),
        lifetimeMs: START_UP_MS + MAX_RATIO * this.#boundSeconds() * 1000,
      });
      return this.#figures(result);
    } finally {
      await rm(folder, { recursive: true, force: true, maxRetries: 5 });
    }
  }

  async cleanUp(): Promise<void> {
    if (this.#folder !== "") await rm(this.#folder, { recursive: true, force: true });
  }

  /** The bound for the downloaders that serve properly: for those of them that receive without a limit, or for all,
   * whose slowest have to receive everything as well. */
  #boundSeconds(unlimitedOnly = false): number {
    const { fileBytes, sharerUplink } = this.#swarm;
    const downloaders = this.#swarm.downloaders.filter(({ oddity }) => oddity === undefined);
    const asked = downloaders.filter(({ downloadLimit }) => !unlimitedOnly || downloadLimit === undefined);
    const uplinks = downloaders.map(({ uploadLimit }) => uploadLimit);
    const receivers = asked.length;
    const sending = lowerBoundSeconds({
      ...{ fileBytes, sharerUplink, uplinks, receivers },
      chunkBytes: CHUNK_BYTES,
    });
    return Math.max(sending, ...asked.map(({ downloadLimit = Infinity }) => fileBytes / downloadLimit));
  }

  #figures(result: SwarmResult): Record<string, number> {
    const { fileBytes } = this.#swarm;
    const { downloaders, load } = result;
    const seconds = downloaders.map((each) => each.seconds).sort((a, b) => a - b);
    const lastSeconds = seconds.at(-1) ?? 0;
    const bound = this.#boundSeconds();
    const wastedBytes = sum(downloaders.map(({ bytesWasted }) => bytesWasted));
    const overCapBytes = [result.sharerOverCapBytes, ...downloaders.map((each) => each.overCapBytes)];
    const cpuSeconds = downloaders.map(({ measured }) => measured.usage.cpuSeconds);
    return {
      "last s": lastSeconds,
      "p50 s": seconds[seconds.length >> 1] ?? 0,
      "bound s": bound,
      "last/bound": lastSeconds / bound,
      ...this.#unlimitedFigures(result),
      "sharer sent/F": result.sharerBytesSent / fileBytes,
      "sharer rate/limit": result.sharerBytesSent / lastSeconds / this.#swarm.sharerUplink,
      "duplicates %": (100 * wastedBytes) / (fileBytes * downloaders.length),
      stalls: sum(downloaders.map(({ stalls }) => stalls)),
      "stalls without a reason": sum(downloaders.map((each) => each.unexplainedStalls)),
      // Below zero if everybody kept to the limits.
      "most over cap KiB": Math.max(...overCapBytes) / KIB,
      "neighbours, mean": sum(result.neighbours) / result.neighbours.length,
      "neighbours, least": Math.min(...result.neighbours),
      "start-up s": result.startUpSeconds,
      // Of whole processes, start-up included.
      "downloader CPU s": sum(cpuSeconds) / cpuSeconds.length,
      "most downloader CPU s": Math.max(...cpuSeconds),
      "sharer CPU s": result.sharer.usage.cpuSeconds,
      "machine busy %": 100 * load.busyShare,
      "machine saturated %": 100 * load.saturatedShare,
      "void runs": load.saturatedShare > MAX_SATURATED_SHARE ? 1 : 0,
    };
  }

  /** If some receive under a limit: how the others do beside them. */
  #unlimitedFigures({ downloaders }: SwarmResult): Record<string, number> {
    const unlimited = downloaders.filter(({ receivesLimited }) => !receivesLimited);
    if (unlimited.length === downloaders.length) return {};
    const lastSeconds = Math.max(...unlimited.map(({ seconds }) => seconds));
    return {
      "last unlimited s": lastSeconds,
      "last unlimited/bound": lastSeconds / this.#boundSeconds(true),
    };
  }
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

// One swarm from its start to its end: a tracker, a sharer that is held back, N downloaders. When all of them have
// joined and know each other, the sharer is told to send, and the time runs until the last of them has verified
// everything. All on this machine's loopback; every process ends within its lifetime, and so does every wait.
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { type Measured, MeasuredProcess } from "../measured-process.js";
import { type Load, MachineLoad } from "./machine-load.js";
import type { Oddity } from "./odd-downloader.js";
import { SwarmDownloader } from "./swarm-downloader.js";

const HELD_SHARER = fileURLToPath(new URL("./held-sharer.js", import.meta.url));

/** Neighbours that are enough in a swarm of any size. */
const ENOUGH_PEERS = 8;
/** In this time whatever start-up has left to do gets done. */
const REST_MS = 1_000;
const LOOK_MS = 20;

export interface SwarmSetting {
  readonly dataPath: string;
  readonly chunkBytes: number;
  /** The folder for what is received, and for the manifest. */
  readonly folder: string;
  /** Bytes per second, as all rates here. */
  readonly sharerUplink: number;
  readonly downloaders: readonly {
    readonly uploadLimit: number;
    readonly downloadLimit: number | undefined;
    /** One that serves in an odd way is not waited for, and does not count. */
    readonly oddity?: Oddity | undefined;
  }[];
  readonly lifetimeMs: number;
}

export interface DownloaderResult {
  /** From the first byte that the sharer sent until everything was verified. */
  readonly seconds: number;
  readonly receivesLimited: boolean;
  readonly bytesReceived: number;
  readonly bytesWasted: number;
  /** How often it reported that it stands still, and how often it gave no reason for that. */
  readonly stalls: number;
  readonly unexplainedStalls: number;
  /** What it sent beyond one chunk and what its uplink allows until the last downloader had everything; below zero if
   * it kept to that. */
  readonly overCapBytes: number;
  readonly measured: Measured;
}

export interface SwarmResult {
  readonly startUpSeconds: number;
  /** How many each downloader had when the sharer was told to send, the sharer included. */
  readonly neighbours: readonly number[];
  readonly downloaders: readonly DownloaderResult[];
  readonly sharerBytesSent: number;
  /** As `overCapBytes`, for the sharer; but the most at any time. */
  readonly sharerOverCapBytes: number;
  readonly sharer: Measured;
  readonly load: Load;
}

export async function runSwarm(setting: SwarmSetting): Promise<SwarmResult> {
  const run = new SwarmRun(setting);
  try {
    return await run.toTheEnd();
  } finally {
    run.kill();
  }
}

class SwarmRun {
  readonly #setting: SwarmSetting;
  readonly #tracker: MeasuredProcess;
  #sharer: MeasuredProcess | undefined;
  #downloaders: readonly SwarmDownloader[] = [];
  #odd: readonly SwarmDownloader[] = [];
  #joined = 0;

  constructor(setting: SwarmSetting) {
    this.#setting = setting;
    const { lifetimeMs } = setting;
    this.#tracker = new MeasuredProcess(["tracker", "--store", "memory", "--listen", "127.0.0.1:0"], {
      lifetimeMs,
    });
  }

  kill(): void {
    this.#tracker.kill();
    this.#sharer?.kill();
    for (const { process } of [...this.#downloaders, ...this.#odd]) process.kill();
  }

  async toTheEnd(): Promise<SwarmResult> {
    const startedMs = performance.now();
    const sharer = await this.#start();
    await this.#until(() => this.#isReady, this.#downloaders);
    await delay(REST_MS);
    const startUpSeconds = (performance.now() - startedMs) / 1000;
    const neighbours = this.#downloaders.map(({ peers }) => peers);
    sharer.tell("go");
    const begunEpochMs = Number((await sharer.event("begun"))["epochMs"]);
    const monitor = new MachineLoad();
    const lacking = () => this.#downloaders.filter(({ isVerified }) => !isVerified);
    await this.#until(() => lacking().length === 0, lacking).finally(() => monitor.stop());
    const load = monitor.stop();
    const downloaders = await this.#results(begunEpochMs);
    for (const { process } of this.#odd) process.kill();
    const measured = await sharer.stop();
    const { bytesSent, mostOverCapBytes } = await sharer.event("stopped");
    await this.#tracker.stop();
    return {
      ...{ startUpSeconds, neighbours, downloaders, load, sharer: measured },
      sharerBytesSent: Number(bytesSent),
      sharerOverCapBytes: Number(mostOverCapBytes),
    };
  }

  /** Resolves with the sharer when all processes have been started. */
  async #start(): Promise<MeasuredProcess> {
    const { dataPath, folder, sharerUplink, chunkBytes, downloaders, lifetimeMs } = this.#setting;
    const tracker = String((await this.#tracker.event("listening"))["endpoint"]);
    const manifestPath = `${folder}/data.goshare`;
    const sharer = new MeasuredProcess(
      [dataPath, manifestPath, tracker, `${sharerUplink}`, `${chunkBytes}`],
      {
        script: HELD_SHARER,
        observe: ({ joined }) => {
          this.#joined = joined === undefined ? this.#joined : Number(joined["neighbours"]);
        },
        lifetimeMs,
      },
    );
    this.#sharer = sharer;
    await sharer.event("sharing");
    const all = downloaders.map(
      ({ uploadLimit, downloadLimit, oddity }, i) =>
        new SwarmDownloader({
          ...{ uploadLimit, downloadLimit, oddity, manifestPath, tracker, lifetimeMs },
          output: `${folder}/${i}`,
        }),
    );
    this.#odd = all.filter(({ setting }) => setting.oddity !== undefined);
    this.#downloaders = all.filter(({ setting }) => setting.oddity === undefined);
    return sharer;
  }

  /** Whether all have joined the sharer and each knows enough others. */
  get #isReady(): boolean {
    const all = [...this.#downloaders, ...this.#odd];
    const enough = Math.min(all.length, ENOUGH_PEERS);
    return this.#joined === all.length && all.every(({ peers }) => peers >= enough);
  }

  /** Rejects if the sharer or one of `needed` ends before `condition` holds. */
  async #until(
    condition: () => boolean,
    needed: readonly SwarmDownloader[] | (() => readonly SwarmDownloader[]),
  ): Promise<void> {
    while (!condition()) {
      await delay(LOOK_MS);
      const downloaders = typeof needed === "function" ? needed() : needed;
      for (const process of [this.#sharer, ...downloaders.map((each) => each.process)]) {
        if (process?.hasEnded !== true) continue;
        await process.ended;
        throw new Error("a process of the swarm ended too early");
      }
    }
  }

  async #results(begunEpochMs: number): Promise<readonly DownloaderResult[]> {
    const measured = await Promise.all(this.#downloaders.map((each) => each.ended()));
    const secondsOf = ({ verifiedEpochMs = 0 }: SwarmDownloader) => (verifiedEpochMs - begunEpochMs) / 1000;
    const lastSeconds = Math.max(...this.#downloaders.map(secondsOf));
    return this.#downloaders.map((each, i) => {
      const { bytesReceived, bytesWasted, bytesSent, stalls, unexplainedStalls, setting } = each;
      const [usage] = measured.slice(i, i + 1);
      if (usage === undefined) throw new Error("a downloader was not measured");
      return {
        ...{ bytesReceived, bytesWasted, stalls, unexplainedStalls, measured: usage },
        seconds: secondsOf(each),
        receivesLimited: setting.downloadLimit !== undefined,
        overCapBytes: bytesSent - lastSeconds * setting.uploadLimit - this.#setting.chunkBytes,
      };
    });
  }
}

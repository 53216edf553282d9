// One `goshare download` of a swarm, as its events show it. Decides nothing.
import { fileURLToPath } from "node:url";
import { type Event, type Measured, MeasuredProcess } from "../measured-process.js";
import type { Oddity } from "./odd-downloader.js";

const ODD_DOWNLOADER = fileURLToPath(new URL("./odd-downloader.js", import.meta.url));

/** A download that has verified nothing for this long stands still. */
const STALLED_MS = 1_000;

export interface DownloaderSetting {
  readonly manifestPath: string;
  readonly output: string;
  readonly tracker: string;
  /** Bytes per second. */
  readonly uploadLimit: number;
  /** Bytes per second; undefined: no limit. */
  readonly downloadLimit: number | undefined;
  /** What is wrong with the way it serves others. */
  readonly oddity: Oddity | undefined;
  readonly lifetimeMs: number;
}

export class SwarmDownloader {
  readonly process: MeasuredProcess;
  readonly setting: DownloaderSetting;
  /** The number that it reported last. */
  peers = 0;
  /** When everything was verified. */
  verifiedEpochMs: number | undefined;
  /** Payload bytes, on connections that have ended. */
  bytesSent = 0;
  bytesReceived = 0;
  bytesWasted = 0;
  /** How often it reported that it stands still, and how often it gave no reason for that. */
  stalls = 0;
  unexplainedStalls = 0;

  constructor(setting: DownloaderSetting) {
    this.setting = setting;
    const { manifestPath, output, tracker, uploadLimit, downloadLimit, oddity, lifetimeMs } = setting;
    const receiving = downloadLimit === undefined ? [] : ["--download-limit", `${downloadLimit}B`];
    const argv = [
      ...["download", manifestPath, "--output", output, "--tracker", tracker],
      ...["--listen", "127.0.0.1:0", "--upload-limit", `${uploadLimit}B`, ...receiving],
      // Having to wait for the others must not end a download.
      ...["--timeout", `${Math.round(lifetimeMs / 1000)}s`],
    ];
    const observing = { observe: (event: Event) => this.#take(event), lifetimeMs };
    this.process =
      oddity === undefined
        ? new MeasuredProcess(argv, observing)
        : new MeasuredProcess([oddity, ...argv, "--json"], { ...observing, script: ODD_DOWNLOADER });
  }

  get isVerified(): boolean {
    return this.verifiedEpochMs !== undefined;
  }

  /** What it used; rejects unless it ended with everything verified. */
  async ended(): Promise<Measured> {
    const measured = await this.process.ended;
    if (!this.isVerified) throw new Error("a downloader ended without everything");
    return measured;
  }

  #take({ progress, peerDisconnected, done }: Event): void {
    if (progress !== undefined) {
      this.peers = Number(progress["peers"]);
      const isStalled = Number(progress["stalledMs"]) >= STALLED_MS;
      const hasReason = progress["slowReason"] !== "SLOW_REASON_UNSPECIFIED";
      if (isStalled) this.stalls++;
      if (isStalled && !hasReason) this.unexplainedStalls++;
      if (Number(progress["bytesDone"]) === Number(progress["bytesTotal"]))
        this.verifiedEpochMs ??= performance.timeOrigin + performance.now();
    }
    if (peerDisconnected !== undefined) this.bytesSent += Number(peerDisconnected["bytesSent"]);
    if (done !== undefined) {
      this.bytesReceived = Number(done["bytesReceived"]);
      this.bytesWasted = Number(done["bytesWasted"]);
    }
  }
}

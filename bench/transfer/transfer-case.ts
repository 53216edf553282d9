// Whole transfers between real processes on this machine's loopback: wall time, CPU time, memory, and how close that
// comes to what the machine allows.
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { GIB, MIB } from "../../src/core/units.js";
import { type Figures, LOOPBACK } from "../bench-case.js";
import type { FixtureKind } from "../fixture.js";
import { FixtureCase } from "../fixture-case.js";
import { type Limits, measureLimits } from "../limits/machine-limits.js";
import { type CpuUsage, MeasuredProcess } from "../measured-process.js";
import { DelayProxy } from "./delay-proxy.js";

export interface Transfer extends FixtureKind {
  readonly name: string;
  readonly isLong?: boolean;
  readonly sharers?: number;
  readonly downloaders?: number;
  /** Each downloader has a sharer of its own, and each pair knows nothing of the others. */
  readonly isPaired?: boolean;
  /** There and back, made by a proxy between sharer and downloader. */
  readonly roundTripMs?: number;
}

export class TransferCase extends FixtureCase {
  readonly #transfer: Transfer;

  constructor(transfer: Transfer) {
    super(transfer.name, transfer, transfer.isLong);
    this.#transfer = transfer;
  }

  get #deliveredBytes(): number {
    return this.data.bytes * (this.#transfer.downloaders ?? 1);
  }

  async run(): Promise<Figures> {
    // Anew in each round, since a machine's speed drifts.
    const limits = await measureLimits(this.data.folder);
    return this.receiving(this.#deliveredBytes, () => this.#transferOnce(limits));
  }

  async #transferOnce(limits: Limits): Promise<Figures> {
    const { roundTripMs } = this.#transfer;
    const proxy = roundTripMs === undefined ? undefined : await DelayProxy.start(roundTripMs / 2);
    const sharers = await this.#startSharers(proxy);
    const before = sharers.processes.map((each) => each.usedSoFar);
    const startedMs = performance.now();
    await mkdir(this.received);
    const downloads = Array.from({ length: this.#transfer.downloaders ?? 1 }, (_, i) =>
      this.#download(i, sharers),
    );
    const received = await Promise.all(downloads.map(({ ended }) => ended));
    const wallSeconds = (performance.now() - startedMs) / 1000;
    const after = sharers.processes.map((each) => each.usedSoFar);
    const shared = await Promise.all(sharers.processes.map((each) => each.stop()));
    await sharers.tracker?.stop();
    await proxy?.stop();
    const gib = this.#deliveredBytes / GIB;
    const downloader = sumOf(received.map(({ usage }) => usage));
    // Without hashing, which is over before a transfer begins.
    const sharer = difference(sumOf(after), sumOf(before));
    const most = (values: readonly number[]) => Math.max(...values);
    return {
      s: wallSeconds,
      "GiB/s": gib / wallSeconds,
      "% of limit": (100 * limits.transferSeconds(gib)) / wallSeconds,
      "CPU s/GiB": (downloader.cpuSeconds + sharer.cpuSeconds) / gib,
      "downloader CPU s/GiB": downloader.cpuSeconds / gib,
      "downloader main thread s/GiB": downloader.mainThreadSeconds / gib,
      "downloader peak RSS MiB": most(received.map(({ usage }) => usage.peakRssBytes)) / MIB,
      "downloader loop delay p99 ms": most(received.map(({ usage }) => usage.loopDelayP99Ms)),
      "sharer CPU s/GiB": sharer.cpuSeconds / gib,
      "sharer main thread s/GiB": sharer.mainThreadSeconds / gib,
      "sharer peak RSS MiB": most(shared.map(({ usage }) => usage.peakRssBytes)) / MIB,
      "sharer loop delay p99 ms": most(shared.map(({ usage }) => usage.loopDelayP99Ms)),
    };
  }

  async #startSharers(proxy: DelayProxy | undefined): Promise<Sharers> {
    const { isPaired = false, downloaders = 1, sharers = isPaired ? downloaders : 1 } = this.#transfer;
    // If there are several, downloaders learn of all of them from a tracker.
    const tracker =
      sharers > 1 && !isPaired
        ? new MeasuredProcess(["tracker", "--store", "memory", "--listen", LOOPBACK])
        : undefined;
    const trackerEndpoint = tracker && String((await tracker.event("listening"))["endpoint"]);
    const trackerArguments = trackerEndpoint === undefined ? [] : ["--tracker", trackerEndpoint];
    const processes: MeasuredProcess[] = [];
    const tickets: string[] = [];
    const advertise = proxy === undefined ? [] : ["--advertise", proxy.endpoint];
    for (let i = 0; i < sharers; i++) {
      const manifest = join(this.data.folder, `data-${i}.goshare`);
      const sharer = new MeasuredProcess([
        ...this.shareArguments(manifest),
        ...trackerArguments,
        ...advertise,
      ]);
      processes.push(sharer);
      const sharing = await sharer.event("sharing");
      tickets.push(String(sharing["ticket"]));
      proxy?.leadTo(String(sharing["endpoint"]));
      await rm(manifest);
    }
    return { processes, tracker, trackerArguments, tickets };
  }

  #download(index: number, { tickets, trackerArguments }: Sharers): MeasuredProcess {
    const ticket = tickets[index % tickets.length] ?? "";
    const output = join(this.received, String(index));
    return new MeasuredProcess([
      ...["download", ticket, "--output", output, "--listen", LOOPBACK],
      ...trackerArguments,
    ]);
  }
}

interface Sharers {
  readonly processes: readonly MeasuredProcess[];
  readonly tracker: MeasuredProcess | undefined;
  readonly trackerArguments: readonly string[];
  /** One of each sharer. */
  readonly tickets: readonly string[];
}

function sumOf(usages: readonly CpuUsage[]): CpuUsage {
  return usages.reduce(
    (sum, { cpuSeconds, mainThreadSeconds }) => ({
      cpuSeconds: sum.cpuSeconds + cpuSeconds,
      mainThreadSeconds: sum.mainThreadSeconds + mainThreadSeconds,
    }),
    { cpuSeconds: 0, mainThreadSeconds: 0 },
  );
}

function difference(after: CpuUsage, before: CpuUsage): CpuUsage {
  return {
    cpuSeconds: after.cpuSeconds - before.cpuSeconds,
    mainThreadSeconds: after.mainThreadSeconds - before.mainThreadSeconds,
  };
}

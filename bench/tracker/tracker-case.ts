// What a tracker takes for its calls, compared with one whose handlers do nothing: two real processes, each loaded by a
// process of its own, in turns within the same round, so that their ratio means the same on any machine. Judges
// nothing.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type BenchCase, type Figures, LOOPBACK } from "../bench-case.js";
import { type Loaded, LoadedServer } from "./loaded-server.js";
import { type CallKind, leasesOf, type Population } from "./tracker-work.js";

const NO_OP = fileURLToPath(new URL("./no-op-process.js", import.meta.url));

/** Slices of each side, in turns, after one that is not counted. */
const SLICES = 3;
/** The rate at which latencies are measured: as much as a tracker lets its peers' renewals come to. */
const STEADY_CALLS_PER_SECOND = 1_000;

/** Where a tracker keeps what it knows. */
export interface StoreKind {
  readonly name: string;
  /** Further arguments of `goshare tracker`, which has `folder` to itself. */
  readonly argumentsIn: (folder: string) => readonly string[] | Promise<readonly string[]>;
  /** Ends what runs besides the tracker. */
  readonly end?: () => Promise<void>;
}

export interface TrackerWork {
  readonly name: string;
  readonly isLong?: boolean;
  readonly store: StoreKind;
  readonly population: Population;
  readonly sliceMs: number;
  /** What is measured, and the label that its figures bear before a colon. */
  readonly calls: readonly { readonly label: string; readonly kind: CallKind }[];
}

export class TrackerCase implements BenchCase {
  readonly name: string;
  readonly isLong: boolean;
  readonly #work: TrackerWork;
  #folder = "";

  constructor(work: TrackerWork) {
    this.name = work.name;
    this.isLong = work.isLong === true;
    this.#work = work;
  }

  async prepare(): Promise<void> {
    this.#folder = await mkdtemp(join(tmpdir(), "goshare-bench-"));
  }

  async run(): Promise<Figures> {
    const { store, population, calls } = this.#work;
    const storeFolder = await mkdtemp(join(this.#folder, "store-"));
    const argv = ["tracker", "--listen", LOOPBACK, ...(await store.argumentsIn(storeFolder))];
    // One after the other, since filling one keeps two processors busy.
    const tracker = await LoadedServer.start(argv, {}, population);
    const noOp = await LoadedServer.start([], { script: NO_OP }, population);
    const leases = leasesOf(population);
    const figures: Record<string, number> = {
      // The calls that made the leases leave as much behind in a tracker that does nothing.
      "resident bytes/lease": (tracker.filledBytes - noOp.filledBytes) / leases,
    };
    for (const { label, kind } of calls) {
      const measured = await this.#measure(tracker, noOp, kind);
      for (const [figure, value] of Object.entries(measured)) figures[`${label}: ${figure}`] = value;
    }
    const { usage } = await tracker.stop();
    await noOp.stop();
    await store.end?.();
    figures["loop delay p99 ms"] = usage.loopDelayP99Ms;
    await rm(storeFolder, { recursive: true, force: true });
    return figures;
  }

  async cleanUp(): Promise<void> {
    await this.#work.store.end?.();
    if (this.#folder !== "") await rm(this.#folder, { recursive: true, force: true });
  }

  async #measure(tracker: LoadedServer, noOp: LoadedServer, kind: CallKind): Promise<Figures> {
    const { sliceMs } = this.#work;
    const sides = [tracker, noOp] as const;
    for (const side of sides) await side.load({ kind, durationMs: sliceMs });
    const slices: [Loaded[], Loaded[]] = [[], []];
    for (let i = 0; i < SLICES; i++) {
      for (const [at, side] of sides.entries())
        slices[at]?.push(await side.load({ kind, durationMs: sliceMs }));
    }
    const steadyWork = { kind, durationMs: 2 * sliceMs, callsPerSecond: STEADY_CALLS_PER_SECOND };
    const steady = await tracker.load(steadyWork);
    const noOpSteady = await noOp.load(steadyWork);
    if (steady.answerBytes === 0) throw new Error("the tracker's answers are empty");
    const own = sumOf(slices[0]);
    const least = sumOf(slices[1]);
    const cpuPerCall = own.cpuSeconds / own.calls;
    const leastCpuPerCall = least.cpuSeconds / least.calls;
    return {
      "calls/server CPU-s": quotient(1, cpuPerCall),
      "no-op handler: calls/server CPU-s": quotient(1, leastCpuPerCall),
      "% of a no-op handler": 100 * quotient(leastCpuPerCall, cpuPerCall),
      "server CPU µs/call": 1e6 * cpuPerCall,
      "calls/s, 64 at a time": own.calls / own.seconds,
      "p50 ms at 1000 calls/s": steady.p50Ms,
      "p99 ms at 1000 calls/s": steady.p99Ms,
      "no-op handler: p50 ms at 1000 calls/s": noOpSteady.p50Ms,
      "no-op handler: p99 ms at 1000 calls/s": noOpSteady.p99Ms,
    };
  }
}

/** Where the system does not say what a process uses, figures are 0. */
function quotient(some: number, by: number): number {
  return by === 0 ? 0 : some / by;
}

function sumOf(slices: readonly Loaded[]): Pick<Loaded, "calls" | "seconds" | "cpuSeconds"> {
  return slices.reduce(
    (sum, { calls, seconds, cpuSeconds }) => ({
      calls: sum.calls + calls,
      seconds: sum.seconds + seconds,
      cpuSeconds: sum.cpuSeconds + cpuSeconds,
    }),
    { calls: 0, seconds: 0, cpuSeconds: 0 },
  );
}

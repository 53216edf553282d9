// What honest peers notice of a hostile client: renewals and lookups from loopback at an open rate, alone and during a
// flood from an address that is not loopback, so that quotas apply to it. With each latency go figures that tell a
// tracker that is busy with the flood from one that only waits for a processor. Judges nothing.
import { fileURLToPath } from "node:url";
import { formatEndpoint, requireEndpoint } from "../../src/address/endpoint.js";
import { NO_OWN_ADDRESS, ownAddress } from "../../test/support/own-address.js";
import type { BenchCase, Figures } from "../bench-case.js";
import { MeasuredProcess } from "../measured-process.js";
import type { FloodKind, FloodRequest, FloodResult } from "./flood-work.js";
import { type Loaded, LoadedServer } from "./loaded-server.js";
import type { Population } from "./tracker-work.js";

const FLOOD = fileURLToPath(new URL("./flood-process.js", import.meta.url));

const FLOOD_FIGURES = ["calls", "answered", "refused", "cut", "connects", "hungUp"] as const;
const EVERYWHERE = "0.0.0.0:0";
const HONEST_CALLS_PER_SECOND = 500;

export interface FloodWork {
  readonly isLong: boolean;
  readonly kinds: readonly FloodKind[];
  readonly population: Population;
  readonly sliceMs: number;
}

/** The honest calls beside a flood, and how much that had done before and after them. */
interface Flooded {
  readonly beside: Loaded;
  readonly before: FloodResult;
  readonly after: FloodResult;
}

export class FloodCase implements BenchCase {
  readonly name = "tracker/flood";
  readonly isLong: boolean;
  readonly #work: FloodWork;

  constructor(work: FloodWork) {
    this.isLong = work.isLong;
    this.#work = work;
  }

  async prepare(): Promise<void> {}

  async run(): Promise<Figures> {
    const host = ownAddress();
    if (host === undefined) {
      process.stderr.write(`${this.name} is skipped: ${NO_OWN_ADDRESS}\n`);
      return { skipped: 1 };
    }
    const figures: Record<string, number> = {};
    for (const kind of this.#work.kinds) {
      const measured = await this.#beside(kind, host);
      for (const [figure, value] of Object.entries(measured)) figures[`${kind}: ${figure}`] = value;
    }
    return figures;
  }

  async cleanUp(): Promise<void> {}

  /** With a fresh tracker, since one that has hung up on an address remembers it. */
  async #beside(kind: FloodKind, host: string): Promise<Figures> {
    const { population, sliceMs } = this.#work;
    const argv = ["tracker", "--listen", EVERYWHERE, "--store", "memory"];
    const tracker = await LoadedServer.start(argv, {}, population);
    const rate = { durationMs: sliceMs, callsPerSecond: HONEST_CALLS_PER_SECOND };
    const slice = { kind: "mixed", ...rate } as const;
    await tracker.load(slice);
    const alone = await tracker.load(slice);
    const other = new MeasuredProcess([...argv, "--json"]);
    const { endpoint } = await other.event("listening");
    const elsewhere = await flooded(String(endpoint), host, kind, () => tracker.load(slice));
    await other.stop();
    const { beside, before, after } = await flooded(tracker.endpoint, host, kind, () => tracker.load(slice));
    const { usage } = await tracker.stop();
    return {
      ...honestFigures(alone, beside),
      "p99 ms beside a flood of another tracker": elsewhere.beside.p99Ms,
      "p99 beside/beside a flood of another tracker": beside.p99Ms / elsewhere.beside.p99Ms,
      "loop delay p99 ms, over all": usage.loopDelayP99Ms,
      ...floodFigures(alone, beside, before, after),
    };
  }
}

/** Makes the honest `calls` while the tracker at `endpoint`, reached at `host`, is flooded. */
async function flooded(
  endpoint: string,
  host: string,
  kind: FloodKind,
  calls: () => Promise<Loaded>,
): Promise<Flooded> {
  const { port } = requireEndpoint(endpoint, "a tracker");
  const request: FloodRequest = { target: formatEndpoint({ host, port }), kind };
  const flood = new MeasuredProcess([JSON.stringify(request)], { script: FLOOD });
  const before = await soFar(flood, "before");
  const beside = await calls();
  const after = await soFar(flood, "after");
  await flood.stop();
  return { beside, before, after };
}

function honestFigures(alone: Loaded, beside: Loaded): Figures {
  return {
    "p50 ms alone": alone.p50Ms,
    "p50 ms beside": beside.p50Ms,
    "p99 ms alone": alone.p99Ms,
    "p99 ms beside": beside.p99Ms,
    "p99 beside/alone": beside.p99Ms / alone.p99Ms,
    "tracker CPU s/s alone": alone.cpuSeconds / alone.seconds,
    "tracker CPU s/s beside": beside.cpuSeconds / beside.seconds,
    "tracker waits for a processor s/s alone": alone.waitedSeconds / alone.seconds,
    "tracker waits for a processor s/s beside": beside.waitedSeconds / beside.seconds,
    "honest calls/s beside": beside.calls / beside.seconds,
  };
}

/** How much the flood did, and how much of the tracker it took beyond the honest calls. */
function floodFigures(alone: Loaded, beside: Loaded, before: FloodResult, after: FloodResult): Figures {
  const of = (figure: keyof FloodResult) => after[figure] - before[figure];
  const honest = (alone.cpuSeconds / alone.calls) * beside.calls;
  const events = of("answered") + of("refused") + of("cut") + of("connects");
  const figures: Record<string, number> = {
    "tracker CPU µs for a call or connection of the flood":
      (1e6 * Math.max(0, beside.cpuSeconds - honest)) / Math.max(1, events),
  };
  for (const figure of FLOOD_FIGURES) figures[`flood: ${figure}/s`] = of(figure) / beside.seconds;
  return figures;
}

/** How much the flood has done so far; the first answer comes once the flood has begun. */
async function soFar(flood: MeasuredProcess, name: string): Promise<FloodResult> {
  flood.tell(name);
  const said = await flood.event(name);
  const of = (figure: keyof FloodResult) => Number(said[figure]);
  return {
    ...{ calls: of("calls"), answered: of("answered"), refused: of("refused"), cut: of("cut") },
    ...{ connects: of("connects"), hungUp: of("hungUp") },
  };
}

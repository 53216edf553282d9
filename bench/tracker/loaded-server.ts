// A server under measurement and the process that asks it, which loads it slice by slice. Judges nothing.
import { fileURLToPath } from "node:url";
import { MeasuredProcess, type ProcessSetting } from "../measured-process.js";
import { type Population, type SliceRequest, type SliceResult, toText } from "./tracker-work.js";

const LOAD = fileURLToPath(new URL("./load-process.js", import.meta.url));

/** The results of a slice, and what it took of the server. */
export interface Loaded extends SliceResult {
  readonly cpuSeconds: number;
  /** How long the server's event loop was ready to run without a processor. */
  readonly waitedSeconds: number;
}

/** A server, and the process that asks it. */
export class LoadedServer {
  /** The memory that the server holds when the population has announced itself. */
  readonly filledBytes: number;
  /** HOST:PORT. */
  readonly endpoint: string;
  readonly #server: MeasuredProcess;
  readonly #load: MeasuredProcess;
  #slices = 0;

  private constructor(endpoint: string, server: MeasuredProcess, load: MeasuredProcess) {
    this.endpoint = endpoint;
    this.#server = server;
    this.#load = load;
    this.filledBytes = server.residentBytes;
  }

  static async start(
    argv: readonly string[],
    setting: ProcessSetting,
    population: Population,
  ): Promise<LoadedServer> {
    const server = new MeasuredProcess(argv, setting);
    const endpoint = String((await server.event("listening"))["endpoint"]);
    const load = new MeasuredProcess([endpoint, toText(population)], { script: LOAD });
    await load.event("filled");
    return new LoadedServer(endpoint, server, load);
  }

  async load(slice: Omit<SliceRequest, "name">): Promise<Loaded> {
    const name = `slice${this.#slices++}`;
    const before = this.#server.usedSoFar;
    const waitedBefore = this.#server.waitedSecondsSoFar;
    this.#load.tell(toText({ ...slice, name }));
    const result = await this.#load.event(name);
    const { cpuSeconds } = this.#server.usedSoFar;
    const of = (figure: keyof SliceResult) => Number(result[figure]);
    return {
      ...{ calls: of("calls"), seconds: of("seconds"), answerBytes: of("answerBytes") },
      ...{ p50Ms: of("p50Ms"), p99Ms: of("p99Ms") },
      cpuSeconds: cpuSeconds - before.cpuSeconds,
      waitedSeconds: this.#server.waitedSecondsSoFar - waitedBefore,
    };
  }

  /** What the server used. */
  async stop(): ReturnType<MeasuredProcess["stop"]> {
    await this.#load.stop();
    return this.#server.stop();
  }
}

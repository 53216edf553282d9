// A goshare process whose time and memory are measured as a whole, start-up included. Every wait ends with the
// process.
import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import type { ProcessUsage } from "./usage-probe.js";

const MAIN = fileURLToPath(new URL("../src/program/main.js", import.meta.url));
const PROBE = new URL("./usage-probe.js", import.meta.url).href;

export interface Measured {
  /** From before it was started until it had ended. */
  readonly wallSeconds: number;
  readonly usage: ProcessUsage;
}

type Event = Readonly<Record<string, Readonly<Record<string, unknown>> | undefined>>;

export class MeasuredProcess {
  /** Rejects if it ends with another exit code than 0. */
  readonly ended: Promise<Measured>;
  readonly #child: ChildProcess;
  readonly #events: Event[] = [];
  #wake: () => void = () => undefined;
  #hasEnded = false;

  /** Runs `goshare ARGV --json`. */
  constructor(argv: readonly string[]) {
    const startedMs = performance.now();
    this.#child = spawn(process.execPath, ["--import", PROBE, MAIN, ...argv, "--json"], {
      stdio: ["ignore", "pipe", "inherit", "pipe"],
      env: { ...process.env, GOSHARE_TRACKER: "" },
    });
    const [, stdout, , probe] = this.#child.stdio;
    let report = "";
    asReadable(probe).on("data", (text: Buffer) => {
      report += text.toString();
    });
    createInterface({ input: asReadable(stdout) }).on("line", (line) => {
      this.#events.push(JSON.parse(line));
      this.#wake();
    });
    this.ended = new Promise((resolve, reject) => {
      let wallSeconds = 0;
      this.#child.once("exit", () => {
        wallSeconds = (performance.now() - startedMs) / 1000;
      });
      this.#child.once("close", (exitCode) => {
        this.#hasEnded = true;
        this.#wake();
        if (exitCode === 0) resolve({ wallSeconds, usage: JSON.parse(report) });
        else reject(new Error(`goshare ${argv[0]} ended with exit code ${exitCode}`));
      });
    });
    this.ended.catch(() => undefined);
  }

  /** The first event of this kind. */
  async event(kind: string): Promise<Readonly<Record<string, unknown>>> {
    for (;;) {
      const found = this.#events.find((event) => event[kind] !== undefined)?.[kind];
      if (found !== undefined) return found;
      if (this.#hasEnded) throw new Error(`the process ended without ${kind}`);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** Tells it to stop. */
  async stop(): Promise<Measured> {
    this.#child.kill("SIGTERM");
    return this.ended;
  }
}

function asReadable(stream: unknown): Readable {
  if (typeof stream === "object" && stream !== null && "on" in stream) return stream as Readable;
  throw new Error("the process has no such pipe");
}

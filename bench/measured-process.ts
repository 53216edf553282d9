// A goshare process whose time and memory are measured as a whole, start-up included. Every wait ends with the
// process, and no process outlives its time.
import { type ChildProcess, spawn } from "node:child_process";
import { rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { Readable, Writable } from "node:stream";
import { fileURLToPath } from "node:url";
import { cpuSecondsOf, waitedSecondsOf } from "./process-cpu.js";
import { residentBytesOf } from "./process-memory.js";
import type { ProcessUsage } from "./usage-probe.js";

const MAIN = fileURLToPath(new URL("../src/program/main.js", import.meta.url));
const PROBE = new URL("./usage-probe.js", import.meta.url).href;

export interface Measured {
  /** From before it was started until it had ended. */
  readonly wallSeconds: number;
  readonly usage: ProcessUsage;
}

export interface CpuUsage {
  readonly cpuSeconds: number;
  readonly mainThreadSeconds: number;
}

export type Event = Readonly<Record<string, Readonly<Record<string, unknown>> | undefined>>;

export interface ProcessSetting {
  /** The script to run with ARGV, instead of `goshare ARGV --json`. It writes events in the same way. */
  readonly script?: string;
  /** Sees every event as it comes. */
  readonly observe?: (event: Event) => void;
  readonly lifetimeMs?: number;
}

const DEFAULT_LIFETIME_MS = 600_000;

const running = new Set<ChildProcess>();

/** Where the programs keep what they remember: apart from the user's own, and gone with this process. */
const STATE_HOME = join(tmpdir(), `goshare-bench-state-${process.pid}`);
process.once("exit", () => rmSync(STATE_HOME, { recursive: true, force: true }));

/** Ends every process that still runs, at once. For interruptions. */
export function killAll(): void {
  for (const child of running) child.kill("SIGKILL");
}

export class MeasuredProcess {
  /** Rejects if the process ends with an exit code other than 0. */
  readonly ended: Promise<Measured>;
  readonly #child: ChildProcess;
  readonly #events: Event[] = [];
  #wake: () => void = () => undefined;
  #hasEnded = false;

  /** Runs `goshare ARGV --json`, or what `setting` says. */
  constructor(argv: readonly string[], setting: ProcessSetting = {}) {
    const startedMs = performance.now();
    const { script, observe, lifetimeMs = DEFAULT_LIFETIME_MS } = setting;
    const command = script === undefined ? [MAIN, ...argv, "--json"] : [script, ...argv];
    this.#child = spawn(process.execPath, ["--import", PROBE, ...command], {
      stdio: ["pipe", "pipe", "inherit", "pipe"],
      env: { ...process.env, GOSHARE_TRACKER: "", XDG_STATE_HOME: STATE_HOME },
    });
    const child = this.#child;
    running.add(child);
    const limit = setTimeout(() => child.kill("SIGKILL"), lifetimeMs);
    const [stdin, stdout, , probe] = child.stdio;
    // Whoever tells something to a process that has just ended learns from `ended` that it has.
    asWritable(stdin).on("error", () => undefined);
    let report = "";
    asReadable(probe).on("data", (text: Buffer) => {
      report += text.toString();
    });
    createInterface({ input: asReadable(stdout) }).on("line", (line) => {
      const event: Event = JSON.parse(line);
      this.#events.push(event);
      observe?.(event);
      this.#wake();
    });
    this.ended = new Promise((resolve, reject) => {
      let wallSeconds = 0;
      child.once("exit", () => {
        running.delete(child);
        clearTimeout(limit);
        wallSeconds = (performance.now() - startedMs) / 1000;
      });
      child.once("close", (exitCode, signal) => {
        this.#hasEnded = true;
        this.#wake();
        if (exitCode === 0) resolve({ wallSeconds, usage: JSON.parse(report) });
        else reject(new Error(`goshare ${argv[0]} ended with exit code ${exitCode ?? signal}`));
      });
    });
    this.ended.catch(() => undefined);
  }

  /** What it has used so far; 0 where the system does not say. */
  get usedSoFar(): CpuUsage {
    const { pid } = this.#child;
    if (pid === undefined) return { cpuSeconds: 0, mainThreadSeconds: 0 };
    return { cpuSeconds: cpuSecondsOf(pid), mainThreadSeconds: cpuSecondsOf(pid, pid) };
  }

  /** How long its main thread has so far been ready to run without a processor; 0 where the system does not say. */
  get waitedSecondsSoFar(): number {
    return this.#child.pid === undefined ? 0 : waitedSecondsOf(this.#child.pid);
  }

  /** The memory that it holds now; 0 where the system does not say. */
  get residentBytes(): number {
    return this.#child.pid === undefined ? 0 : residentBytesOf(this.#child.pid);
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** Writes a line to its standard input. */
  tell(line: string): void {
    asWritable(this.#child.stdin).write(`${line}\n`);
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

  /** Ends it at once, if it still runs. */
  kill(): void {
    this.#child.kill("SIGKILL");
  }
}

function asReadable(stream: unknown): Readable {
  if (stream instanceof Readable) return stream;
  throw new Error("the process has no such pipe");
}

function asWritable(stream: unknown): Writable {
  // A socket is a Duplex, which counts as both.
  if (stream instanceof Writable) return stream;
  throw new Error("the process has no such pipe");
}

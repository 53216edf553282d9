// The compiled program in a process of its own, as other programs use it: started with --json, its events
// read line by line, ended by signal. Every wait has a deadline.
import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const MAIN = fileURLToPath(new URL("../../src/cli/main.js", import.meta.url));

/** How long a process may say nothing while its events are waited for. */
const SILENCE_LIMIT_MS = 60_000;

export type JsonEvent = Readonly<Record<string, Readonly<Record<string, unknown>> | undefined>>;

export interface ExitState {
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
}

const running = new Set<GoshareProcess>();

/** Ends every process that still runs, at once. For the ends of tests and for interruptions. */
export function killAll(): void {
  for (const process of running) process.kill("SIGKILL");
}

export class GoshareProcess {
  readonly exited: Promise<ExitState>;
  readonly #child: ChildProcess;
  readonly #label: string;
  readonly #observe: (event: JsonEvent) => void;
  readonly #events: JsonEvent[] = [];
  readonly #wake = new Set<() => void>();
  #stderr = "";
  #ended = false;

  /** Runs `goshare ARGV --json`; `observe` sees every event. */
  constructor(
    argv: readonly string[],
    observe: (event: JsonEvent) => void = () => {},
    env: NodeJS.ProcessEnv = {},
  ) {
    this.#label = `goshare ${argv[0]}`;
    this.#observe = observe;
    this.#child = spawn(process.execPath, [MAIN, ...argv, "--json"], {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, GOSHARE_TRACKER: "", ...env },
    });
    running.add(this);
    this.#child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-10_000);
    });
    if (this.#child.stdout !== null) {
      createInterface({ input: this.#child.stdout }).on("line", (line) => this.#take(line));
    }
    this.exited = new Promise((resolve) => {
      this.#child.once("close", (exitCode, signal) => {
        running.delete(this);
        this.#ended = true;
        this.#wakeAll();
        resolve({ exitCode, signal });
      });
    });
  }

  /** Every event so far. */
  get events(): readonly JsonEvent[] {
    return this.#events;
  }

  get stderr(): string {
    return this.#stderr;
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** The first event of this kind, past or to come. Rejects if the process ends without it or falls silent. */
  async waitFor(kind: string): Promise<Readonly<Record<string, unknown>>> {
    for (;;) {
      for (const event of this.#events) {
        const body = event[kind];
        if (body !== undefined) return body;
      }
      if (this.#ended) throw new Error(`${this.#label} ended without "${kind}": ${this.#lastWords()}`);
      await this.#nextEvent();
    }
  }

  /** Waits for the end of the process; asks it to stop first. */
  async stop(signal: NodeJS.Signals = "SIGTERM"): Promise<ExitState> {
    this.kill(signal);
    return this.exited;
  }

  #take(line: string): void {
    const event: JsonEvent = JSON.parse(line);
    this.#events.push(event);
    this.#observe(event);
    this.#wakeAll();
  }

  #wakeAll(): void {
    for (const wake of this.#wake) wake();
    this.#wake.clear();
  }

  #nextEvent(): Promise<void> {
    return new Promise((resolve, reject) => {
      const limit = setTimeout(() => {
        reject(
          new Error(`${this.#label} said nothing for ${SILENCE_LIMIT_MS / 1000} s: ${this.#lastWords()}`),
        );
      }, SILENCE_LIMIT_MS);
      this.#wake.add(() => {
        clearTimeout(limit);
        resolve();
      });
    });
  }

  #lastWords(): string {
    const failed = this.#events.at(-1)?.["failed"];
    if (failed !== undefined && failed["code"] !== "BUG") return `${failed["message"]} (${failed["hint"]})`;
    return `${JSON.stringify(this.#events.at(-1) ?? {})}\n${this.#stderr}`;
  }
}

// The compiled program in a process of its own, as other programs use it: started with --json, its events
// read line by line, ended by signal. Every wait has a deadline.
import { existsSync, readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { type JsonBody, type JsonEvent, parseEventLine } from "./event-line.js";
import {
  type ChildSetting,
  type ExitState,
  type GoshareChild,
  killAll,
  spawnGoshare,
} from "./goshare-child.js";

export type { JsonBody, JsonEvent };
export { killAll };

/** How long a process may say nothing while its events are waited for. */
const SILENCE_LIMIT_MS = 30_000;

export class GoshareProcess {
  readonly exited: Promise<ExitState>;
  readonly #child: GoshareChild;
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
    setting: ChildSetting = {},
  ) {
    this.#label = `goshare ${argv[0]}`;
    this.#observe = observe;
    this.#child = spawnGoshare([...argv, "--json"], setting);
    this.#child.stderr.setEncoding("utf8").on("data", (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-10_000);
    });
    createInterface({ input: this.#child.stdout }).on("line", (line) => this.#take(line));
    this.exited = new Promise((resolve) => {
      this.#child.once("close", (exitCode, signal) => {
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

  /** The bodies of all events of a kind so far. */
  all(kind: string): readonly JsonBody[] {
    return this.#events.map((event) => event[kind]).filter((body) => body !== undefined);
  }

  get stderr(): string {
    return this.#stderr;
  }

  /** The most memory that it has held so far, in bytes; undefined where the system does not say. */
  peakRssBytes(): number | undefined {
    const status = `/proc/${this.#child.pid}/status`;
    if (!existsSync(status)) return undefined;
    const kib = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(status, "utf8"))?.[1];
    return kib === undefined ? undefined : Number(kib) * 1024;
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** The first event of this kind that `matches`, past or to come. Rejects if the process ends without it or
   * falls silent. */
  async waitFor(kind: string, matches: (body: JsonBody) => boolean = () => true): Promise<JsonBody> {
    for (let seen = 0; ; ) {
      for (; seen < this.#events.length; seen++) {
        const body = this.#events[seen]?.[kind];
        if (body !== undefined && matches(body)) return body;
      }
      if (this.#ended) throw new Error(`${this.#label} ended without "${kind}": ${this.#lastWords()}`);
      await this.#nextEvent();
    }
  }

  /** Asks the process to stop, and waits until it has ended. */
  async stop(signal: NodeJS.Signals = "SIGTERM"): Promise<ExitState> {
    this.kill(signal);
    return this.exited;
  }

  #take(line: string): void {
    const event = parseEventLine(line);
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

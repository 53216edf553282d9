// Runs a command line against flows, signals and streams of a test's own making, in this process.
import { PassThrough, type Readable } from "node:stream";
import type { CommandContext, Flows, ProcessEvents, StopSignal } from "../../src/cli/context.js";
import { runCli } from "../../src/cli/entry.js";
import { type ContentId, parseContentId } from "../../src/core/ids.js";
import type { PreparedShare, RunningShare } from "../../src/flows/share.js";
import { type JsonEvent, parseEventLine } from "./event-line.js";

export const CONTENT_ID: ContentId = contentIdOf("ab");

function contentIdOf(byte: string): ContentId {
  const id = parseContentId(byte.repeat(32));
  if (id === undefined) throw new Error("32 bytes in hex are a content id");
  return id;
}

export interface FakeCli {
  readonly exitCode: Promise<number>;
  stdout(): string;
  stderr(): string;
  /** stdout as JSON lines. */
  events(): readonly JsonEvent[];
  sendSignal(signal: StopSignal): void;
  crash(thrown: unknown): void;
  /** Exit codes given to exitNow. */
  readonly exitedNow: readonly number[];
}

export interface FakeSurroundings {
  readonly flows?: Partial<Flows>;
  readonly env?: Record<string, string>;
  /** What stdin holds; nothing unless given. */
  readonly stdin?: Readable;
  /** Makes stderr a terminal of this many columns; undefined: it is a pipe. */
  readonly columns?: number;
  /** Milliseconds; called whenever the time is asked for. */
  readonly nowMs?: () => number;
}

export function startFakeCli(argv: readonly string[], around: FakeSurroundings = {}): FakeCli {
  const stdout = new Captured();
  const stderr = new Captured();
  if (around.columns !== undefined) Object.assign(stderr, { isTTY: true, columns: around.columns });
  const process = new FakeProcess();
  const context: CommandContext = {
    argv,
    stdin: around.stdin ?? new PassThrough(),
    stdout,
    stderr,
    // No settings of the user who runs the tests.
    env: { XDG_CONFIG_HOME: "/nowhere", ...around.env },
    colorDepth: 1,
    processEvents: process,
    flows: { ...noFlows, ...around.flows },
    clock: { nowMs: around.nowMs ?? (() => 0) },
  };
  return {
    exitCode: runCli(context),
    stdout: () => stdout.text(),
    stderr: () => stderr.text(),
    events: () =>
      stdout
        .text()
        .split("\n")
        .filter((line) => line !== "")
        .map(parseEventLine),
    sendSignal: (signal) => process.sendSignal(signal),
    crash: (thrown) => process.crash(thrown),
    exitedNow: process.exitedNow,
  };
}

/** A share that runs until it is closed. */
export function runningShare(over: Partial<RunningShare> = {}): RunningShare {
  const failed = new Promise<never>(() => {});
  return {
    contentId: CONTENT_ID,
    ticket: "goshare1x",
    bytesSent: 0,
    neighbourCount: 0,
    copies: 0,
    announce: async () => {},
    untilCopies: () => failed,
    failed,
    close: async () => {},
    ...over,
  };
}

/** A share that has been read, and runs once it is served. */
export function preparedShare(over: Partial<RunningShare> = {}): PreparedShare {
  return { serve: async () => runningShare(over) };
}

class Captured extends PassThrough {
  #text = "";

  constructor() {
    super();
    this.on("data", (data: Buffer) => {
      this.#text += data.toString("utf8");
    });
  }

  text(): string {
    const rest: Buffer | null = this.read(this.readableLength);
    if (rest !== null) this.#text += rest.toString("utf8");
    return this.#text;
  }
}

class FakeProcess implements ProcessEvents {
  readonly exitedNow: number[] = [];
  readonly #onSignal = new Set<(signal: StopSignal) => void>();
  readonly #onCrash = new Set<(thrown: unknown) => void>();

  onStopSignal(listener: (signal: StopSignal) => void): () => void {
    this.#onSignal.add(listener);
    return () => this.#onSignal.delete(listener);
  }

  onCrash(listener: (thrown: unknown) => void): () => void {
    this.#onCrash.add(listener);
    return () => this.#onCrash.delete(listener);
  }

  onOutputFailure(): () => void {
    return () => undefined;
  }

  async outputTaken(): Promise<undefined> {}

  exitNow(exitCode: number): void {
    this.exitedNow.push(exitCode);
  }

  sendSignal(signal: StopSignal): void {
    for (const listener of this.#onSignal) listener(signal);
  }

  crash(thrown: unknown): void {
    for (const listener of this.#onCrash) listener(thrown);
  }
}

const unexpected = (): Promise<never> => Promise.reject(new Error("this flow was not expected to be loaded"));
const noFlows: Flows = {
  share: unexpected,
  download: unexpected,
  downloads: unexpected,
  inspect: unexpected,
  verify: unexpected,
  status: unexpected,
  trackerStatus: unexpected,
  doctor: unexpected,
  begun: unexpected,
  discard: unexpected,
  tracker: unexpected,
};

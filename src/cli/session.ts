// One run of a command: hands its events to the reporter, turns signals into an abort, and sees to it that the
// last event says how the command ended, whatever happened. Knows no command.
import { untilAborted } from "../core/clock.js";
import { EXIT, GoshareError } from "../core/errors.js";
import { type EventObserver, type GoshareEvent, withDetails } from "../events/event.js";
import type { CommandContext, StopSignal } from "./context.js";
import type { Reporter } from "./render/reporter.js";
import { goshareCommand } from "./shell-quote.js";

/** How a command ends when nothing went wrong. */
export type Ending = Extract<GoshareEvent, { type: "done" | "stopped" }>;

/** The end of a command that transfers nothing. */
export function doneWithoutTransfer(elapsedMs: number): Extract<Ending, { type: "done" }> {
  const nothing = { bytes: 0, bytesReceived: 0, bytesWasted: 0, slowTimes: [] };
  return { type: "done", path: "", contentId: "", ...nothing, elapsedMs };
}

export interface Session {
  readonly observe: EventObserver;
  /** Aborted by the first signal, with a GoshareError INTERRUPTED as its reason. */
  readonly signal: AbortSignal;
  /** Tells the person at the terminal something that is no event; `text` is printable. */
  tell(text: string): void;
  /** The signal that told the command to stop; "" before any did. */
  stoppedBy(): StopSignal | "";
  /** Resolves when the command is told to stop. */
  untilStopped(): Promise<void>;
}

/** Runs `work` and returns the exit code. Never rejects: what is thrown becomes the `failed` event. `afterInterruption`
 * is what to say before the command line that repeats an interrupted run. */
export async function runSession(
  context: CommandContext,
  reporter: Reporter,
  afterInterruption: string,
  work: (session: Session) => Promise<Ending>,
): Promise<number> {
  const run = new Run(context, reporter, afterInterruption);
  try {
    const ending = await work(run);
    run.end(ending);
    return EXIT.ok;
  } catch (thrown) {
    return run.fail(thrown);
  } finally {
    run.close();
  }
}

const STOP_EXIT: Record<StopSignal, number> = {
  SIGHUP: EXIT.sighup,
  SIGINT: EXIT.sigint,
  SIGTERM: EXIT.sigterm,
};

class Run implements Session {
  readonly #context: CommandContext;
  readonly #reporter: Reporter;
  readonly #afterInterruption: string;
  readonly #abort = new AbortController();
  readonly #release: readonly (() => void)[];
  readonly observe: EventObserver;
  #stoppedBy: StopSignal | "" = "";
  #ended = false;
  #isEndProper = false;
  /** Why results are lost. `runCli` says it, at the end of every command. */
  #outputFailure: GoshareError | undefined;

  constructor(context: CommandContext, reporter: Reporter, afterInterruption: string) {
    this.#context = context;
    this.#reporter = reporter;
    this.#afterInterruption = afterInterruption;
    const { detail } = reporter;
    this.observe = withDetails(
      (event) => this.#observe(event),
      detail &&
        ((topic, text) => {
          if (!this.#ended) detail(topic, text);
        }),
    );
    this.#release = [
      context.processEvents.onStopSignal((signal) => this.#onSignal(signal)),
      context.processEvents.onOutputFailure((error) => {
        this.#outputFailure = error;
        this.#abort.abort(error);
      }),
      context.processEvents.onCrash((thrown) => this.#exitNow(this.fail(thrown))),
    ];
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  tell(text: string): void {
    this.#reporter.tell(text);
  }

  stoppedBy(): StopSignal | "" {
    return this.#stoppedBy;
  }

  /** Resolves when the command is told to stop, which is then its proper end. */
  async untilStopped(): Promise<void> {
    await untilAborted(this.signal);
    this.#isEndProper = true;
  }

  /** Events after the last one come from parts that are still closing; nobody waits for them any more. */
  #observe(event: GoshareEvent): void {
    if (!this.#ended) this.#reporter.observe(event);
  }

  end(event: Ending | Extract<GoshareEvent, { type: "failed" }>): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#reporter.close();
    this.#reporter.observe(event);
  }

  /** Reports what was thrown and returns the exit code for it. */
  fail(thrown: unknown): number {
    const error = this.#errorOf(thrown);
    const { code, exitCode, message, hint } = error;
    if (error === this.#outputFailure) this.#ended = true;
    this.end({ type: "failed", code, exitCode, message, hint });
    if (code === "BUG") this.#reporter.showStack(stackOf(error));
    return exitCode;
  }

  close(): void {
    this.#reporter.close();
    for (const release of this.#release) release();
  }

  #onSignal(signal: StopSignal): void {
    // When a terminal closes, this comes more than once: from the kernel, and from the shell in it.
    if (signal === "SIGHUP" && this.#stoppedBy !== "") return;
    const interrupted = this.#interruption(signal);
    if (this.#stoppedBy !== "") {
      this.#exitNow(this.fail(interrupted), this.#stoppedBy);
      return;
    }
    this.#stoppedBy = signal;
    this.#reporter.tell("stopping; press Ctrl-C again to quit at once");
    this.#abort.abort(interrupted);
  }

  #interruption(signal: StopSignal): GoshareError {
    return new GoshareError("INTERRUPTED", `interrupted by ${signal}`, {
      exitCode: STOP_EXIT[signal],
      hint: `${this.#afterInterruption}, run: ${goshareCommand(this.#context.argv)}`,
    });
  }

  #exitNow(exitCode: number, signal?: StopSignal): void {
    this.close();
    this.#context.processEvents.exitNow(exitCode, signal);
  }

  /** Whatever a flow throws after it was told to stop counts as the interruption, unless this machine or goshare
   * failed, or there was nothing left to interrupt. */
  #errorOf(thrown: unknown): GoshareError {
    const reason: unknown = this.signal.reason;
    if (!(reason instanceof GoshareError)) return GoshareError.from(thrown);
    if (thrown instanceof Error && thrown.name === "AbortError") return reason;
    const error = GoshareError.from(thrown);
    return error.blame === "local" || this.#isEndProper ? error : reason;
  }
}

/** The stack of what was thrown first, which is where the bug is. */
function stackOf(error: Error): string {
  let origin = error;
  while (origin.cause instanceof Error) origin = origin.cause;
  return origin.stack ?? String(origin);
}

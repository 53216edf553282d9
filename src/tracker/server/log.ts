// The tracker's log for operators: one JSON object per line on stderr, from the level that was asked for. What
// strangers sent is escaped, so that no line steers a terminal or passes for another. What could be said for each
// refused call is counted and said once in a while. Loads its library only if there is a log.
import type { Writable } from "node:stream";
import { escapeSteering } from "../../core/characters.js";
import type { Clock } from "../../core/clock.js";
import type { LogLevel } from "../../core/log-level.js";
import { isUnread } from "../../core/unread.js";

export type LogFields = Readonly<Record<string, unknown>>;

export interface TrackerLog {
  debug(fields: LogFields, message: string): void;
  info(fields: LogFields, message: string): void;
  warn(fields: LogFields, message: string): void;
  error(fields: LogFields, message: string): void;
  /** Whether `debug` writes anything: saying something about every call costs time. */
  readonly isDebugging: boolean;
}

const nothing = (): void => {};

/** Writes nothing. */
export const noLog: TrackerLog = {
  ...{ debug: nothing, info: nothing, warn: nothing, error: nothing },
  isDebugging: false,
};

export async function openLog(level: LogLevel, out: Writable): Promise<TrackerLog> {
  if (level === "silent") return noLog;
  const { pino } = await import("pino");
  const lines = {
    write: (line: string) => {
      if (!isUnread(out)) out.write(escapeSteering(line));
    },
  };
  const options = {
    level,
    base: { pid: process.pid },
    formatters: { level: (label: string) => ({ level: label }) },
  };
  const log = pino({ ...options, timestamp: pino.stdTimeFunctions.isoTime }, lines);
  return {
    debug: (fields, message) => log.debug(fields, message),
    info: (fields, message) => log.info(fields, message),
    warn: (fields, message) => log.warn(fields, message),
    error: (fields, message) => log.error(fields, message),
    isDebugging: level === "debug",
  };
}

/** For things that may happen thousands of times a second: each kind is said at most once in a while. */
export class Seldom {
  readonly #everyMs: number;
  readonly #clock: Clock;
  #count = 0;
  #saidAtMs = Number.NEGATIVE_INFINITY;

  constructor(everyMs: number, clock: Clock) {
    this.#everyMs = everyMs;
    this.#clock = clock;
  }

  /** Calls `say` with how often this has happened since it was last said, if that is long enough ago. */
  happened(say: (times: number) => void): void {
    this.#count += 1;
    const nowMs = this.#clock.nowMs();
    if (nowMs - this.#saidAtMs < this.#everyMs) return;
    say(this.#count);
    this.#count = 0;
    this.#saidAtMs = nowMs;
  }
}

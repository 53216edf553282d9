// The compiled program as a child process: starts it in given surroundings, and sees to it that none outlives its time.
import { type ChildProcessByStdio, spawn } from "node:child_process";
import { rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";

const MAIN = fileURLToPath(new URL("../../src/program/main.js", import.meta.url));

/** No process of a test or demo lives longer, unless told to. */
const DEFAULT_LIFETIME_MS = 100_000;

export interface ChildSetting {
  readonly cwd?: string;
  /** Takes precedence over this process's own environment. */
  readonly env?: NodeJS.ProcessEnv;
  /** A command that runs the program inside something, such as `ip netns exec NAME`. It must exec, so that
   * signals reach the program. */
  readonly wrapper?: readonly string[];
  readonly lifetimeMs?: number;
}

export interface ExitState {
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
}

export type GoshareChild = ChildProcessByStdio<null, Readable, Readable>;

const running = new Set<GoshareChild>();

/** Where the programs keep what they remember: apart from the user's own, and gone with this process. */
const STATE_HOME = join(tmpdir(), `goshare-state-${process.pid}`);
process.once("exit", () => rmSync(STATE_HOME, { recursive: true, force: true }));

/** Ends every process that still runs, at once. For the end of a test, and for interruptions. */
export function killAll(): void {
  for (const child of running) child.kill("SIGKILL");
}

/** Starts `goshare ARGV`. Trackers named in this process's environment are not passed on. */
export function spawnGoshare(argv: readonly string[], setting: ChildSetting = {}): GoshareChild {
  const [command = process.execPath, ...args] = [...(setting.wrapper ?? []), process.execPath, MAIN, ...argv];
  const child = spawn(command, args, {
    stdio: ["ignore", "pipe", "pipe"],
    env: {
      ...process.env,
      GOSHARE_TRACKER: "",
      GOSHARE_TICKET: "",
      // This would name whatever started the tests.
      _: "",
      XDG_STATE_HOME: STATE_HOME,
      XDG_CONFIG_HOME: STATE_HOME,
      ...setting.env,
    },
    ...(setting.cwd === undefined ? {} : { cwd: setting.cwd }),
  });
  running.add(child);
  const limit = setTimeout(() => child.kill("SIGKILL"), setting.lifetimeMs ?? DEFAULT_LIFETIME_MS);
  child.once("close", () => {
    running.delete(child);
    clearTimeout(limit);
  });
  return child;
}

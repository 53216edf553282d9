// The programs that people use today, doing the same work on this machine: one side serves, the other receives. Whoever
// wants to compare installs them; the bench never does.
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { access, constants } from "node:fs/promises";
import * as net from "node:net";
import { delimiter, join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { GIB } from "../../src/core/units.js";
import type { Figures } from "../bench-case.js";
import { cpuSecondsOf } from "../process-cpu.js";

export interface RivalWork {
  /** A file, or a folder of files. */
  readonly dataPath: string;
  readonly bytes: number;
  /** An empty folder to receive into. */
  readonly outputFolder: string;
  /** Where configuration and sockets may go. */
  readonly scratchFolder: string;
}

export interface Rival {
  readonly name: string;
  /** Programs that must be installed. */
  readonly programs: readonly string[];
  /** A module that the first of them, a Python, must have. */
  readonly pythonModule?: string;
  run(work: RivalWork): Promise<Figures>;
}

/** Whether something that `rival` needs is not installed; if so, says what. */
export async function nameMissing(rival: Rival): Promise<boolean> {
  const missing = await missingPrograms(rival);
  const isMissing = missing.length > 0;
  if (isMissing)
    process.stderr.write(`${rival.name}: not compared, ${missing.join(" and ")} not installed\n`);
  return isMissing;
}

async function missingPrograms(rival: Rival): Promise<readonly string[]> {
  const folders = (process.env["PATH"] ?? "").split(delimiter);
  const missing: string[] = [];
  for (const program of rival.programs) {
    const paths = program.startsWith("/") ? [program] : folders.map((folder) => join(folder, program));
    const found = await Promise.all(
      paths.map((path) =>
        access(path, constants.X_OK).then(
          () => true,
          () => false,
        ),
      ),
    );
    if (!found.includes(true)) missing.push(program);
  }
  const [python] = rival.programs;
  if (rival.pythonModule !== undefined && missing.length === 0) {
    const { status } = spawnSync(python ?? "", ["-c", `import ${rival.pythonModule}`], { stdio: "ignore" });
    if (status !== 0) missing.push(`Python's ${rival.pythonModule}`);
  }
  return missing;
}

/** Programs that must be ended after a comparison, whatever happens. */
const serving = new Set<ChildProcess>();

export function endServing(): void {
  for (const child of serving) child.kill("SIGKILL");
}

/** The serving side of a rival, measured while the other side works. */
export class RivalServer {
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#child = child;
    serving.add(child);
    child.once("exit", () => serving.delete(child));
  }

  /** Starts a program that listens at `port`, and waits until it does. */
  static async start(command: string, argv: readonly string[], port: number): Promise<RivalServer> {
    const child = spawn(command, argv, { stdio: "ignore" });
    const failed = new Promise<never>((_resolve, reject) => child.once("error", reject));
    const server = new RivalServer(child);
    await Promise.race([listens(port), failed]);
    return server;
  }

  get cpuSeconds(): number {
    return this.#child.pid === undefined ? 0 : cpuSecondsOf(this.#child.pid);
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = new Promise((resolve) => this.#child.once("exit", resolve));
    this.#child.kill("SIGTERM");
    await Promise.race([ended, pause(5_000)]);
    this.#child.kill("SIGKILL");
  }
}

/** Figures of `script` (for bash), which receives from `server`. */
export async function receive(script: string, server: RivalServer, bytes: number): Promise<Figures> {
  const before = server.cpuSeconds;
  const { wallSeconds, cpuSeconds } = await timed(script);
  const gib = bytes / GIB;
  const served = server.cpuSeconds - before;
  return {
    s: wallSeconds,
    "GiB/s": gib / wallSeconds,
    "CPU s/GiB": (cpuSeconds + served) / gib,
    "downloader CPU s/GiB": cpuSeconds / gib,
    "sharer CPU s/GiB": served / gib,
  };
}

/** Figures of `script` (for bash), which works on this many bytes that are here already. */
export async function work(script: string, bytes: number): Promise<Figures> {
  const { wallSeconds, cpuSeconds } = await timed(script);
  const gib = bytes / GIB;
  return { s: wallSeconds, "GiB/s": gib / wallSeconds, "CPU s/GiB": cpuSeconds / gib };
}

interface Timed {
  readonly wallSeconds: number;
  /** Of all processes of the script. */
  readonly cpuSeconds: number;
}

const MAX_SCRIPT_MS = 600_000;

/** Runs a script, timed by bash itself. Rejects if it fails. */
export function timed(script: string): Promise<Timed> {
  return new Promise((resolve, reject) => {
    const command = `TIMEFORMAT='%R %U %S'; set -o pipefail; time { ${script} ; } >/dev/null 2>&1`;
    const child = spawn("bash", ["-c", command], {
      stdio: ["ignore", "ignore", "pipe"],
      timeout: MAX_SCRIPT_MS,
    });
    let text = "";
    child.stderr.on("data", (part: Buffer) => {
      text += part.toString();
    });
    child.once("error", reject);
    child.once("close", (exitCode) => {
      const [wall = Number.NaN, user = 0, system = 0] = text.trim().split(/\s+/).slice(-3).map(Number);
      if (exitCode === 0) resolve({ wallSeconds: wall, cpuSeconds: user + system });
      else reject(new Error(`exit code ${exitCode}: ${script}`));
    });
  });
}

async function listens(port: number): Promise<void> {
  for (let tries = 0; tries < 500; tries++) {
    const isThere = await new Promise<boolean>((resolve) => {
      const socket = net.connect({ host: "127.0.0.1", port });
      socket.once("connect", () => resolve(true));
      socket.once("error", () => resolve(false));
      socket.once("close", () => socket.destroy());
      socket.once("connect", () => socket.destroy());
    });
    if (isThere) return;
    await pause(20);
  }
  throw new Error(`nothing listens on port ${port}`);
}

// What a user waits for before anything can be sent: from starting `goshare share` until it serves, and until somebody
// else has the last byte; and how long the program itself takes to start.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { GIB, MIB } from "../../src/core/units.js";
import { type BenchCase, type Figures, LOOPBACK } from "../bench-case.js";
import type { FixtureKind } from "../fixture.js";
import { FixtureCase } from "../fixture-case.js";
import { type Limits, measureLimits } from "../limits/machine-limits.js";
import { MeasuredProcess } from "../measured-process.js";

export interface Sharing extends FixtureKind {
  readonly name: string;
  readonly isLong?: boolean;
  /** Measures until a downloader that is started as soon as the share is served has everything. */
  readonly untilCopied?: boolean;
}

/** Measures from starting `goshare share` on something that it has never seen. */
export class ShareCase extends FixtureCase {
  readonly #isUntilCopied: boolean;

  constructor(sharing: Sharing) {
    super(sharing.name, sharing, sharing.isLong);
    this.#isUntilCopied = sharing.untilCopied === true;
  }

  async run(): Promise<Figures> {
    const limits = await measureLimits(this.data.folder);
    return this.receiving(this.#isUntilCopied ? this.data.bytes : 0, () => this.#shareOnce(limits));
  }

  async #shareOnce(limits: Limits): Promise<Figures> {
    const manifest = join(this.data.folder, "data.goshare");
    const startedMs = performance.now();
    const sharer = new MeasuredProcess(this.shareArguments(manifest));
    const { ticket } = await sharer.event("sharing");
    const sharedSeconds = (performance.now() - startedMs) / 1000;
    if (this.#isUntilCopied) await this.#copy(String(ticket));
    const wallSeconds = (performance.now() - startedMs) / 1000;
    const { usage } = await sharer.stop();
    await rm(manifest);
    const gib = this.data.bytes / GIB;
    const limitSeconds = limits.hashingSeconds(gib) + (this.#isUntilCopied ? limits.transferSeconds(gib) : 0);
    return {
      s: wallSeconds,
      "GiB/s": gib / wallSeconds,
      "% of limit": (100 * limitSeconds) / wallSeconds,
      "hashing s": sharedSeconds,
      "sharer CPU s/GiB": usage.cpuSeconds / gib,
      "sharer peak RSS MiB": usage.peakRssBytes / MIB,
    };
  }

  async #copy(ticket: string): Promise<void> {
    await new MeasuredProcess(["download", ticket, "--output", this.received, "--listen", LOOPBACK]).ended;
  }
}

const PROGRAM = fileURLToPath(new URL("../../src/program/main.js", import.meta.url));
const STARTS = 5;

/** How much longer the program takes to start than Node alone. */
export class StartCase implements BenchCase {
  readonly name = "start";
  #folder = "";

  async prepare(): Promise<void> {
    this.#folder = await mkdtemp(join(tmpdir(), "goshare-bench-"));
    await writeFile(join(this.#folder, "data"), "1");
  }

  async run(): Promise<Figures> {
    const sharer = new MeasuredProcess(["share", join(this.#folder, "data"), "--listen", LOOPBACK]);
    const { ticket } = await sharer.event("sharing");
    const output = join(this.#folder, "received");
    const download = ["download", String(ticket), "--output", output, "--listen", LOOPBACK, "--quiet"];
    const node: number[] = [];
    const help: number[] = [];
    const byte: number[] = [];
    for (let i = 0; i < STARTS; i++) {
      node.push(await wallSeconds(["-e", "0"]));
      help.push(await wallSeconds([PROGRAM, "--help"]));
      byte.push(await wallSeconds([PROGRAM, ...download]));
      await rm(output, { recursive: true });
    }
    await sharer.stop();
    const nodeSeconds = median(node);
    return {
      "node -e 0 s": nodeSeconds,
      "--help beyond that s": median(help) - nodeSeconds,
      "download of 1 byte beyond that s": median(byte) - nodeSeconds,
    };
  }

  async cleanUp(): Promise<void> {
    if (this.#folder !== "") await rm(this.#folder, { recursive: true, force: true });
  }
}

async function wallSeconds(argv: readonly string[]): Promise<number> {
  const startedMs = performance.now();
  const child = spawn(process.execPath, argv, { stdio: "ignore" });
  const [exitCode] = await once(child, "exit");
  if (exitCode !== 0) throw new Error(`${argv.join(" ")} ended with exit code ${exitCode}`);
  return (performance.now() - startedMs) / 1000;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}

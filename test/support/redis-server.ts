// A real Redis for tests: one server, or a cluster of three, on free ports. Each has a folder of its own, writes
// nothing to disk unless asked to, and is ended by pid when the test file ends.
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { freePort } from "./free-port.js";
import { programProblem } from "./installed-program.js";
import { until } from "./until.js";

const START_LIMIT_MS = 20_000;
const MAX_ATTEMPTS = 10;

/** Why there can be no Redis here; undefined if there can. Throws if there can be none although GOSHARE_REQUIRE_REDIS
 * says that there is one. */
export function redisProblem(): string | undefined {
  return programProblem("redis-server", "--version", "GOSHARE_REQUIRE_REDIS");
}

const running = new Set<ChildProcess>();
process.once("exit", killRedisServers);

/** Ends every server that still runs, at once. */
export function killRedisServers(): void {
  for (const child of running) child.kill("SIGKILL");
}

export class RedisServer {
  readonly port: number;
  readonly #folder: string;
  readonly #options: readonly string[];
  #child: ChildProcess;

  private constructor(port: number, folder: string, options: readonly string[]) {
    this.port = port;
    this.#folder = folder;
    this.#options = options;
    this.#child = this.#spawn();
  }

  /** A server that answers, with its files in `folder`. `options` are arguments of redis-server. */
  static async start(folder: string, options: readonly string[] = []): Promise<RedisServer> {
    // Before it is used, somebody may take the port, or the other one that a cluster's servers use among themselves.
    for (let attempt = 1; ; attempt++) {
      const server = new RedisServer(await freePort(), folder, ["--save", "", ...options]);
      try {
        await server.#ready();
        return server;
      } catch (error) {
        if (attempt === MAX_ATTEMPTS) throw error;
      }
    }
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  get spec(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  /** Ends it without a chance to save anything. */
  async kill(): Promise<void> {
    if (!running.has(this.#child)) return;
    const closed = once(this.#child, "close");
    this.#child.kill("SIGKILL");
    await closed;
  }

  /** Starts it again at the same port, after kill(). */
  async restart(): Promise<void> {
    this.#child = this.#spawn();
    await this.#ready();
  }

  /** Stops the process in the middle of whatever it does; `thaw` lets it go on. */
  freeze(): void {
    this.#child.kill("SIGSTOP");
  }

  thaw(): void {
    this.#child.kill("SIGCONT");
  }

  /** Runs a command by redis-cli, without TLS, and returns what it prints. */
  command(...args: readonly string[]): string {
    const cli = spawnSync("redis-cli", ["-p", String(this.port), ...args], {
      encoding: "utf8",
      timeout: 10_000,
    });
    if (cli.status !== 0) throw new Error(`redis-cli ${args.join(" ")}: ${cli.stderr}${cli.stdout}`);
    return cli.stdout.trim();
  }

  #spawn(): ChildProcess {
    const place = ["--bind", "127.0.0.1", "--port", String(this.port), "--dir", this.#folder];
    const child = spawn("redis-server", [...place, "--daemonize", "no", ...this.#options], {
      stdio: ["ignore", "pipe", "ignore"],
    });
    running.add(child);
    child.once("close", () => running.delete(child));
    return child;
  }

  async #ready(): Promise<void> {
    let output = "";
    const child = this.#child;
    await new Promise<void>((resolve, reject) => {
      const fail = () => reject(new Error(`redis-server did not start: ${output}`));
      const limit = setTimeout(fail, START_LIMIT_MS);
      child.once("close", fail);
      child.stdout?.setEncoding("utf8").on("data", (text: string) => {
        output = (output + text).slice(-10_000);
        if (!output.includes("Ready to accept connections")) return;
        clearTimeout(limit);
        child.off("close", fail);
        resolve();
      });
    });
  }
}

/** Three masters, each with a third of the slots, and no replicas. */
export class RedisCluster {
  readonly servers: readonly RedisServer[];

  private constructor(servers: readonly RedisServer[]) {
    this.servers = servers;
  }

  static async start(folder: string): Promise<RedisCluster> {
    const servers: RedisServer[] = [];
    for (const name of ["first", "second", "third"]) {
      const own = join(folder, name);
      mkdirSync(own);
      servers.push(
        await RedisServer.start(own, ["--cluster-enabled", "yes", "--cluster-node-timeout", "2000"]),
      );
    }
    const places = servers.map(({ port }) => `127.0.0.1:${port}`);
    servers[0]?.command("--cluster", "create", ...places, "--cluster-yes");
    const agree = () =>
      servers.every((server) => server.command("cluster", "info").includes("cluster_state:ok"));
    await until(agree);
    return new RedisCluster(servers);
  }

  get spec(): string {
    return `redis-cluster://${this.servers.map(({ port }) => `127.0.0.1:${port}`).join(",")}`;
  }
}

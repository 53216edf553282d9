// Separate hosts on this machine: network namespaces, alone, two of them joined by a cable (veth), or many on one
// switch. Each has its own loopback, addresses and ports. Needs root and iproute2.
import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";

const PREFIX = "goshare";
let count = 0;

/** Why there can be no namespaces here; undefined if there can. */
export function namespaceProblem(): string | undefined {
  if (process.platform !== "linux") return "network namespaces are there on Linux only";
  if (process.getuid?.() !== 0) return "network namespaces need root";
  try {
    new NetworkHost().remove();
    return undefined;
  } catch (thrown) {
    return `no network namespaces: ${thrown instanceof Error ? thrown.message : String(thrown)}`;
  }
}

export class NetworkHost {
  readonly name = `${PREFIX}-${process.pid}-${count++}`;

  constructor() {
    removeAbandoned();
    ip("netns", "add", this.name);
    hosts.add(this);
    this.ip("link", "set", "lo", "up");
  }

  /** What to put before a command so that it runs in this host. */
  get wrapper(): readonly string[] {
    return ["ip", "netns", "exec", this.name];
  }

  /** Runs `ip` inside. */
  ip(...args: readonly string[]): void {
    ip("-netns", this.name, ...args);
  }

  /** A new interface that leads nowhere, with an address (ADDRESS/BITS). */
  addInterface(name: string, address: string, state: "up" | "down"): void {
    this.ip("link", "add", name, "type", "veth", "peer", "name", `${name}-end`);
    this.ip("address", "add", address, "dev", name);
    this.ip("link", "set", `${name}-end`, "up");
    this.ip("link", "set", name, state);
  }

  /** Runs a cable to `other`; each end has addresses (ADDRESS/BITS). */
  join(other: NetworkHost, ownAddresses: readonly string[], otherAddresses: readonly string[]): void {
    const [own, far] = [`gs${process.pid}a`, `gs${process.pid}b`];
    ip("link", "add", own, "netns", this.name, "type", "veth", "peer", "name", far, "netns", other.name);
    for (const [host, name, addresses] of [
      [this, own, ownAddresses],
      [other, far, otherAddresses],
    ] as const) {
      for (const address of addresses) {
        // Without nodad, an IPv6 address cannot be used for the first seconds.
        host.ip("address", "add", address, "dev", name, ...(address.includes(":") ? ["nodad"] : []));
      }
      host.ip("link", "set", name, "up");
    }
  }

  /** Its interfaces are removed with it. */
  remove(): void {
    if (hosts.delete(this)) ip("netns", "delete", this.name);
  }
}

/** A switch that many hosts are plugged into. */
export class NetworkSwitch {
  readonly #host = new NetworkHost();
  #ports = 0;

  constructor() {
    this.#host.ip("link", "add", "switch", "type", "bridge");
    this.#host.ip("link", "set", "switch", "up");
  }

  /** A new host with this address (ADDRESS/BITS). */
  plug(address: string): NetworkHost {
    const host = new NetworkHost();
    const port = `port${this.#ports++}`;
    this.#host.ip("link", "add", port, "type", "veth", "peer", "name", "eth0", "netns", host.name);
    this.#host.ip("link", "set", port, "master", "switch", "up");
    host.ip("address", "add", address, "dev", "eth0");
    host.ip("link", "set", "eth0", "up");
    return host;
  }
}

const hosts = new Set<NetworkHost>();

/** To be called when the tests are over, however they ended. */
export function removeHosts(): void {
  for (const host of hosts) host.remove();
}

// A test run that is interrupted leaves nothing behind.
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => {
    removeHosts();
    process.kill(process.pid, signal);
  });
}

/** Removes the hosts of test runs that were killed. */
function removeAbandoned(): void {
  for (const name of namespaceNames()) {
    const [, pid] = new RegExp(`^${PREFIX}-(\\d+)-\\d+$`).exec(name) ?? [];
    if (pid !== undefined && !isRunning(Number(pid))) ip("netns", "delete", name);
  }
}

function namespaceNames(): readonly string[] {
  try {
    return readdirSync("/run/netns");
  } catch {
    return [];
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

function ip(...args: readonly string[]): void {
  const { status, stderr, error } = spawnSync("ip", args, { encoding: "utf8", timeout: 10_000 });
  if (status !== 0) throw new Error(`ip ${args.join(" ")}: ${error?.message ?? stderr.trim()}`);
}

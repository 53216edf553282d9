// A mount namespace of a test's own: file systems that are full or read-only, which nobody else sees and which
// disappear with it. Needs root.
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";

const COMMAND_LIMIT_MS = 10_000;
/** So that a namespace whose test was killed does not stay. */
const LIFETIME_S = 120;

/** Why there can be no mount namespaces here; undefined if there can. */
export function mountProblem(): string | undefined {
  if (process.platform !== "linux") return "mount namespaces are there on Linux only";
  if (process.getuid?.() !== 0) return "mount namespaces need root";
  const mount = "mount -t tmpfs -o size=1m tmpfs /mnt && nsenter --mount=/proc/$$/ns/mnt true";
  const { status, stderr } = spawnSync("unshare", ["--mount", "sh", "-c", mount], { encoding: "utf8" });
  return status === 0 ? undefined : `no mount namespaces: ${String(stderr).trim()}`;
}

const open = new Set<MountNamespace>();

/** To be called when the tests are over, however they ended. */
export function closeMountNamespaces(): void {
  for (const namespace of open) namespace.close();
}

export class MountNamespace {
  readonly #holder: ChildProcess;

  private constructor(holder: ChildProcess) {
    this.#holder = holder;
    open.add(this);
  }

  static async open(): Promise<MountNamespace> {
    const script = `echo ready; exec sleep ${LIFETIME_S}`;
    const holder = spawn("unshare", ["--mount", "sh", "-c", script], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const namespace = new MountNamespace(holder);
    await once(holder.stdout, "data");
    return namespace;
  }

  /** What to put before a command so that it runs inside. Paths have to be absolute. */
  get wrapper(): readonly string[] {
    return ["nsenter", `--mount=/proc/${this.#holder.pid}/ns/mnt`];
  }

  /** The path by which the same file is reached from outside, where what is mounted inside cannot be seen otherwise. */
  outside(path: string): string {
    return `/proc/${this.#holder.pid}/root${path}`;
  }

  /** An empty file system in memory at `path`, with room for `sizeBytes`. */
  mountMemory(path: string, sizeBytes: number, more = ""): void {
    this.#run("mount", "-t", "tmpfs", "-o", `size=${sizeBytes}${more}`, "tmpfs", path);
  }

  /** Changes what is mounted at `path`, for instance "ro" or "size=100m". */
  remount(path: string, options: string): void {
    this.#run("mount", "-o", `remount,${options}`, path);
  }

  close(): void {
    if (open.delete(this)) this.#holder.kill("SIGKILL");
  }

  #run(...command: readonly string[]): void {
    const [program = "", ...args] = [...this.wrapper, ...command];
    const { status, stderr, error } = spawnSync(program, args, {
      encoding: "utf8",
      timeout: COMMAND_LIMIT_MS,
    });
    if (status !== 0) throw new Error(`${command.join(" ")}: ${error?.message ?? stderr.trim()}`);
  }
}

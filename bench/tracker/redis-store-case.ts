// What leases in a Redis cost the tracker and the Redis server, apart from the calls that bring them: many
// announcements or samples are under way at a time, as from many peers.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { monotonicClock } from "../../src/core/clock.js";
import { type ContentId, contentIdFromBytes, type PeerId, peerIdFromBytes } from "../../src/core/ids.js";
import type { HeldShare } from "../../src/tracker/announcement.js";
import { defaultTrackerOptions } from "../../src/tracker/server/options.js";
import type { TrackerStore } from "../../src/tracker/server/store.js";
import { openRedisStore } from "../../src/tracker/server/stores/open-redis-store.js";
import { RedisServer } from "../../test/support/redis-server.js";
import type { BenchCase, Figures } from "../bench-case.js";
import { cpuSecondsOf } from "../process-cpu.js";

const IN_FLIGHT = 64;
const TTL_MS = 1_200_000;
const SAMPLE = 24;

export class RedisStoreCase implements BenchCase {
  readonly name = "tracker/redis-store";
  readonly #peersInLarge: number;
  readonly #calls: number;
  #folder = "";
  #server: RedisServer | undefined;
  #store: TrackerStore | undefined;

  /** `peersInLarge`: of the largest swarm, besides one of 10 and one of 1,000. */
  constructor(peersInLarge: number, calls: number) {
    this.#peersInLarge = peersInLarge;
    this.#calls = calls;
  }

  async prepare(): Promise<void> {
    this.#folder = mkdtempSync(join(tmpdir(), "goshare-bench-"));
    this.#server = await RedisServer.start(this.#folder);
    this.#store = await openRedisStore(this.#server.spec, defaultTrackerOptions, monotonicClock);
    await sideBySide(this.#peersInLarge, (n) => {
      const swarms = [2, ...(n < 1000 ? [1] : []), ...(n < 10 ? [0] : [])];
      return this.#announce(n, swarms.map(contentId));
    });
  }

  async run(): Promise<Figures> {
    const calls = this.#calls;
    const renewed = this.#peersInLarge;
    const hundred = Array.from({ length: 100 }, (_, n) => contentId(100 + n));
    const figures: Record<string, number> = { "bytes per lease": this.#usedBytes() / (renewed + 1010) };
    const measure = async (name: string, count: number, call: (n: number) => Promise<unknown>) => {
      Object.assign(figures, await this.#measured(name, count, call));
    };
    await measure("renew 1 share", calls, (n) => this.#announce(n % renewed, [contentId(2)]));
    await measure("renew 100 shares", calls / 50, (n) => this.#announce(renewed + (n % 100), hundred));
    for (const [swarm, peers] of [10, 1000, renewed].entries()) {
      await measure(`list ${SAMPLE} of ${peers}`, calls, () => this.#list(contentId(swarm)));
    }
    return figures;
  }

  #announce(n: number, contentIds: readonly ContentId[]): Promise<unknown> {
    const shares = contentIds.map(
      (id): HeldShare => ({ contentId: id, chunksHeld: 9, complete: n % 2 === 0 }),
    );
    const host = `10.${(n >> 16) & 255}.${(n >> 8) & 255}.${n & 255}`;
    const key = { peerId: peerId(n), host, listenPort: 9000 };
    return this.#opened().announce({ key, runEpochMs: 1, endpoints: [], shares, ttlMs: TTL_MS });
  }

  #list(id: ContentId): Promise<unknown> {
    return this.#opened().sample([{ contentId: id, max: SAMPLE }], [peerId(1)], SAMPLE);
  }

  async #measured(name: string, count: number, call: (n: number) => Promise<unknown>): Promise<Figures> {
    const pid = this.#server?.pid ?? 0;
    const startedMs = performance.now();
    const serverBefore = cpuSecondsOf(pid);
    const clientBefore = process.cpuUsage();
    await sideBySide(count, call);
    const { user, system } = process.cpuUsage(clientBefore);
    return {
      [`${name}, tracker CPU µs`]: (user + system) / count,
      [`${name}, Redis CPU µs`]: ((cpuSecondsOf(pid) - serverBefore) * 1e6) / count,
      [`${name}, a second`]: (count * 1000) / (performance.now() - startedMs),
    };
  }

  #usedBytes(): number {
    const memory = this.#server?.command("info", "memory") ?? "";
    return Number(/^used_memory_dataset:(\d+)/m.exec(memory)?.[1]);
  }

  #opened(): TrackerStore {
    if (this.#store === undefined) throw new Error("no store: prepare() comes first");
    return this.#store;
  }

  async cleanUp(): Promise<void> {
    await this.#store?.close();
    await this.#server?.kill();
    if (this.#folder !== "") rmSync(this.#folder, { recursive: true, force: true });
  }
}

async function sideBySide(count: number, call: (n: number) => Promise<unknown>): Promise<void> {
  let next = 0;
  const worker = async () => {
    while (next < count) await call(next++);
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, worker));
}

function contentId(n: number): ContentId {
  const id = contentIdFromBytes(numbered(n));
  if (id === undefined) throw new Error("32 bytes are a content id");
  return id;
}

function peerId(n: number): PeerId {
  const id = peerIdFromBytes(numbered(n));
  if (id === undefined) throw new Error("32 bytes are a peer id");
  return id;
}

function numbered(n: number): Buffer {
  const bytes = Buffer.alloc(32, 0xab);
  bytes.writeUInt32BE(n);
  return bytes;
}

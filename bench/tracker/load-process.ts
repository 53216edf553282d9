// The process that asks a tracker: load-process.js HOST:PORT POPULATION. Announces the population, says `filled`, then
// makes calls as lines on its standard input tell it (SliceRequest) and answers each with its figures; ends on SIGTERM.
// Requests are encoded before they are measured and answers are not decoded, so that one core is enough to keep a
// tracker busy. A call that fails ends the process: nothing is tried again.
import { createHash } from "node:crypto";
import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";
import { Client, credentials } from "@grpc/grpc-js";
import { AnnounceResponseSchema, TrackerService } from "../../gen/goshare/v1/tracker_pb.js";
import { asIs, methodPath } from "../../src/rpc/adapter.js";
import { decodeMessage, encodeMessage } from "../../src/rpc/message-codec.js";
import { MAX_RESPONSE_BYTES, MAX_RESPONSE_FIELDS, MAX_WANT_PEERS } from "../../src/tracker/limits.js";
import type { CallKind, Population, SliceRequest, SliceResult } from "./tracker-work.js";

const CONNECTIONS = 8;
/** At a time on each connection; a tracker allows 16. */
const CALLS_PER_CONNECTION = 8;
const CALL_DEADLINE_MS = 30_000;
/** Different lists to ask for. */
const QUERIES = 1_000;

interface Request {
  readonly path: string;
  readonly bytes: Buffer;
}

const [endpoint = "", populationText = "{}"] = process.argv.slice(2);
const population: Population = JSON.parse(populationText);

function say(kind: string, body: object): void {
  process.stdout.write(`${JSON.stringify({ [kind]: body })}\n`);
}

/** Ids are the same in every run. */
function idOf(what: string): Uint8Array {
  return createHash("sha256").update(what).digest();
}

const CROWD = idOf("crowd");

function swarmId(index: number): Uint8Array {
  return idOf(`swarm ${index % population.swarms}`);
}

/** Calls over several connections. */
class Caller {
  readonly #clients: readonly Client[];
  #next = 0;

  constructor(target: string) {
    const options = {
      "grpc.enable_channelz": 0,
      "grpc.enable_http_proxy": 0,
      "grpc.max_receive_message_length": MAX_RESPONSE_BYTES,
      // Otherwise all clients share one connection.
      "grpc.use_local_subchannel_pool": 1,
    };
    this.#clients = Array.from(
      { length: CONNECTIONS },
      () => new Client(`ipv4:${target}`, credentials.createInsecure(), options),
    );
  }

  /** Uses the connections in turn. */
  call({ path, bytes }: Request): Promise<Buffer> {
    const client = this.#clients[this.#next++ % CONNECTIONS];
    return new Promise((resolve, reject) => {
      const limits = { deadline: Date.now() + CALL_DEADLINE_MS };
      client?.makeUnaryRequest(path, asIs, asIs, bytes, limits, (error, answer?: Buffer) => {
        if (answer === undefined) reject(error);
        else resolve(answer);
      });
    });
  }

  /** Runs `step` again and again until it resolves with false, as many at a time as there may be calls. */
  async together(step: () => Promise<boolean>): Promise<void> {
    const oneAfterAnother = async (): Promise<void> => {
      while (await step());
    };
    await Promise.all(Array.from({ length: CONNECTIONS * CALLS_PER_CONNECTION }, oneAfterAnother));
  }
}

const announcePath = methodPath(TrackerService, TrackerService.method.announce.name);
const listPath = methodPath(TrackerService, TrackerService.method.listPeers.name);

/** What one peer announces. */
function announcement(name: string, contentIds: readonly Uint8Array[], leaseToken: Uint8Array): Request {
  const shares = contentIds.map((contentId) => ({ contentId, chunksHeld: 1, complete: true, wantPeers: 0 }));
  const init = { peerId: idOf(name), runEpochMs: 1n, listenPort: 9000, shares, leaseToken };
  return { path: announcePath, bytes: encodeMessage(TrackerService.method.announce.input, init) };
}

const NO_TOKEN = new Uint8Array(0);

/** Lets `count` peers announce for the first time; returns the renewals that they send afterwards. */
async function fill(
  caller: Caller,
  kind: string,
  count: number,
  contentIdsOf: (peer: number) => readonly Uint8Array[],
): Promise<readonly Request[]> {
  const renewals: Request[] = [];
  let next = 0;
  await caller.together(async () => {
    const peer = next++;
    if (peer >= count) return false;
    const contentIds = contentIdsOf(peer);
    const name = `${kind} ${peer}`;
    const answer = await caller.call(announcement(name, contentIds, NO_TOKEN));
    const { leaseToken } = decodeMessage(AnnounceResponseSchema, answer, MAX_RESPONSE_FIELDS);
    renewals.push(announcement(name, contentIds, leaseToken));
    return true;
  });
  return renewals;
}

function queries(): readonly Request[] {
  return Array.from({ length: QUERIES }, (_, i) => {
    const contentId = i % 2 === 0 ? CROWD : swarmId(i);
    const init = { contentId, max: MAX_WANT_PEERS };
    return { path: listPath, bytes: encodeMessage(TrackerService.method.listPeers.input, init) };
  });
}

function byTurns(some: readonly Request[], others: readonly Request[]): readonly Request[] {
  return some.flatMap((one, i) => {
    const other = others[i % others.length];
    return other === undefined ? [one] : [one, other];
  });
}

/** Makes the calls of one slice and keeps count. */
class Slice {
  readonly #caller: Caller;
  readonly #requests: readonly Request[];
  readonly #latenciesMs: number[] = [];
  #answerBytes = 0;
  #turn = 0;

  constructor(caller: Caller, requests: readonly Request[]) {
    this.#caller = caller;
    this.#requests = requests;
  }

  async run({ durationMs, callsPerSecond }: SliceRequest): Promise<SliceResult> {
    const startedMs = performance.now();
    if (callsPerSecond === undefined) await this.#closedLoop(startedMs + durationMs);
    else await this.#openRate(startedMs, durationMs, callsPerSecond);
    const sorted = this.#latenciesMs.sort((a, b) => a - b);
    return {
      calls: sorted.length,
      answerBytes: this.#answerBytes,
      seconds: (performance.now() - startedMs) / 1000,
      p50Ms: percentile(sorted, 50),
      p99Ms: percentile(sorted, 99),
    };
  }

  #closedLoop(endMs: number): Promise<void> {
    return this.#caller.together(async () => {
      await this.#callOnce();
      return performance.now() < endMs;
    });
  }

  /** Each call goes out whether or not earlier ones have been answered. */
  async #openRate(startedMs: number, durationMs: number, callsPerSecond: number): Promise<void> {
    const underway: Promise<void>[] = [];
    const total = Math.ceil((durationMs * callsPerSecond) / 1000);
    while (underway.length < total) {
      const due = ((performance.now() - startedMs) * callsPerSecond) / 1000;
      while (underway.length < Math.min(due, total)) underway.push(this.#callOnce());
      await pause(1);
    }
    await Promise.all(underway);
  }

  async #callOnce(): Promise<void> {
    const request = this.#requests[this.#turn++ % this.#requests.length];
    if (request === undefined) throw new Error("there are no such calls to make");
    const sentMs = performance.now();
    const answer = await this.#caller.call(request);
    this.#latenciesMs.push(performance.now() - sentMs);
    this.#answerBytes += answer.byteLength;
  }
}

function percentile(sorted: readonly number[], percent: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor((sorted.length * percent) / 100))] ?? 0;
}

process.once("SIGTERM", () => process.exit(0));
const caller = new Caller(endpoint);
const { singles, collectors, sharesPerCollector } = population;
const ones = await fill(caller, "single", singles, (i) => [i % 2 === 0 ? CROWD : swarmId(i >> 1)]);
const many = await fill(caller, "collector", collectors, (i) => [
  CROWD,
  ...Array.from({ length: sharesPerCollector - 1 }, (_, k) => swarmId(i * (sharesPerCollector - 1) + k)),
]);
const lists = queries();
const requests: Readonly<Record<CallKind, readonly Request[]>> = {
  "announce-one": ones,
  "announce-many": many,
  "list-peers": lists,
  mixed: byTurns(ones.length > 0 ? ones : many, lists),
};
say("filled", {});
createInterface({ input: process.stdin }).on("line", async (line) => {
  const slice: SliceRequest = JSON.parse(line);
  say(slice.name, await new Slice(caller, requests[slice.kind]).run(slice));
});

// Runs one simulated swarm from its first moment until every downloader has everything: who is there, who knows whom,
// and how long it took. What peers do is in sim-peer.ts.
import { Random } from "../random.js";
import { lowerBoundSeconds } from "../swarm/lower-bound.js";
import { type Latency, Neighbour } from "./neighbour.js";
import { downlinkOf, type Scenario, uplinksOf } from "./scenario.js";
import { SimPeer } from "./sim-peer.js";
import { evenPairs, everyPair } from "./topology.js";
import { VirtualTime } from "./virtual-time.js";

export interface SimResult {
  /** The time of the last downloader, divided by the lower bound. */
  readonly ratio: number;
  /** The same for those that receive without a limit, against their own bound. */
  readonly unlimitedRatio: number;
  readonly lastSeconds: number;
  readonly meanSeconds: number;
  /** What the sharer has sent, in multiples of the content. */
  readonly sharerSent: number;
  /** Whole chunks that came to peers that already had them. */
  readonly duplicates: number;
  readonly sentBytes: number;
  /** The part of `sentBytes` that belongs to chunks that were cut off because somebody else was to give them. */
  readonly cutOffBytes: number;
  /** The most that anybody sent beyond its uplink. */
  readonly mostOverCapBytes: number;
  readonly events: number;
}

/** A swarm that takes this many times the lower bound will not end. */
const MAX_RATIO = 50;

export function simulate(scenario: Scenario): SimResult {
  return new SwarmSim(scenario).toTheEnd();
}

class SwarmSim {
  readonly #scenario: Scenario;
  readonly #time = new VirtualTime();
  readonly #random: Random;
  readonly #latency: Latency;
  readonly #uplinks: readonly number[];
  /** The sharer is the first. */
  readonly #peers: readonly SimPeer[];
  readonly #around = new Map<SimPeer, SimPeer[]>();
  #unfinished: number;

  constructor(scenario: Scenario) {
    this.#scenario = scenario;
    this.#random = new Random(scenario.seed);
    this.#uplinks = uplinksOf(scenario, this.#random);
    this.#unfinished = scenario.downloaders;
    this.#latency = {
      nowMs: () => this.#time.nowMs(),
      later: (delayMs, run) => void this.#time.later(delayMs, run),
      delayMs: scenario.rttMs / 2,
      answerMs: () => this.#random.between(scenario.answerMs),
    };
    this.#peers = [scenario.sharerUplink, ...this.#uplinks].map((uplink, index) => {
      const isSharer = index === 0;
      const downlink = isSharer ? Number.POSITIVE_INFINITY : downlinkOf(scenario, index - 1);
      return new SimPeer({ index, isSharer, uplink, downlink }, scenario, this.#time, this.#random, {
        gained: (peer, chunkIndex) => this.#gained(peer, chunkIndex),
      });
    });
    const count = this.#peers.length;
    const { degree } = scenario;
    const pairs = degree >= count - 1 ? everyPair(count) : evenPairs(count, degree, this.#random);
    for (const [first, second] of pairs) {
      const [one, other] = [this.#peers[first], this.#peers[second]];
      if (one === undefined || other === undefined) continue;
      this.#aroundOf(one).push(other);
      this.#aroundOf(other).push(one);
    }
  }

  toTheEnd(): SimResult {
    const [sharer, ...downloaders] = this.#peers;
    if (sharer === undefined) throw new Error("there is a sharer");
    sharer.isPresent = true;
    for (const peer of downloaders) {
      this.#time.later(this.#random.between(this.#scenario.arrivalMs), () => this.#comes(peer));
    }
    const limitMs = MAX_RATIO * this.#boundSeconds() * 1000;
    this.#time.run(() => this.#unfinished === 0 || this.#time.nowMs() > limitMs);
    if (this.#unfinished > 0) throw new Error(`${this.#unfinished} downloaders do not end`);
    return this.#result(sharer, downloaders);
  }

  #aroundOf(peer: SimPeer): SimPeer[] {
    const around = this.#around.get(peer) ?? [];
    this.#around.set(peer, around);
    return around;
  }

  #comes(peer: SimPeer): void {
    peer.isPresent = true;
    const { churn } = this.#scenario;
    for (const other of this.#aroundOf(peer)) this.#connect(peer, other);
    if (churn === undefined || peer.finishedMs !== undefined) return;
    this.#time.later(this.#random.exponential(churn.stayMs), () => {
      if (peer.finishedMs !== undefined) return;
      this.#goes(peer);
      this.#time.later(this.#random.exponential(churn.awayMs), () => this.#comes(peer));
    });
  }

  #goes(peer: SimPeer): void {
    peer.isPresent = false;
    for (const other of [...peer.neighbours.keys()]) {
      other.disconnected(peer);
      peer.disconnected(other);
      this.#finds(other);
    }
  }

  /** `peer` has lost a neighbour and finds another, if there is one. */
  #finds(peer: SimPeer): void {
    const others = this.#peers.filter(
      (other) => other !== peer && other.isPresent && !peer.neighbours.has(other),
    );
    const found = others[this.#random.index(others.length)];
    if (found !== undefined) this.#connect(peer, found);
  }

  #connect(dialler: SimPeer, listener: SimPeer): void {
    if (!dialler.isPresent || !listener.isPresent || dialler.neighbours.has(listener)) return;
    const [one, other] = Neighbour.connect(dialler, listener, this.#latency, this.#scenario.unprovenRequests);
    dialler.connected(listener, one);
    listener.connected(dialler, other);
    one.join();
  }

  #gained(peer: SimPeer, chunkIndex: number): void {
    this.#announce(peer, chunkIndex);
    if (peer.download?.isDone !== true) return;
    peer.finishedMs = this.#time.nowMs();
    this.#unfinished--;
    if (this.#scenario.leavesWhenFinished) this.#goes(peer);
  }

  #announce(peer: SimPeer, chunkIndex: number): void {
    const { announceMs, rttMs } = this.#scenario;
    const tell = ({ other }: Neighbour) => {
      if (other.isOpen) other.owner.gained(other, chunkIndex);
    };
    if (announceMs[1] === 0) {
      this.#time.later(rttMs / 2, () => {
        for (const neighbour of peer.neighbours.values()) tell(neighbour);
      });
      return;
    }
    for (const neighbour of peer.neighbours.values()) {
      this.#time.later(rttMs / 2 + this.#random.between(announceMs), () => tell(neighbour));
    }
  }

  /** The bound for all downloaders, or for those that receive without a limit. */
  #boundSeconds(unlimitedOnly = false): number {
    const { chunkCount, chunkBytes, sharerUplink, downloaders } = this.#scenario;
    const downlinks = this.#uplinks.map((_, index) => downlinkOf(this.#scenario, index));
    const unlimited = downlinks.filter((one) => !Number.isFinite(one)).length;
    const fileBytes = chunkCount * chunkBytes;
    const shape = { fileBytes, chunkBytes, sharerUplink, uplinks: this.#uplinks };
    if (unlimitedOnly) return lowerBoundSeconds({ ...shape, receivers: unlimited });
    return Math.max(
      lowerBoundSeconds({ ...shape, receivers: downloaders }),
      ...downlinks.map((one) => fileBytes / one),
    );
  }

  #result(sharer: SimPeer, downloaders: readonly SimPeer[]): SimResult {
    const { chunkCount, chunkBytes } = this.#scenario;
    const finishedMs = (peer: SimPeer) => peer.finishedMs ?? Number.POSITIVE_INFINITY;
    const lastSeconds = Math.max(...downloaders.map(finishedMs)) / 1000;
    const unlimited = downloaders.filter(({ shape }) => !Number.isFinite(shape.downlink));
    const lastUnlimitedSeconds = Math.max(...unlimited.map(finishedMs)) / 1000;
    const wires = this.#peers.map(({ wire }) => wire);
    return {
      ratio: lastSeconds / this.#boundSeconds(),
      unlimitedRatio: lastUnlimitedSeconds / this.#boundSeconds(true),
      lastSeconds,
      meanSeconds: sum(downloaders.map(finishedMs)) / downloaders.length / 1000,
      sharerSent: sharer.wire.bytesSent / (chunkCount * chunkBytes),
      duplicates: sum(downloaders.map(({ download }) => download?.duplicates ?? 0)),
      sentBytes: sum(wires.map(({ bytesSent }) => bytesSent)),
      cutOffBytes: sum(wires.map(({ bytesCutOff }) => bytesCutOff)),
      mostOverCapBytes: Math.max(...wires.map(({ mostOverCapBytes }) => mostOverCapBytes)),
      events: this.#time.events,
    };
  }
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

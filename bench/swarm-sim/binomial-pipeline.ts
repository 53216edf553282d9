// The quickest possible schedule for equal uplinks (Ganesan and Seshadri, "On cooperative content distribution and the
// price of barter"): the transfer engine is checked against it. Everybody knows everything; nobody offers or asks.
import { MIB } from "../../src/core/units.js";
import { lowerBoundSeconds } from "../swarm/lower-bound.js";
import { Downlink } from "./downlink.js";
import { LinkWire } from "./link-wire.js";
import { VirtualTime } from "./virtual-time.js";

const UPLINK = 4 * MIB;

interface Participant {
  readonly wire: LinkWire;
  readonly downlink: Downlink;
  readonly held: Set<number>;
}

interface Outgoing {
  readonly from: Participant;
  readonly chunkIndex: number;
}

interface Send extends Outgoing {
  readonly to: Participant;
}

/** The time that the schedule takes, divided by the lower bound; without latency. */
export function pipelineRatio(downloaders: number, chunkCount: number): number {
  return new BinomialPipeline(downloaders, chunkCount).run();
}

/** The vertices of a hypercube: the sharer is at 0, and at every other vertex are one or two downloaders that act as
 * one. In each step every vertex sends the last chunk that it has along one dimension, and the dimensions take turns.
 * Of two at a vertex, one sends outside, while the other gives it a chunk that it lacks and takes what comes. */
class BinomialPipeline {
  readonly #chunkCount: number;
  readonly #downloaders: number;
  readonly #dimensions: number;
  readonly #vertices: readonly (readonly Participant[])[];
  readonly #time = new VirtualTime();
  #step = 0;
  #running = 0;

  constructor(downloaders: number, chunkCount: number) {
    this.#downloaders = downloaders;
    this.#chunkCount = chunkCount;
    this.#dimensions = Math.floor(Math.log2(downloaders + 1));
    const vertexCount = 2 ** this.#dimensions;
    const doubled = downloaders - (vertexCount - 1);
    this.#vertices = Array.from({ length: vertexCount }, (_, vertex) => {
      const isDoubled = vertex > 0 && vertex <= doubled;
      return Array.from({ length: isDoubled ? 2 : 1 }, () => ({
        wire: new LinkWire(UPLINK, 1, this.#time),
        downlink: new Downlink(Number.POSITIVE_INFINITY),
        held: new Set<number>(),
      }));
    });
    const [sharer] = this.#vertices[0] ?? [];
    for (let chunkIndex = 0; chunkIndex < chunkCount; chunkIndex++) sharer?.held.add(chunkIndex);
  }

  run(): number {
    this.#begin();
    this.#time.run(() => false);
    const fileBytes = this.#chunkCount * MIB;
    const uplinks = Array.from({ length: this.#downloaders }, () => UPLINK);
    const shape = { fileBytes, chunkBytes: MIB, sharerUplink: UPLINK, uplinks, receivers: this.#downloaders };
    return this.#time.nowMs() / 1000 / lowerBoundSeconds(shape);
  }

  #begin(): void {
    const lacking = this.#vertices.flat().some(({ held }) => held.size < this.#chunkCount);
    if (!lacking) return;
    const senders = this.#vertices.map((_, vertex) => this.#senderAt(vertex));
    const sends = this.#vertices.flatMap((_, vertex) => this.#sendsOf(vertex, senders));
    if (sends.length === 0) throw new Error("the schedule stands still");
    this.#step++;
    this.#running = sends.length;
    for (const { from, to, chunkIndex } of sends) {
      if (!from.wire.mayBegin(() => undefined)) throw new Error("the schedule sends two chunks at once");
      from.wire.begin(to.downlink, MIB, () => {
        to.held.add(chunkIndex);
        // The next step begins when all are out, as every chunk takes the same time.
        if (--this.#running === 0) this.#time.soon(() => this.#begin());
      });
    }
  }

  #sendsOf(vertex: number, senders: readonly (Outgoing | undefined)[]): readonly Send[] {
    const inside = this.#vertices[vertex] ?? [];
    const outgoing = senders[vertex];
    if (outgoing === undefined) return inside.flatMap((from) => given(from, mateOf(from, inside)));
    const { from, chunkIndex } = outgoing;
    const opposite = this.#opposite(vertex);
    const outside = this.#vertices[opposite] ?? [];
    const [first] = outside;
    const to = mateOf(senders[opposite]?.from ?? first, outside) ?? first;
    const inner = given(mateOf(from, inside), from);
    return to === undefined ? inner : [{ from, to, chunkIndex }, ...inner];
  }

  /** Who at a vertex sends what outside; undefined if nothing is lacking there. */
  #senderAt(vertex: number): Outgoing | undefined {
    const inside = this.#vertices[vertex] ?? [];
    const outside = this.#vertices[this.#opposite(vertex)] ?? [];
    const chunkIndex = this.#lastChunk(inside);
    if (chunkIndex === undefined || outside.some(({ held }) => held.has(chunkIndex))) return undefined;
    const able = inside.filter(({ held }) => held.has(chunkIndex));
    const from = able.find((one) => given(mateOf(one, inside), one).length > 0) ?? able[0];
    return from && { from, chunkIndex };
  }

  #opposite(vertex: number): number {
    return vertex ^ (1 << (this.#step % this.#dimensions));
  }

  /** The sharer's chunks come into the swarm one after the other. */
  #lastChunk(inside: readonly Participant[]): number | undefined {
    const isSharer = inside === this.#vertices[0];
    if (isSharer) return Math.min(this.#step, this.#chunkCount - 1);
    let last: number | undefined;
    for (const { held } of inside) for (const one of held) last = Math.max(last ?? one, one);
    return last;
  }
}

function mateOf(one: Participant | undefined, inside: readonly Participant[]): Participant | undefined {
  return inside.find((other) => other !== one);
}

/** What `from` gives to the other at its vertex: a chunk that the other lacks, if there is one. */
function given(from: Participant | undefined, to: Participant | undefined): readonly Send[] {
  if (from === undefined || to === undefined) return [];
  for (const chunkIndex of from.held) if (!to.held.has(chunkIndex)) return [{ from, to, chunkIndex }];
  return [];
}

// How busy the processors are while something is measured: a run on a machine that has none to spare says nothing
// about the policy. Counts everybody's work, not only ours.
import { cpus } from "node:os";

const SAMPLE_MS = 500;
/** From this share on, something waits for a processor. */
const SATURATED_SHARE = 0.95;

interface Ticks {
  readonly busyMs: number;
  readonly allMs: number;
}

export interface Load {
  /** The share of the processors' time that was used, 0 to 1. */
  readonly busyShare: number;
  /** Share of the samples in which all processors were busy. */
  readonly saturatedShare: number;
}

export class MachineLoad {
  readonly #timer: NodeJS.Timeout;
  readonly #first = ticks();
  #last = this.#first;
  #samples = 0;
  #saturatedSamples = 0;

  constructor() {
    this.#timer = setInterval(() => this.#sample(), SAMPLE_MS);
  }

  stop(): Load {
    clearInterval(this.#timer);
    return {
      busyShare: busyShare(this.#first, ticks()),
      saturatedShare: this.#samples === 0 ? 0 : this.#saturatedSamples / this.#samples,
    };
  }

  #sample(): void {
    const now = ticks();
    this.#samples++;
    if (busyShare(this.#last, now) >= SATURATED_SHARE) this.#saturatedSamples++;
    this.#last = now;
  }
}

function ticks(): Ticks {
  let busyMs = 0;
  let idleMs = 0;
  for (const { times } of cpus()) {
    busyMs += times.user + times.nice + times.sys + times.irq;
    idleMs += times.idle;
  }
  return { busyMs, allMs: busyMs + idleMs };
}

function busyShare(from: Ticks, to: Ticks): number {
  const allMs = to.allMs - from.allMs;
  return allMs === 0 ? 0 : (to.busyMs - from.busyMs) / allMs;
}

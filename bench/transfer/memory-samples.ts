// What a process holds of memory while a transfer goes on, and whether that grows with what has been transferred. Looks
// from outside, so that the process does nothing for it.
import { GIB, MIB } from "../../src/core/units.js";
import type { MeasuredProcess } from "../measured-process.js";

interface Sample {
  readonly gib: number;
  readonly residentMib: number;
}

export class MemorySamples {
  readonly #process: MeasuredProcess;
  readonly #samples: Sample[] = [];

  constructor(process: MeasuredProcess) {
    this.#process = process;
  }

  /** To be called at regular intervals; `bytesDone` is how far the transfer is. */
  take(bytesDone: number): void {
    const residentMib = this.#process.residentBytes / MIB;
    if (residentMib > 0) this.#samples.push({ gib: bytesDone / GIB, residentMib });
  }

  get peakMib(): number {
    return this.#samples.reduce((peak, { residentMib }) => Math.max(peak, residentMib), 0);
  }

  /** MiB for each GiB after the first `skippedBytes`, by least squares; 0 where there is too little to say. */
  slope(skippedBytes: number): number {
    const samples = this.#samples.filter(({ gib }) => gib >= skippedBytes / GIB);
    const mean = (of: (sample: Sample) => number) =>
      samples.reduce((sum, sample) => sum + of(sample), 0) / samples.length;
    const meanGib = mean(({ gib }) => gib);
    const meanMib = mean(({ residentMib }) => residentMib);
    const covariance = mean(({ gib, residentMib }) => (gib - meanGib) * (residentMib - meanMib));
    const variance = mean(({ gib }) => (gib - meanGib) ** 2);
    return variance > 0 ? covariance / variance : 0;
  }
}

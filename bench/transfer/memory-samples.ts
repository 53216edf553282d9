// How much memory a process holds while a transfer goes on, and whether that grows with what has been transferred.
// Pure: looks at no process.
import { GIB, MIB } from "../../src/core/units.js";

interface Sample {
  readonly gib: number;
  readonly residentMib: number;
}

export class MemorySamples {
  readonly #samples: Sample[] = [];

  /** To be called at regular intervals; `bytesDone` is how far the transfer is. 0 bytes resident is no answer, and is
   * ignored. */
  take(bytesDone: number, residentBytes: number): void {
    if (residentBytes > 0) this.#samples.push({ gib: bytesDone / GIB, residentMib: residentBytes / MIB });
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

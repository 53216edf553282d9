// What leases cost in a tracker's store, apart from the calls that bring them.
import { fileURLToPath } from "node:url";
import type { BenchCase, Figures } from "../bench-case.js";
import { MeasuredProcess } from "../measured-process.js";

const SCRIPT = fileURLToPath(new URL("./lease-store-process.js", import.meta.url));

export class LeaseStoreCase implements BenchCase {
  readonly name = "tracker/leases";
  readonly #leases: number;

  constructor(leases: number) {
    this.#leases = leases;
  }

  async prepare(): Promise<void> {}

  async run(): Promise<Figures> {
    const samples = Math.min(20_000, this.#leases);
    const process = new MeasuredProcess([String(this.#leases), String(samples)], { script: SCRIPT });
    const event = await process.event("figures");
    await process.ended;
    return Object.fromEntries(Object.entries(event).map(([figure, value]) => [figure, Number(value)]));
  }

  async cleanUp(): Promise<void> {}
}

// How libtorrent does in a swarm under upload limits: how far its last downloader is from the shortest possible time,
// with the sizes and rates of our own swarms. All its peers are in one process, which spares it the cost of processes.
import { execFile } from "node:child_process";
import { mkdir } from "node:fs/promises";
import { promisify } from "node:util";
import { MIB } from "../../src/core/units.js";
import type { Figures } from "../bench-case.js";
import { FixtureCase } from "../fixture-case.js";
import { lowerBoundSeconds } from "../swarm/lower-bound.js";
import { LIBTORRENT, PYTHON, SCRIPT } from "./libtorrent.js";
import { nameMissing } from "./rival.js";

export interface RivalSwarm {
  readonly downloaders: number;
  readonly fileBytes: number;
  /** Of each peer, bytes per second. */
  readonly uplink: number;
  readonly isLong: boolean;
}

const MAX_RATIO = 8;
const START_UP_MS = 60_000;

/** What the script prints at its end. */
interface Done {
  readonly done: { readonly seconds: readonly number[]; readonly seedSentBytes: number };
}

export class RivalSwarmCase extends FixtureCase {
  readonly #swarm: RivalSwarm;
  #isInstalled = false;

  constructor(swarm: RivalSwarm) {
    super(`rivals/swarm-${swarm.downloaders}`, { fileBytes: swarm.fileBytes }, swarm.isLong);
    this.#swarm = swarm;
  }

  override async prepare(): Promise<void> {
    this.#isInstalled = !(await nameMissing(LIBTORRENT));
    await super.prepare();
  }

  async run(): Promise<Figures> {
    if (!this.#isInstalled) return {};
    return this.receiving(this.data.bytes * this.#swarm.downloaders, () => this.#swarmOnce());
  }

  async #swarmOnce(): Promise<Figures> {
    const { downloaders, fileBytes, uplink } = this.#swarm;
    await mkdir(this.received);
    const boundSeconds = lowerBoundSeconds({
      ...{ fileBytes, chunkBytes: MIB, sharerUplink: uplink, receivers: downloaders },
      uplinks: Array.from({ length: downloaders }, () => uplink),
    });
    const { stdout } = await promisify(execFile)(
      PYTHON,
      [SCRIPT, "swarm", this.received, this.data.path, `${downloaders}`, `${uplink}`],
      { timeout: START_UP_MS + MAX_RATIO * boundSeconds * 1000 },
    );
    const { done }: Done = JSON.parse(stdout);
    const lastSeconds = Math.max(...done.seconds);
    return {
      "libtorrent: last s": lastSeconds,
      "bound s": boundSeconds,
      "libtorrent: last/bound": lastSeconds / boundSeconds,
      "libtorrent: sharer sent/F": done.seedSentBytes / fileBytes,
    };
  }
}

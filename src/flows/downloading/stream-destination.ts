// A download into a stream: one file, whose bytes go out in order as soon as they are verified. Leaves nothing on the
// disk, so there is nothing to go on with and nothing to give to others.
import type { Writable } from "node:stream";
import { Bitfield } from "../../core/bitfield.js";
import { GoshareError } from "../../core/errors.js";
import type { Selection } from "../../manifest/selection.js";
import { OutputStore } from "../../workers/output-store.js";
import type { SlotPool } from "../../workers/slots.js";
import type { WorkerPool } from "../../workers/worker-pool.js";
import type { Arrival, Destination } from "./destination.js";

export class StreamDestination implements Destination {
  readonly path = "-";
  readonly #output: Writable;
  #store: OutputStore | undefined;
  isCommitted = false;

  constructor(output: Writable) {
    this.#output = output;
  }

  get isHeldUp(): boolean {
    return this.#store?.isHeldUp === true;
  }

  async open(): Promise<boolean> {
    return false;
  }

  storedBody(): undefined {}

  keepBody(): void {}

  async prepare(selection: Selection, pool: WorkerPool, slots: SlotPool): Promise<Arrival> {
    requireOneFile(selection);
    this.#store = new OutputStore(selection, this.#output, pool, slots);
    const none = new Bitfield(selection.manifest.root.chunkCount);
    return {
      store: this.#store,
      held: none,
      unchecked: none,
      resumedBytes: 0,
      files: { rootPath: "", identities: undefined },
    };
  }

  flush(): void {}

  async pause(): Promise<void> {}

  async finish(): Promise<void> {
    this.isCommitted = true;
  }

  async reasonFor(thrown: unknown): Promise<unknown> {
    return thrown;
  }

  close(): void {
    this.#store?.close();
  }
}

function requireOneFile({ files, manifest }: Selection): void {
  if (files.length === 1) return;
  const count = files.length === 0 ? "no file" : `${files.length} files`;
  throw new GoshareError(
    "USAGE",
    `--output - takes one file, but this is ${count} of ${manifest.root.name}`,
    {
      hint: "choose one with --select; to see what there is, run goshare inspect WHAT",
    },
  );
}

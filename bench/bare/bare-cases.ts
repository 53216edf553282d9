// The same work done by programs of a page each, in the same Node, which do nothing else: no protocol, nothing checked,
// nothing that could go on after a failure. What goshare takes beyond them is its own cost; what they take beyond the
// limit of the machine is Node's.
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { GIB } from "../../src/core/units.js";
import type { Figures } from "../bench-case.js";
import { FixtureCase } from "../fixture-case.js";
import { MeasuredProcess } from "../measured-process.js";

const SENDER = fileURLToPath(new URL("./sender.js", import.meta.url));
const RECEIVER = fileURLToPath(new URL("./receiver.js", import.meta.url));
const HASHER = fileURLToPath(new URL("./hasher.js", import.meta.url));

/** One file over one connection. */
export class BareTransferCase extends FixtureCase {
  run(): Promise<Figures> {
    return this.receiving(this.data.bytes, () => this.#transferOnce());
  }

  async #transferOnce(): Promise<Figures> {
    const sender = new MeasuredProcess([this.data.path], { script: SENDER });
    const { port } = await sender.event("listening");
    await mkdir(this.received);
    const before = sender.usedSoFar;
    const argv = [String(port), String(this.data.bytes), join(this.received, "data")];
    const { wallSeconds, usage } = await new MeasuredProcess(argv, { script: RECEIVER }).ended;
    const sent = await sender.ended;
    const gib = this.data.bytes / GIB;
    const senderSeconds = sent.usage.cpuSeconds - before.cpuSeconds;
    return {
      s: wallSeconds,
      "GiB/s": gib / wallSeconds,
      "CPU s/GiB": (usage.cpuSeconds + senderSeconds) / gib,
      "downloader CPU s/GiB": usage.cpuSeconds / gib,
      "downloader main thread s/GiB": usage.mainThreadSeconds / gib,
      "sharer CPU s/GiB": senderSeconds / gib,
    };
  }
}

/** A file or a folder, on every core. */
export class BareHashingCase extends FixtureCase {
  async run(): Promise<Figures> {
    const { wallSeconds, usage } = await new MeasuredProcess([this.data.path], { script: HASHER }).ended;
    const gib = this.data.bytes / GIB;
    return { s: wallSeconds, "GiB/s": gib / wallSeconds, "CPU s/GiB": usage.cpuSeconds / gib };
  }
}

// aria2 on both sides, as a rival: one seeds, one downloads, both told of each other by an announce URL that answers
// with the one address there is. The description of the file is made before anything is measured; what has come is
// hashed part by part, as always. aria2 waits some two seconds before it connects, and as long before it ends.
import { createServer, type Server } from "node:http";
import { basename, dirname, join } from "node:path";
import { freePort } from "../../test/support/free-port.js";
import type { Figures } from "../bench-case.js";
import { type Rival, RivalServer, type RivalWork, receive, timed } from "./rival.js";

/** No discovery except by the announce URL, and as much on its way as a fast link takes. */
const OPTIONS = [
  "--no-conf --quiet --no-proxy=127.0.0.1 --enable-dht=false --enable-dht6=false --bt-enable-lpd=false",
  "--enable-peer-exchange=false --file-allocation=none --disk-cache=64M --bt-request-peer-speed-limit=1000M",
].join(" ");
/** Serves the file without hashing it first: the file is complete from the start. */
const SEEDING = "--bt-seed-unverified=true --check-integrity=false --allow-overwrite=true --seed-ratio=0";
/** The size, as a power of two, of the parts that are verified one by one: a mebibyte, as with the others. */
const PART_SIZE_LOG2 = 20;

export const ARIA2: Rival = { name: "aria2 (BitTorrent)", programs: ["aria2c", "mktorrent"], run };

async function run({ dataPath, bytes, outputFolder, scratchFolder }: RivalWork): Promise<Figures> {
  const seedPort = await freePort();
  const rendezvous = await Rendezvous.start(seedPort);
  try {
    const description = join(scratchFolder, `${basename(dataPath)}.description`);
    await timed(`mktorrent -l ${PART_SIZE_LOG2} -a ${rendezvous.url} -o ${description} ${dataPath}`);
    const argv = `${OPTIONS} ${SEEDING} --listen-port=${seedPort} -d ${dirname(dataPath)} ${description}`;
    const server = await RivalServer.start("aria2c", argv.split(" "), seedPort);
    try {
      await rendezvous.seedIsThere;
      const port = await freePort();
      const leech = `aria2c ${OPTIONS} --seed-time=0 --listen-port=${port} -d ${outputFolder} ${description}`;
      return await receive(leech, server, bytes);
    } finally {
      await server.stop();
    }
  } finally {
    rendezvous.close();
  }
}

const SEED_START_MS = 30_000;

/** An announce URL: whoever does not listen at the seeding process's port is told of that process. */
class Rendezvous {
  readonly url: string;
  /** Resolves when the seeding process has announced itself; rejects if it does not. */
  readonly seedIsThere: Promise<void>;
  readonly #server: Server;

  private constructor(server: Server, port: number, seedPort: number) {
    this.#server = server;
    this.url = `http://127.0.0.1:${port}/announce`;
    this.seedIsThere = new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error("aria2 does not seed")), SEED_START_MS);
      timer.unref();
      server.on("request", ({ url = "" }, response) => {
        const isSeed = new URL(url, this.url).searchParams.get("port") === String(seedPort);
        // A bencoded answer: how long to wait, and six bytes of address and port for each peer.
        const peers = isSeed ? Buffer.alloc(0) : Buffer.from([127, 0, 0, 1, seedPort >> 8, seedPort & 0xff]);
        response.end(
          Buffer.concat([Buffer.from(`d8:intervali60e5:peers${peers.length}:`), peers, Buffer.from("e")]),
        );
        if (isSeed) resolve();
      });
    });
    // Whoever waits learns of a failure; but perhaps nobody waits yet.
    this.seedIsThere.catch(() => undefined);
  }

  static async start(seedPort: number): Promise<Rendezvous> {
    const server = createServer();
    const port = await freePort();
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(port, "127.0.0.1", resolve);
    });
    return new Rendezvous(server, port, seedPort);
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}

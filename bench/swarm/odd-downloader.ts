// A downloader that serves others wrongly, for swarms that have to cope with it: `goshare ARGV` after its first
// argument. "stalls": it sends only what its first read of a chunk gives. "lies": every chunk has a wrong byte.
// "keeps": it takes as any other does, but never says that it has anything. What it asks for is what goshare asks for.
import { AvailabilityNews } from "../../src/swarm/availability/availability-news.js";
import { ServedDownload } from "../../src/swarm/uploading/served-download.js";

export type Oddity = "stalls" | "lies" | "keeps";

const ODDITIES: Readonly<Record<Oddity, () => void>> = {
  stalls: () => {
    const { readChunk } = ServedDownload.prototype;
    ServedDownload.prototype.readChunk = function (chunkIndex, offset, into) {
      return offset > 0 ? new Promise(() => undefined) : readChunk.call(this, chunkIndex, offset, into);
    };
  },
  lies: () => {
    const { readChunk } = ServedDownload.prototype;
    ServedDownload.prototype.readChunk = function (chunkIndex, offset, into) {
      const spoil = () => {
        into[0] = (into[0] ?? 0) ^ 1;
      };
      const reading = readChunk.call(this, chunkIndex, offset, into);
      if (reading !== undefined) return reading.then(spoil);
      spoil();
      return undefined;
    };
  },
  keeps: () => {
    AvailabilityNews.prototype.gained = () => undefined;
  },
};

const [kind] = process.argv.splice(2, 1);
if (kind !== "stalls" && kind !== "lies" && kind !== "keeps") throw new Error(`${kind} is no oddity`);
ODDITIES[kind]();
await import("../../src/cli/main.js");

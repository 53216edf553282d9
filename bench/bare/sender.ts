// The serving side of a bare transfer: sender.js FILE. Says where it listens, serves one connection and ends with it.
// For each byte that comes it sends the next chunk of the file: no frames, no choice of chunks, no other receivers.
import * as fs from "node:fs";
import { createServer, type Socket } from "node:net";
import { pageAligned } from "../../src/core/page-aligned.js";
import { MIB } from "../../src/core/units.js";

/** Chunks that are read but not sent yet. */
const BUFFERS = 3;

const [path = ""] = process.argv.slice(2);
const fd = fs.openSync(path, "r");
const { size } = fs.fstatSync(fd);
const buffers = Array.from({ length: BUFFERS }, () => pageAligned(MIB));

const server = createServer({ noDelay: true }, (socket) => serve(socket));
server.listen(0, "127.0.0.1", () => {
  process.stdout.write(`${JSON.stringify({ listening: server.address() })}\n`);
});

function serve(socket: Socket): void {
  const free = [...buffers];
  let offset = 0;
  let wantedChunks = 0;
  const send = (): void => {
    while (wantedChunks > 0 && offset < size) {
      const buffer = free.pop();
      if (buffer === undefined) return;
      wantedChunks -= 1;
      const bytes = fs.readSync(fd, buffer, 0, MIB, offset);
      offset += bytes;
      socket.write(buffer.subarray(0, bytes), () => {
        free.push(buffer);
        send();
      });
    }
  };
  socket.on("data", ({ length }) => {
    wantedChunks += length;
    send();
  });
  socket.once("close", () => server.close());
}

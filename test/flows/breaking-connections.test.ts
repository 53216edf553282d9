// A network that ends every connection before a chunk is through: the download cannot be completed, and says why.
import { once } from "node:events";
import * as net from "node:net";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { KIB, MIB } from "../../src/core/units.js";
import { GatedProxy } from "../support/gated-proxy.js";
import { killAll } from "../support/goshare-process.js";
import { ScratchFolder } from "../support/scratch-folder.js";
import { download, failure, startDownload, startShare, ticketVia } from "../support/transfer.js";

/** What goes through one connection: some slices, but no chunk of 1 MiB. */
const CONNECTION_BYTES = 900 * KIB;

const scratch = new ScratchFolder();
const servers: net.Server[] = [];
const sockets = new Set<net.Socket>();
test.after(() => {
  killAll();
  for (const server of servers) server.close();
  for (const socket of sockets) socket.destroy();
  scratch.remove();
});

/** HOST:PORT of a proxy to `target` that ends each connection once so many bytes have come from there. */
async function endingProxy(target: string, connectionBytes: number): Promise<string> {
  const [host = "", port = ""] = target.split(":");
  const server = net.createServer((near) => {
    const far = net.connect(Number(port), host);
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on("error", () => undefined);
    }
    near.pipe(far);
    let bytes = 0;
    far.on("data", (data) => {
      bytes += data.length;
      near.write(data);
      if (bytes >= connectionBytes) near.destroySoon();
    });
    near.once("close", () => far.destroy());
    far.once("close", () => near.destroy());
  });
  servers.push(server);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("a TCP server has an address");
  return `127.0.0.1:${address.port}`;
}

test("a download that never gets a whole chunk through names a smaller chunk size, and that helps", async () => {
  const source = scratch.file("film.bin", 3 * MIB);
  const share = await startShare(source);
  const via = ticketVia(share.ticket, await endingProxy(share.endpoint, CONNECTION_BYTES));
  const failed = await failure(startDownload(via, scratch.folder(), ["--timeout", "6s"]));
  assert.equal([failed.code, failed.exitCode], ["INCOMPLETE", 7]);
  assert.match(failed.message, "connections break before a whole chunk has come; last error: ");
  assert.match(failed.hint, "a smaller --chunk-size");
  await share.process.stop();

  const again = await startShare(source, ["--chunk-size", "64KiB"]);
  const viaAgain = ticketVia(again.ticket, await endingProxy(again.endpoint, CONNECTION_BYTES));
  await download(viaAgain, scratch.folder(), ["--timeout", "20s"]);
  await again.process.stop();
});

test("a sharer that goes in the middle of a chunk is not taken for a network that breaks connections", async () => {
  const share = await startShare(scratch.file("film.bin", 3 * MIB));
  const proxy = await GatedProxy.start(CONNECTION_BYTES);
  proxy.target = share.endpoint;
  const via = ticketVia(share.ticket, proxy.endpoint);
  const downloading = startDownload(via, scratch.folder(), ["--timeout", "1s"]);
  await downloading.waitFor("peerConnected");
  await share.process.stop("SIGKILL");
  proxy.cut();
  const failed = await failure(downloading);
  assert.not.match(failed.hint, "--chunk-size");
});

test.run();

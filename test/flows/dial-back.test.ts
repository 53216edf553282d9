// Addresses that peers announce: a tracker hands out those it has reached them at, and is no weapon against others.
import { createServer } from "node:net";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { type Endpoint, parseEndpoint } from "../../src/address/endpoint.js";
import { type ContentId, parseContentId } from "../../src/core/ids.js";
import { KIB } from "../../src/core/units.js";
import { startTracker } from "../../src/flows/tracker.js";
import type { Announcement } from "../../src/tracker/announcement.js";
import { TrackerClient } from "../../src/tracker/client.js";
import { freePort } from "../support/free-port.js";
import { killAll } from "../support/goshare-process.js";
import { ScratchFolder } from "../support/scratch-folder.js";
import { startShare } from "../support/transfer.js";
import { contentId, peerId } from "../tracker/server/stores/store-rig.js";

const scratch = new ScratchFolder();

test.after(() => {
  killAll();
  scratch.remove();
});

async function withClient(use: (client: TrackerClient, tracker: string) => Promise<void>): Promise<void> {
  const tracker = await startTracker({ listenHost: "127.0.0.1", listenPort: 0, minRenewMs: 5_000 }, () => {});
  const endpoint = parseEndpoint(tracker.endpoint);
  if (endpoint === undefined) throw new Error("no endpoint");
  const client = new TrackerClient(endpoint);
  try {
    await use(client, tracker.endpoint);
  } finally {
    await client.close();
    await tracker.close();
  }
}

function parsed(text: string): ContentId {
  const id = parseContentId(text);
  if (id === undefined) throw new Error(`${text} is no content id`);
  return id;
}

const naming = (id: number, endpoints: readonly Endpoint[]): Announcement => ({
  ...{ peerId: peerId(id), runEpochMs: 1, endpoints, listenPort: 9000 },
  shares: [{ contentId: contentId(1), chunksHeld: 0, complete: false, wantPeers: 0 }],
});

test("an address that a sharer advertises is handed out once it has been reached there", async () => {
  await withClient(async (client, tracker) => {
    const port = await freePort();
    const advertised = `127.0.0.2:${port}`;
    const options = ["--tracker", tracker, "--listen", `0.0.0.0:${port}`, "--advertise", advertised];
    const share = await startShare(scratch.file("a.bin", KIB), [...options, "--advertise", "127.0.0.3:9"]);
    const id = share.contentId;
    const listed = async (): Promise<readonly string[]> => {
      const { peers } = await client.listPeers(parsed(id), 10);
      return peers.flatMap(({ endpoints }) => endpoints.map((one) => `${one.host}:${one.port}`));
    };
    assert.equal(await listed(), [`127.0.0.1:${port}`]);
    while ((await listed()).length < 2) await new Promise((resolve) => setTimeout(resolve, 50));
    assert.equal(await listed(), [`127.0.0.1:${port}`, advertised]);
    await share.process.stop();
  });
});

test("a victim that hundreds of announcements name is connected to once", async () => {
  let connections = 0;
  const victim = createServer((socket) => {
    connections += 1;
    socket.on("error", () => {});
  });
  await new Promise<void>((resolve) => victim.listen(0, "127.0.0.9", resolve));
  const address = victim.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  const { port } = address;
  await withClient(async (client) => {
    for (let n = 0; n < 300; n++) {
      const ports = [0, 1, 2, 3].map(
        (k): Endpoint => ({ host: "127.0.0.9", port: port + k, transport: "tcp" }),
      );
      const { listedEndpoints } = await client.announce(naming(n, ports));
      assert.equal(
        listedEndpoints.map(({ host }) => host),
        ["127.0.0.1"],
      );
    }
  });
  assert.is(connections, 1);
  victim.close();
});

test.run();

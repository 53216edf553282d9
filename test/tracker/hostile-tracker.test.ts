// The client against trackers that lie, babble or stay silent.
import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer as createHttpServer } from "node:http";
import { createServer, type Server, type Socket } from "node:net";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { Transport } from "../../gen/goshare/v1/endpoint_pb.js";
import {
  type AnnounceResponseSchema,
  type ListPeersResponseSchema,
  TrackerService,
} from "../../gen/goshare/v1/tracker_pb.js";
import { GoshareError } from "../../src/core/errors.js";
import { contentIdFromBytes, idToBytes } from "../../src/core/ids.js";
import { unary } from "../../src/rpc/adapter.js";
import { RpcError } from "../../src/rpc/rpc-error.js";
import type { Announcement } from "../../src/tracker/announcement.js";
import { TrackerClient, type TrackerClientOptions } from "../../src/tracker/client.js";
import { startFakeTracker, type TrackerMethods } from "../support/fake-tracker.js";
import { contentId, peerId } from "./server/stores/store-rig.js";

const { method } = TrackerService;

interface PeerInit {
  readonly peerId: Uint8Array;
  readonly endpoints: { host: string; port: number; transport: Transport }[];
}

const A = contentId(1);
const ME = peerId(1);

const ANNOUNCEMENT: Announcement = {
  peerId: ME,
  runEpochMs: 5000,
  endpoints: [],
  listenPort: 9000,
  shares: [{ contentId: A, chunksHeld: 0, complete: true, wantPeers: 3 }],
  excludePeerId: peerId(2),
};

/** A tracker that answers as scripted, and UNIMPLEMENTED otherwise. */
async function withScript(
  script: Partial<TrackerMethods>,
  use: (client: TrackerClient) => Promise<void>,
  options: Partial<TrackerClientOptions> = {},
): Promise<void> {
  const tracker = await startFakeTracker(script);
  const client = new TrackerClient(
    { host: "127.0.0.1", port: tracker.port, transport: "tcp" },
    { maxAttempts: 1, ...options },
  );
  try {
    await use(client);
  } finally {
    await client.close();
    await tracker.close();
  }
}

function announcing(answer: MessageInitShape<typeof AnnounceResponseSchema>): Partial<TrackerMethods> {
  return { announce: unary(method.announce, async () => answer) };
}

function listing(answer: MessageInitShape<typeof ListPeersResponseSchema>): Partial<TrackerMethods> {
  return { listPeers: unary(method.listPeers, async () => answer) };
}

function answering(name: "getTrackerInfo" | "listPeers", bytes: Uint8Array): Partial<TrackerMethods> {
  return { [name]: { name, invoke: async () => Buffer.from(bytes) } };
}

function peer(n: number, more: Partial<PeerInit> = {}): PeerInit {
  const endpoints = [{ host: "10.0.0.1", port: 9000, transport: Transport.TCP }];
  return { peerId: idToBytes(peerId(n)), endpoints, ...more };
}

async function failure(promise: Promise<unknown>): Promise<GoshareError> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof GoshareError) return error;
    throw error;
  }
  throw new Error("the call succeeded");
}

async function listening(server: Server): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

test("intervals are kept between 5 s and 10 min, whatever the tracker says", async () => {
  await withScript(announcing({ ttlMs: 0, renewAfterMs: 0 }), async (client) => {
    const { ttlMs, renewAfterMs } = await client.announce(ANNOUNCEMENT);
    assert.equal([ttlMs, renewAfterMs], [5000, 5000]);
  });
  await withScript(announcing({ ttlMs: 2 ** 32 - 1, renewAfterMs: 2 ** 32 - 1 }), async (client) => {
    const { ttlMs, renewAfterMs } = await client.announce(ANNOUNCEMENT);
    assert.equal([ttlMs, renewAfterMs], [1_500_000, 600_000]);
  });
});

test("an answer brings no more peers than wanted, each once, never the caller or whom it excluded", async () => {
  const peers = [1, 2, 3, 3, 4, 5, 6].map((n) => peer(n));
  await withScript(announcing({ answers: [{ contentId: idToBytes(A), peers }] }), async (client) => {
    const { answers } = await client.announce(ANNOUNCEMENT);
    assert.equal(
      answers[0]?.peers.map((one) => one.peerId),
      [3, 4, 5].map(peerId),
    );
    assert.equal(answers[0]?.counts, { completePeers: 0, partialPeers: 0 });
  });
  await withScript(listing({ peers }), async (client) => {
    const { peers: listed } = await client.listPeers(A, 2, peerId(3));
    assert.equal(
      listed.map((one) => one.peerId),
      [1, 2].map(peerId),
    );
    assert.equal((await client.listPeers(A, 0)).peers, []);
  });
});

test("peers that are none and endpoints that nobody may dial are skipped", async () => {
  const tcp = Transport.TCP;
  const peers = [
    peer(3, { peerId: new Uint8Array(31) }),
    peer(4, { endpoints: [] }),
    peer(5, { endpoints: [{ host: "10.0.0.1", port: 0, transport: tcp }] }),
    peer(6, { endpoints: [{ host: "10.0.0.1", port: 9000, transport: Transport.UNSPECIFIED }] }),
    peer(7, { endpoints: [{ host: "not a host", port: 9000, transport: tcp }] }),
    peer(8, { endpoints: [{ host: "255.255.255.255", port: 9000, transport: tcp }] }),
    peer(9, {
      endpoints: [
        { host: "0.0.0.0", port: 9000, transport: tcp },
        { host: "10.0.0.9", port: 9000, transport: tcp },
      ],
    }),
  ];
  await withScript(listing({ peers }), async (client) => {
    const { peers: listed } = await client.listPeers(A, 50);
    assert.equal(
      listed.map((one) => [one.peerId, one.endpoints.map(({ host }) => host)]),
      [[peerId(9), ["10.0.0.9"]]],
    );
  });
});

test("one peer has at most ten endpoints", async () => {
  const endpoints = Array.from({ length: 1000 }, (_, n) => ({
    host: `10.0.${n >> 8}.${n & 255}`,
    port: 9000,
    transport: Transport.TCP,
  }));
  await withScript(listing({ peers: [peer(3, { endpoints })] }), async (client) => {
    assert.is((await client.listPeers(A, 50)).peers[0]?.endpoints.length, 10);
  });
});

test("answers and wishes for what was not announced are ignored", async () => {
  const answers = [
    { contentId: idToBytes(contentId(9)), peers: [peer(3)] },
    { contentId: new Uint8Array(5), peers: [peer(3)] },
    { contentId: idToBytes(A), peers: [peer(3)] },
    { contentId: idToBytes(A), peers: [peer(4)] },
  ];
  const wantedManifests = [contentId(9), A, A].map(idToBytes);
  await withScript(announcing({ answers, wantedManifests }), async (client) => {
    const answer = await client.announce(ANNOUNCEMENT);
    assert.equal(
      answer.answers.map(({ contentId: id, peers }) => [id, peers.length]),
      [[A, 1]],
    );
    assert.equal(answer.wantedManifests, [A]);
    const [share] = ANNOUNCEMENT.shares;
    const shares = share === undefined ? [] : [{ ...share, complete: false }];
    assert.equal((await client.announce({ ...ANNOUNCEMENT, shares })).wantedManifests, []);
  });
});

test("a token longer than the protocol allows is not kept", async () => {
  let sent: number | undefined;
  const announce = unary(method.announce, async ({ leaseToken }) => {
    sent = leaseToken.length;
    return { leaseToken: new Uint8Array(65) };
  });
  await withScript({ announce }, async (client) => {
    await client.announce(ANNOUNCEMENT);
    await client.announce(ANNOUNCEMENT);
    assert.is(sent, 0);
  });
});

test("a manifest that has not the wanted content id is TRACKER_PROTOCOL", async () => {
  const manifest = Buffer.from("something else");
  const right = contentIdFromBytes(createHash("sha256").update(manifest).digest());
  if (right === undefined) throw new Error("a digest is a content id");
  const getManifest = unary(method.getManifest, async () => ({ manifest }));
  await withScript({ getManifest }, async (client) => {
    const error = await failure(client.getManifest(A));
    assert.is(error.code, "TRACKER_PROTOCOL");
    assert.match(error.message, `tracker 127.0.0.1:${client.endpoint.port}`);
    assert.equal(Buffer.from((await client.getManifest(right)) ?? []), manifest);
  });
});

test("an answer that is rubbish, unknown or too large is TRACKER_PROTOCOL or TRACKER_REFUSED", async () => {
  const rubbish = answering("getTrackerInfo", Buffer.from("rubbish"));
  await withScript(rubbish, async (client) =>
    assert.is((await failure(client.info())).code, "TRACKER_PROTOCOL"),
  );
  await withScript({}, async (client) => assert.is((await failure(client.info())).code, "TRACKER_PROTOCOL"));
  const crowd = answering("listPeers", Buffer.alloc(2 ** 20, Buffer.from([0x0a, 0x00])));
  await withScript(crowd, async (client) => {
    assert.is((await failure(client.listPeers(A, 50))).code, "TRACKER_PROTOCOL");
  });
  const large = answering("getTrackerInfo", new Uint8Array(3 * 2 ** 20));
  await withScript(large, async (client) =>
    assert.is((await failure(client.info())).code, "TRACKER_REFUSED"),
  );
});

test("what a tracker says in a refusal is shown without characters that move the cursor", async () => {
  const refuse = unary(method.getTrackerInfo, async () => {
    throw new RpcError("PERMISSION_DENIED", "\u001b[2Jgone");
  });
  await withScript({ getTrackerInfo: refuse }, async (client) => {
    const error = await failure(client.info());
    assert.is(error.code, "TRACKER_REFUSED");
    assert.match(error.message, "gone");
    assert.not.match(error.message, "\u001b");
  });
});

test("a description of the tracker is cut to what can be shown", async () => {
  const info = {
    agent: "x".repeat(100_000),
    instanceId: new Uint8Array(1000),
    observedHost: "192.0.2.1; rm -rf ~",
  };
  const getTrackerInfo = unary(method.getTrackerInfo, async () => info);
  await withScript({ getTrackerInfo }, async (client) => {
    const { agent, instanceId, observedHost } = await client.info();
    assert.equal([agent.length, instanceId.length, observedHost], [100, 128, ""]);
  });
});

test("a tracker that never answers is TRACKER_UNREACHABLE after the call's time", async () => {
  const getTrackerInfo = unary(method.getTrackerInfo, () => new Promise(() => {}));
  const use = async (client: TrackerClient): Promise<void> => {
    const error = await failure(client.info());
    assert.is(error.code, "TRACKER_UNREACHABLE");
    assert.match(error.message, "did not answer within 50 ms");
  };
  await withScript({ getTrackerInfo }, use, { callTimeoutMs: 50 });
});

test("a server that accepts and says nothing, and a web server, are TRACKER_UNREACHABLE", async () => {
  const sockets: Socket[] = [];
  const silent = createServer((socket) => sockets.push(socket.on("error", () => {})));
  const web = createHttpServer((_request, response) => response.end("hello"));
  for (const server of [silent, web]) {
    const endpoint = { host: "127.0.0.1", port: await listening(server), transport: "tcp" } as const;
    const client = new TrackerClient(endpoint, { callTimeoutMs: 200 });
    assert.is((await failure(client.info())).code, "TRACKER_UNREACHABLE");
    await client.close();
    server.close();
  }
  for (const socket of sockets) socket.destroy();
  web.closeAllConnections();
});

test.run();

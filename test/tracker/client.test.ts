import { test } from "uvu";
import * as assert from "uvu/assert";
import { requireTrackerEndpoint } from "../../src/address/endpoint.js";
import { AGENT } from "../../src/core/agent.js";
import { GoshareError } from "../../src/core/errors.js";
import type { ContentId, PeerId } from "../../src/core/ids.js";
import type { Announcement } from "../../src/tracker/announcement.js";
import { TrackerClient } from "../../src/tracker/client.js";
import type { TrackerOptions } from "../../src/tracker/server/options.js";
import { rootNamed, withTracker } from "./server/rig.js";
import { contentId, peerId } from "./server/stores/store-rig.js";

const A = contentId(1);
const B = contentId(2);
const ME = peerId(1);

function announcement(
  id: PeerId,
  contentIds: readonly ContentId[],
  more: Partial<Announcement> = {},
): Announcement {
  const shares = contentIds.map((one) => ({ contentId: one, chunksHeld: 0, complete: false, wantPeers: 20 }));
  return { peerId: id, runEpochMs: 5000, endpoints: [], listenPort: 9000, shares, ...more };
}

async function withClients(
  options: Partial<TrackerOptions>,
  use: (first: TrackerClient, second: TrackerClient) => Promise<void>,
): Promise<void> {
  await withTracker(options, async ({ endpoint }) => {
    const first = new TrackerClient(endpoint);
    const second = new TrackerClient(endpoint);
    try {
      await use(first, second);
    } finally {
      await first.close();
      await second.close();
    }
  });
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

test("two peers of a share find each other by announcing it", async () => {
  await withClients({}, async (first, second) => {
    const alone = await first.announce(announcement(ME, [A]));
    assert.equal(alone.answers, [{ contentId: A, peers: [], counts: { completePeers: 0, partialPeers: 1 } }]);
    assert.equal(alone.listedEndpoints, [{ host: "127.0.0.1", port: 9000, transport: "tcp" }]);
    assert.is(alone.ttlMs, 75_000);
    assert.ok(alone.renewAfterMs <= 30_000 && alone.renewAfterMs >= 24_000);
    const { answers } = await second.announce(announcement(peerId(2), [A]));
    assert.equal(answers[0]?.peers, [
      {
        peerId: ME,
        endpoints: [{ host: "127.0.0.1", port: 9000, transport: "tcp" }],
        chunksHeld: 0,
        complete: false,
      },
    ]);
  });
});

test("the client moves its leases with the token it was given", async () => {
  await withClients({}, async (first, second) => {
    await first.announce(announcement(ME, [A]));
    await first.announce(announcement(ME, [A], { listenPort: 9001 }));
    const { peers, counts } = await second.listPeers(A, 10);
    assert.is(counts.partialPeers, 1);
    assert.is(peers[0]?.endpoints[0]?.port, 9001);
    await second.announce(announcement(ME, [A], { listenPort: 9002 }));
    assert.is((await second.listPeers(A, 0)).counts.partialPeers, 2);
  });
});

test("withdrawing ends what was announced, and nothing else", async () => {
  await withClients({}, async (first, second) => {
    await first.withdraw(ME); // nothing was announced
    await first.announce(announcement(ME, [A, B]));
    await second.announce(announcement(peerId(2), [A]));
    await first.withdraw(ME, [B]);
    assert.is((await second.listPeers(B, 0)).counts.partialPeers, 0);
    await first.withdraw(ME);
    await first.withdraw(ME);
    assert.is((await second.listPeers(A, 0)).counts.partialPeers, 1);
  });
});

test("a tracker that has started anew takes announcements and withdrawals with old tokens", async () => {
  let port = 0;
  let client: TrackerClient | undefined;
  await withTracker({}, async ({ endpoint }) => {
    port = endpoint.port;
    client = new TrackerClient(endpoint);
    await client.announce(announcement(ME, [A]));
  });
  await withTracker({ listenPort: port }, async () => {
    await client?.withdraw(ME);
    const answer = await client?.announce(announcement(ME, [A]));
    assert.is(answer?.answers[0]?.counts.partialPeers, 1);
    await client?.withdraw(ME);
    assert.is((await client?.listPeers(A, 0))?.counts.partialPeers, 0);
    await client?.close();
  });
});

test("more shares than one call holds are withdrawn with several", async () => {
  const ids = Array.from({ length: 2500 }, (_, n) => contentId(n));
  await withClients({}, async (first, second) => {
    for (let at = 0; at < ids.length; at += 1000) {
      await first.announce(announcement(ME, ids.slice(at, at + 1000)));
    }
    for (const n of [0, 999, 1000, 2499]) {
      assert.is((await second.listPeers(contentId(n), 0)).counts.partialPeers, 1);
    }
    await first.withdraw(ME, ids);
    for (const n of [0, 999, 1000, 2499]) {
      assert.is((await second.listPeers(contentId(n), 0)).counts.partialPeers, 0);
    }
  });
});

test("a root is asked for, published, and fetched by others; one that is not there is undefined", async () => {
  const root = rootNamed("photo.jpg");
  const shares = [{ contentId: root.contentId, chunksHeld: 1, complete: true, wantPeers: 0 }];
  await withClients({}, async (first, second) => {
    assert.is(await second.getManifest(root.contentId), undefined);
    const { wantedManifests } = await first.announce(announcement(ME, [], { shares }));
    assert.equal(wantedManifests, [root.contentId]);
    assert.ok(await first.publishManifest(ME, root.bytes));
    assert.not(await first.publishManifest(ME, root.bytes));
    const bytes = await second.getManifest(root.contentId);
    assert.equal(Buffer.from(bytes ?? []), Buffer.from(root.bytes));
  });
});

test("publishing what was not announced is TRACKER_REFUSED", async () => {
  await withClients({}, async (first) => {
    const error = await failure(first.publishManifest(ME, rootNamed("photo.jpg").bytes));
    assert.is(error.code, "TRACKER_REFUSED");
    assert.is(error.blame, "tracker");
  });
});

test("a full tracker is TRACKER_REFUSED, named, with what to do", async () => {
  await withClients({ maxPeers: 1 }, async (first, second) => {
    await first.announce(announcement(ME, [A]));
    const error = await failure(second.announce(announcement(peerId(2), [A])));
    assert.is(error.code, "TRACKER_REFUSED");
    assert.match(error.message, `tracker 127.0.0.1:${second.endpoint.port} refused: "`);
    assert.match(error.hint, "--tracker");
  });
});

test("info says what the tracker is", async () => {
  await withClients({}, async (first) => {
    const info = await first.info();
    assert.is(info.agent, AGENT);
    assert.is(info.observedHost, "127.0.0.1");
    assert.match(info.instanceId, /^[0-9a-f]{32}$/);
  });
});

test("nobody listening is TRACKER_UNREACHABLE, named, with what to do", async () => {
  let client: TrackerClient | undefined;
  await withTracker({}, async ({ endpoint }) => {
    client = new TrackerClient(endpoint, { maxAttempts: 1 });
  });
  if (client === undefined) throw new Error("no client");
  const error = await failure(client.info());
  assert.is(error.code, "TRACKER_UNREACHABLE");
  assert.match(error.message, `tracker 127.0.0.1:${client.endpoint.port} cannot be reached`);
  assert.ok(error.hint.length > 0);
  await client.close();
});

test("an aborted call rejects with the signal's reason", async () => {
  await withClients({}, async (first) => {
    const reason = new Error("Ctrl-C");
    const call = first.announce(announcement(ME, [A]), AbortSignal.abort(reason));
    assert.is(await call.catch((error: unknown) => error), reason);
  });
});

test("a tracker whose name is not known is said to be that, not just out of reach", async () => {
  for (const endpoint of [
    "nowhere.invalid:8080",
    `tls://nowhere.invalid:8080#${"ab".repeat(32)}`,
    "tls://nowhere.invalid:8080",
  ]) {
    const client = new TrackerClient(requireTrackerEndpoint(endpoint, "tracker", 0), { maxAttempts: 1 });
    const error = await failure(client.info());
    assert.is(error.code, "TRACKER_UNREACHABLE");
    assert.match(error.message, /nowhere\.invalid:8080\S* cannot be reached: its name is not known here$/);
    assert.match(error.hint, "check the spelling of the name");
    await client.close();
  }
});

test.run();

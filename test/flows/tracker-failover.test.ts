import { test } from "uvu";
import * as assert from "uvu/assert";
import { TrackerService } from "../../gen/goshare/v1/tracker_pb.js";
import { parseEndpoint } from "../../src/address/endpoint.js";
import { randomPeerId } from "../../src/core/ids.js";
import { TrackerLookup } from "../../src/flows/finding/tracker-lookup.js";
import { unary } from "../../src/rpc/adapter.js";
import { closeFakeTrackers, startFakeTracker } from "../support/fake-tracker.js";
import { rootNamed } from "../tracker/server/rig.js";

const root = rootNamed("film.bin");
const { method } = TrackerService;

test.after(closeFakeTrackers);

test("the first tracker is asked, another while it is away, and the first again when it is back", async () => {
  const asked: string[] = [];
  const script = (name: string) => ({
    getManifest: unary(method.getManifest, async () => {
      asked.push(name);
      return { manifest: root.bytes };
    }),
  });
  const first = await startFakeTracker(script("first"));
  const second = await startFakeTracker(script("second"));
  const endpoints = [first, second].map(({ endpoint }) => parseEndpoint(endpoint));
  const lookup = await TrackerLookup.open(
    endpoints.filter((endpoint) => endpoint !== undefined),
    root.contentId,
    randomPeerId(),
    () => {},
  );
  const { signal } = new AbortController();
  const ask = async (): Promise<void> => {
    assert.is((await lookup.findRoot(signal))?.contentId, root.contentId);
  };
  await ask();
  assert.equal(asked, ["first"]);
  await first.close();
  await ask();
  assert.equal(asked, ["first", "second"]);
  assert.not(lookup.isSilent);
  await startFakeTracker(script("first"), "127.0.0.1", first.port);
  while (asked.at(-1) !== "first") await ask();
  await lookup.close();
});

test.run();

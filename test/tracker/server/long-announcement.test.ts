// What an announcement of many shares leaves to others while it is dealt with.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { TrackerService } from "../../../gen/goshare/v1/tracker_pb.js";
import { monotonicClock } from "../../../src/core/clock.js";
import { idToBytes, type PeerId } from "../../../src/core/ids.js";
import { MAX_SHARES_PER_ANNOUNCE } from "../../../src/tracker/limits.js";
import { defaultTrackerOptions } from "../../../src/tracker/server/options.js";
import type { LeaseUpdate, SampleQuery } from "../../../src/tracker/server/store.js";
import { MemoryStore } from "../../../src/tracker/server/stores/memory-store.js";
import { withTracker } from "./rig.js";
import { contentId, peerId } from "./stores/store-rig.js";

/** Writes down what it was asked, and when the event loop next had a turn for anything else. */
class ObservedStore extends MemoryStore {
  readonly happened: string[] = [];

  override announce(update: LeaseUpdate) {
    this.happened.push("announced");
    setImmediate(() => this.happened.push("others"));
    return super.announce(update);
  }

  override sample(queries: readonly SampleQuery[], exclude: readonly PeerId[], maxPeers: number) {
    this.happened.push("sampled");
    return super.sample(queries, exclude, maxPeers);
  }
}

async function happenedWith(shareCount: number): Promise<readonly string[]> {
  const store = new ObservedStore(defaultTrackerOptions, monotonicClock);
  const shares = Array.from({ length: shareCount }, (_, n) => {
    return { contentId: idToBytes(contentId(n)), chunksHeld: 1, complete: true, wantPeers: 1 };
  });
  const announcement = { peerId: idToBytes(peerId(1)), runEpochMs: 1n, listenPort: 9000, shares };
  await withTracker(
    {},
    async ({ call }) => {
      const { answers } = await call(TrackerService.method.announce, announcement);
      assert.is(answers.length, shareCount);
    },
    store,
  );
  return store.happened;
}

test("others have a turn between the steps of an announcement of many shares, and of a few it is one step", async () => {
  assert.equal(await happenedWith(MAX_SHARES_PER_ANNOUNCE), ["announced", "others", "sampled"]);
  assert.equal(await happenedWith(2), ["announced", "sampled", "others"]);
});

test.run();

// When offers are made, by a clock that the tests move.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { Bitfield } from "../../src/core/bitfield.js";
import { MIB } from "../../src/core/units.js";
import { OFFERS_FEATURE } from "../../src/peer/messages.js";
import { type OfferedConnection, Offering, type Uplink } from "../../src/swarm/offering.js";
import { defaultOfferingOptions } from "../../src/swarm/options.js";
import { ManualTime } from "../support/manual-time.js";
import { smallShare } from "../support/small-share.js";

const CHUNKS = 8;
const { contentId } = smallShare(1).manifest.root;

class Neighbour implements OfferedConnection {
  readonly remote = { features: [OFFERS_FEATURE] };
  readonly offers: { readonly offerId: number; readonly chunks: readonly number[] }[] = [];

  notify(notice: Parameters<OfferedConnection["notify"]>[0]): void {
    if (notice.type === "offer") this.offers.push(notice);
  }
}

/** A sharer with an uplink of this kind, and so many neighbours that have nothing. */
function sharing(uplink: Uplink, count: number) {
  const time = new ManualTime();
  const share = { contentId, chunkBytes: MIB, held: Bitfield.full(CHUNKS) };
  const offering = new Offering(share, 16, defaultOfferingOptions, uplink, time, () => 0.9);
  const neighbours = Array.from({ length: count }, () => new Neighbour());
  for (const neighbour of neighbours) offering.joined(neighbour, "none");
  time.advance(1);
  return { time, offering, neighbours };
}

test("one that does not answer an offer keeps it until it lapses, and then another gets one", () => {
  const { time, neighbours } = sharing({ waitMs: 0, chunkMs: () => 1_000, isLimited: false }, 2);
  const [silent, other] = neighbours;
  assert.is(silent?.offers.length, 1);
  time.advance(defaultOfferingOptions.minOfferDeadlineMs - 2);
  assert.is(other?.offers.length, 0);
  time.advance(1_000);
  assert.is(other?.offers.length, 1);
  assert.is(silent?.offers.length, 1, "no other before it answers");
});

test.run();

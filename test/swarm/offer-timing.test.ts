// When offers are made, by a clock that the tests move.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { Bitfield } from "../../src/core/bitfield.js";
import { MIB } from "../../src/core/units.js";
import { OFFERS_FEATURE } from "../../src/peer/messages.js";
import { defaultOfferingOptions } from "../../src/swarm/options.js";
import { type OfferedConnection, Offering, type Uplink } from "../../src/swarm/uploading/offering.js";
import { ManualTime } from "../support/manual-time.js";
import { smallShare } from "../support/small-share.js";

const CHUNKS = 32;
const { contentId } = smallShare(1).manifest.root;

class Neighbour implements OfferedConnection {
  readonly remote: { readonly features: readonly string[] };
  readonly offers: { readonly offerId: number; readonly chunks: readonly number[] }[] = [];

  /** How many offers came together. */
  readonly groups: number[] = [];

  constructor(features: readonly string[] = [OFFERS_FEATURE]) {
    this.remote = { features };
  }

  nextOfferId(): number {
    return this.offers.length + 1;
  }

  together(step: () => void): void {
    const before = this.offers.length;
    step();
    this.groups.push(this.offers.length - before);
  }

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

for (const [link, chunkMs, count] of [
  ["slow", 250, 1],
  ["quick", 20, 2],
  ["very quick", 1, defaultOfferingOptions.maxCommittedPerRecipient],
] as const) {
  test(`on a ${link} link a neighbour whose turn it is gets ${count} at a time`, () => {
    const { neighbours } = sharing({ waitMs: 0, chunkMs: () => chunkMs, isLimited: false }, 2);
    assert.is(neighbours[0]?.groups[0], count);
    const chunks = neighbours.flatMap(({ offers }) => offers.flatMap((offer) => offer.chunks));
    assert.is(new Set(chunks).size, chunks.length, "no chunk twice");
  });
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

test("those who ask for all they may by themselves do not keep others from being offered their part", () => {
  const time = new ManualTime();
  const share = { contentId, chunkBytes: MIB, held: Bitfield.full(64) };
  // Each has a chunk on its way, and for the next two seconds the rate lets nothing else go.
  const busy: Uplink = { waitMs: 2_000, chunkMs: () => 2_000, isLimited: true };
  const offering = new Offering(share, 16, defaultOfferingOptions, busy, time, () => 0.9);
  const [one, two, first, second] = [new Neighbour([]), new Neighbour([]), new Neighbour(), new Neighbour()];
  for (const each of [one, two]) {
    offering.joined(each, "none");
    for (let chunkIndex = 0; chunkIndex < 16; chunkIndex++) offering.asked(each, chunkIndex, 0);
    offering.begun(each);
  }
  for (const each of [first, second]) offering.joined(each, "none");
  time.advance(1);
  assert.equal(
    [first, second].map(({ offers }) => offers.length),
    [1, 1],
  );
});

test("nothing is offered any more once it is closed, whatever is gained or was about to be offered", () => {
  const time = new ManualTime();
  const share = { contentId, chunkBytes: MIB, held: new Bitfield(CHUNKS) };
  const idle: Uplink = { waitMs: 0, chunkMs: () => 10, isLimited: false };
  const offering = new Offering(share, 16, defaultOfferingOptions, idle, time, () => 0.9);
  const neighbours = [new Neighbour(), new Neighbour()];
  for (const neighbour of neighbours) offering.joined(neighbour, "none");
  time.advance(1);
  offering.gained(0);
  offering.close();
  offering.gained(1);
  time.advance(1_000);
  assert.equal(
    neighbours.map(({ offers }) => offers),
    [[], []],
  );
});

test.run();

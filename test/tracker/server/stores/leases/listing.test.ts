import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { KeyedHash } from "../../../../../src/tracker/server/stores/leases/keyed-hash.js";
import { Listing } from "../../../../../src/tracker/server/stores/leases/listing.js";
import { MixedSampler } from "../../../../../src/tracker/server/stores/leases/mixed-sample.js";
import { Slab } from "../../../../../src/tracker/server/stores/leases/slab.js";
import { seededRandom } from "../store-rig.js";

const MEMBERS = 40;
const GROUPS = 4;

test("members of a group have positions without gaps, whoever joins and leaves", () => {
  const step = fc.record({ member: fc.nat(MEMBERS - 1), group: fc.nat(GROUPS - 1) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const [members, owners] = [new Slab(MEMBERS), new Slab(GROUPS / 2)];
      const listing = new Listing(members, owners, 2, new KeyedHash(), MEMBERS);
      for (let row = 0; row < MEMBERS; row++) members.take();
      for (let row = 0; row < GROUPS / 2; row++) owners.take();
      const model = new Map<number, number>();
      for (const { member, group } of steps) {
        assert.is(listing.has(member), model.has(member));
        if (listing.has(member)) {
          listing.leave(member);
          model.delete(member);
        } else {
          listing.join(member, group);
          model.set(member, group);
        }
        listing.leave((member + 1) % MEMBERS);
        model.delete((member + 1) % MEMBERS);
      }
      for (let group = 0; group < GROUPS; group++) {
        const wanted = [...model].filter(([, one]) => one === group).map(([member]) => member);
        const found = Array.from({ length: listing.count(group) }, (_, i) => listing.at(group, i));
        assert.equal(
          found.sort((a, b) => a - b),
          wanted.sort((a, b) => a - b),
        );
        const members = new Int32Array(MEMBERS);
        const positions = Int32Array.from(wanted.keys()).reverse();
        listing.atEach(group, positions, positions.length, members);
        assert.equal(
          [...members.subarray(0, positions.length)],
          [...positions].map((position) => listing.at(group, position)),
        );
      }
    }),
  );
});

interface More {
  readonly spare?: number;
  readonly sampler?: MixedSampler;
  readonly at?: (group: 0 | 1, position: number) => string | undefined;
}

const anyMember = (group: 0 | 1, position: number) => `${group} ${position}`;

function sampleOf(counts: readonly [number, number], max: number, more: More = {}): string[] {
  const { spare = 0, sampler = new MixedSampler(Math.random), at = anyMember } = more;
  const drawn: string[] = [];
  const take = (group: 0 | 1, positions: Int32Array, count: number): number => {
    const members = [...positions.subarray(0, count)].map((position) => at(group, position));
    const some = members.filter((member) => member !== undefined);
    drawn.push(...some);
    return some.length;
  };
  sampler.draw({ counts, max, spare, take });
  return drawn;
}

test("a sample holds members of either group, none twice, as many as wanted or there are", () => {
  const count = fc.oneof(fc.nat(5), fc.nat(200));
  // One after another, in the same memory.
  const sampler = new MixedSampler(seededRandom(3));
  fc.assert(
    fc.property(count, count, fc.nat(60), (first, second, max) => {
      const drawn = sampleOf([first, second], max, { sampler });
      assert.is(drawn.length, Math.min(max, first + second));
      assert.is(new Set(drawn).size, drawn.length);
      for (const one of drawn) {
        const [group, position] = one.split(" ").map(Number);
        assert.ok((position ?? -1) < (group === 0 ? first : second));
      }
    }),
  );
});

test("neither group is crowded out of a sample by the other", () => {
  for (const counts of [
    [20, 100_000],
    [100_000, 20],
  ] as const) {
    for (const [max, least] of [
      [50, 13],
      [8, 2],
      [2, 1],
    ] as const) {
      const drawn = sampleOf(counts, max);
      for (const group of ["0", "1"]) {
        const part = drawn.filter((one) => one.startsWith(group)).length;
        assert.ok(part >= least, `${part} of group ${group} in ${drawn.length}`);
      }
    }
  }
  assert.is(sampleOf([3, 100_000], 50).filter((one) => one.startsWith("0")).length, 3);
});

test("where neither would be crowded out, all members of both are equally likely", () => {
  const sampler = new MixedSampler(seededRandom(5));
  const drawn = new Map<string, number>();
  const [first, second, max, draws] = [30, 50, 9, 20_000];
  for (let i = 0; i < draws; i++) {
    for (const one of sampleOf([first, second], max, { sampler })) drawn.set(one, (drawn.get(one) ?? 0) + 1);
  }
  const expected = (draws * max) / (first + second);
  assert.is(drawn.size, first + second);
  for (const count of drawn.values()) {
    assert.ok(Math.abs(count - expected) < 6 * Math.sqrt(expected), `${count} instead of ${expected}`);
  }
});

test("who is not to be given out is replaced, by the other group if need be", () => {
  const even = (group: 0 | 1, position: number) => (position % 2 === 0 ? `${group} ${position}` : undefined);
  assert.is(sampleOf([20, 20], 16, { at: even, spare: 20 }).length, 16);
  const second = (group: 0 | 1, position: number) => (group === 1 ? `${position}` : undefined);
  assert.is(sampleOf([20, 20], 20, { at: second, spare: 20 }).length, 20);
  const first = (group: 0 | 1, position: number) => (group === 0 ? `${position}` : undefined);
  assert.is(sampleOf([20, 20], 20, { at: first, spare: 20 }).length, 20);
});

test("a sample of a large swarm looks at no more than twice what it gives", () => {
  let looks = 0;
  const none = () => {
    looks += 1;
    return undefined;
  };
  assert.equal(sampleOf([100_000, 100_000], 50, { at: none, spare: 2 }), []);
  assert.ok(looks <= 2 * 2 * 52, `${looks} looks`);
});

test.run();

import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { ContentId } from "../../../../../src/core/ids.js";
import type { LeaseUpdate, StoreLimits } from "../../../../../src/tracker/server/store.js";
import { LeaseBook } from "../../../../../src/tracker/server/stores/leases/lease-book.js";
import { WordReader, WordWriter } from "../../../../../src/tracker/server/stores/leases/words.js";
import { contentId, leaseKey } from "../store-rig.js";
import { NaiveLeases } from "./naive-leases.js";

const SHARES = 5;
const TTL_MS = 10_000;
const limits: StoreLimits = {
  maxPeers: 6,
  maxLeases: 14,
  maxLeasesPerPeer: 3,
  maxLeasesPerSwarm: 3,
  maxManifests: 0,
  maxManifestBytesTotal: 0,
};

const key = fc
  .record({ n: fc.nat(3), host: fc.constantFrom("10.0.0.1", "2001:db8::7"), port: fc.constantFrom(0, 9000) })
  .map(({ n, host, port }) => leaseKey(n, host, port));

const shares = fc
  .uniqueArray(fc.record({ n: fc.nat(SHARES - 1), chunksHeld: fc.nat(9), complete: fc.boolean() }), {
    selector: ({ n }) => n,
    maxLength: 4,
  })
  .map((all) => all.map(({ n, ...share }) => ({ contentId: contentId(n), ...share })));

const endpoints = fc.constantFrom([], [{ host: "example.org", port: 7, transport: "tcp" as const }]);

const step = fc.oneof(
  fc.record({
    type: fc.constant("announce" as const),
    update: fc.record({
      key,
      movedFrom: fc.option(key, { nil: undefined }),
      runEpochMs: fc.nat(3),
      endpoints,
      shares,
      ttlMs: fc.constant(TTL_MS),
    }),
  }),
  fc.record({ type: fc.constant("withdraw" as const), key, shares }),
  fc.record({ type: fc.constant("pass" as const), ms: fc.nat(TTL_MS / 2), isCleared: fc.boolean() }),
);

function expireAll(book: LeaseBook, nowMs: number): void {
  for (let next: number | undefined = 0; next !== undefined; ) next = book.expireFrom(next, nowMs);
}

function listed(book: LeaseBook, id: ContentId, nowMs: number) {
  const [sample] = book.sample([{ contentId: id, max: 50 }], [], 2000, nowMs);
  const peers = [...(sample?.peers ?? [])].map(
    ({ key: { peerId, host, listenPort }, chunksHeld, complete }) => {
      return `${peerId} ${host} ${listenPort} ${chunksHeld} ${complete}`;
    },
  );
  return { peers: peers.sort(), counts: sample?.counts };
}

function assertAlike(book: LeaseBook, model: NaiveLeases, nowMs: number): void {
  assert.equal([book.peerCount, book.leaseCount], [model.peers.size, model.leases.length]);
  for (let n = 0; n < SHARES; n++) {
    const id = contentId(n);
    assert.equal(listed(book, id, nowMs), { peers: model.listed(id, nowMs), counts: model.counts(id) });
    assert.is(
      book.hasSwarm(id),
      model.leases.some((lease) => lease.contentId === id),
    );
  }
}

/** What `book` writes, read by another. */
function reloaded(book: LeaseBook, nowMs: number): LeaseBook {
  const copy = new LeaseBook(limits, Math.random, () => {});
  const out = new WordWriter();
  for (let next: number | undefined = 0; next !== undefined; ) {
    out.cutTo(0);
    next = book.dumpFrom(next, 30, nowMs, out);
    copy.load(new WordReader(out.written), TTL_MS, nowMs);
  }
  return copy;
}

test("any sequence of announcements, moves, withdrawals and endings agrees with one list of leases", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const ended = new Set<ContentId>();
      const book = new LeaseBook(limits, Math.random, (id) => ended.add(id));
      const model = new NaiveLeases(limits);
      let nowMs = 0;
      for (const one of steps) {
        if (one.type === "announce") {
          const update: LeaseUpdate = one.update;
          const { outcome, completeShares } = book.announce(update, nowMs);
          assert.is(outcome, model.announce(update, nowMs));
          for (const id of completeShares) assert.ok(book.holdsLease(update.key, id, nowMs));
        } else if (one.type === "withdraw") {
          const ids = one.shares.map((share) => share.contentId);
          book.withdraw(one.key, ids);
          model.withdraw(one.key, ids);
        } else {
          nowMs += one.ms;
          if (one.isCleared) {
            expireAll(book, nowMs);
            model.expire(nowMs);
          }
        }
        assertAlike(book, model, nowMs);
        for (const id of ended) assert.not(book.hasSwarm(id));
        ended.clear();
      }
      expireAll(book, nowMs);
      model.expire(nowMs);
      assertAlike(reloaded(book, nowMs), model, nowMs);
      expireAll(book, nowMs + TTL_MS);
      assert.equal([book.peerCount, book.leaseCount], [0, 0]);
    }),
    { numRuns: 300 },
  );
});

test("a swarm that ends by a move and is begun again by the same announcement has not ended", () => {
  const ended: ContentId[] = [];
  const book = new LeaseBook(limits, Math.random, (id) => ended.push(id));
  const [here, there] = [leaseKey(0, "10.0.0.1", 0), leaseKey(0, "2001:db8::7", 0)];
  const more = { runEpochMs: 0, endpoints: [], ttlMs: TTL_MS };
  const shareOf = (...ns: readonly number[]) =>
    ns.map((n) => ({ contentId: contentId(n), chunksHeld: 0, complete: false }));
  book.announce({ key: here, shares: shareOf(2, 1), ...more }, 0);
  book.announce({ key: there, shares: shareOf(3, 0), ...more }, 0);
  // Together they have more than one peer may have.
  book.announce({ key: here, movedFrom: there, shares: shareOf(0), ...more }, 0);
  assert.equal(ended, [contentId(3)]);
  assert.ok(book.hasSwarm(contentId(0)));
});

test("leases that could be handed out and leases that could not become alike when a move joins them", () => {
  const [open, hidden] = [leaseKey(1, "10.0.0.1", 9000), leaseKey(1, "10.0.0.1", 0)];
  const place = [{ host: "example.org", port: 7, transport: "tcp" as const }];
  const shareOf = (n: number) => [{ contentId: contentId(n), chunksHeld: 1, complete: false }];
  const more = { runEpochMs: 1, ttlMs: TTL_MS };
  for (const endpoints of [place, []]) {
    const book = new LeaseBook(limits, Math.random, () => {});
    book.announce({ key: open, endpoints: [], shares: shareOf(1), ...more }, 0);
    book.announce({ key: hidden, endpoints: [], shares: shareOf(2), ...more }, 0);
    book.announce({ key: hidden, movedFrom: open, endpoints, shares: [], ...more }, 0);
    for (const n of [1, 2]) {
      assert.is(listed(book, contentId(n), 0).peers?.length, endpoints.length);
      assert.equal(listed(book, contentId(n), 0).counts, { completePeers: 0, partialPeers: 1 });
    }
  }
});

test("a peer that stands twice in a snapshot is listed with all of its leases, or with none", () => {
  const key = leaseKey(1, "10.0.0.1", 0);
  const place = [{ host: "example.org", port: 7, transport: "tcp" as const }];
  const states = [
    { endpoints: [], n: 1 },
    { endpoints: place, n: 2 },
  ];
  for (const order of [states, states.toReversed()]) {
    const copy = new LeaseBook(limits, Math.random, () => {});
    for (const { endpoints, n } of order) {
      const book = new LeaseBook(limits, Math.random, () => {});
      const shares = [{ contentId: contentId(n), chunksHeld: 1, complete: false }];
      book.announce({ key, endpoints, shares, runEpochMs: 1, ttlMs: TTL_MS }, 0);
      const out = new WordWriter();
      book.dumpFrom(0, 1000, 0, out);
      copy.load(new WordReader(out.written), TTL_MS, 0);
    }
    const isListed = order.at(-1)?.endpoints === place;
    for (const n of [1, 2]) assert.is(listed(copy, contentId(n), 0).peers?.length, isListed ? 1 : 0);
  }
});

test("of a share that is full in a snapshot no more is taken up than one may have", () => {
  const book = new LeaseBook({ ...limits, maxLeasesPerSwarm: 6 }, Math.random, () => {});
  const shares = [{ contentId: contentId(1), chunksHeld: 1, complete: false }];
  for (let n = 0; n < 6; n++)
    book.announce({ key: leaseKey(n), endpoints: [], shares, runEpochMs: 1, ttlMs: TTL_MS }, 0);
  const copy = reloaded(book, 0);
  assert.equal([book.leaseCount, copy.leaseCount, copy.peerCount], [6, 3, 3]);
});

test("words that no lease book wrote are refused, and leave nothing half there", () => {
  const book = new LeaseBook(limits, Math.random, () => {});
  const complete = { contentId: contentId(1), chunksHeld: 1, complete: true };
  const update = { key: leaseKey(1), runEpochMs: 1, endpoints: [], shares: [complete], ttlMs: TTL_MS };
  book.announce(update, 0);
  const out = new WordWriter();
  book.dumpFrom(0, 1000, 0, out);
  for (let length = 1; length < out.length; length++) {
    const copy = new LeaseBook(limits, Math.random, () => {});
    assert.throws(() => copy.load(new WordReader(out.written.subarray(0, length)), TTL_MS, 0), RangeError);
    assert.is(copy.leaseCount, 0, `${length} words`);
  }
  fc.assert(
    fc.property(fc.array(fc.oneof(fc.nat(60), fc.nat()), { maxLength: 60 }), (words) => {
      const copy = new LeaseBook(limits, Math.random, () => {});
      try {
        copy.load(new WordReader(Uint32Array.from(words)), TTL_MS, 0);
      } catch (thrown) {
        assert.instance(thrown, RangeError);
      }
      expireAll(copy, 2 * TTL_MS);
      assert.equal([copy.peerCount, copy.leaseCount], [0, 0]);
    }),
  );
});

test("a lease is handed out until its end, whatever its clock shows", () => {
  const one = [{ contentId: contentId(1), chunksHeld: 1, complete: true }];
  const update = { key: leaseKey(1), runEpochMs: 1, endpoints: [], shares: one, ttlMs: TTL_MS };
  for (const nowMs of [0, 0.75, 2 ** 31 - 1, 2 ** 32 - TTL_MS / 2, 2 ** 32 + 0.25, 2 ** 40 - 1.5]) {
    const book = new LeaseBook(limits, Math.random, () => {});
    book.announce(update, nowMs);
    const isListedAfter = (ms: number): boolean => listed(book, contentId(1), nowMs + ms).peers.length > 0;
    assert.equal([0, TTL_MS - 1, TTL_MS, TTL_MS + 1, 2 ** 30].map(isListedAfter), [
      true,
      true,
      false,
      false,
      false,
    ]);
    const out = new WordWriter();
    book.dumpFrom(0, 1000, nowMs + 0.5, out);
    const later = new LeaseBook(limits, Math.random, () => {});
    later.load(new WordReader(out.written), TTL_MS, nowMs);
    assert.is(listed(later, contentId(1), nowMs + TTL_MS - 2).peers.length, 1);
    assert.is(listed(later, contentId(1), nowMs + TTL_MS).peers.length, 0);
  }
});

test("hundreds of thousands of leases end in steps of at most a thousand", () => {
  const many = 20_000;
  const book = new LeaseBook(
    { ...limits, maxPeers: many, maxLeases: many, maxLeasesPerPeer: 1, maxLeasesPerSwarm: many },
    Math.random,
    () => {},
  );
  for (let n = 0; n < many; n++) {
    const one = [{ contentId: contentId(n % 10), chunksHeld: 0, complete: false }];
    book.announce({ key: leaseKey(n), runEpochMs: 1, endpoints: [], shares: one, ttlMs: TTL_MS }, 0);
  }
  assert.is(book.leaseCount, many);
  for (let next: number | undefined = 0; next !== undefined; ) {
    const before = book.leaseCount;
    next = book.expireFrom(next, TTL_MS);
    assert.ok(before - book.leaseCount <= 1000);
  }
  assert.is(book.leaseCount, 0);
});

test.run();

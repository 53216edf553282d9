// Pages of a body from several peers: each peer is asked for a page once, nobody for what another owes while there is
// something else, and only the right bytes count.
import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { GoshareError } from "../../src/core/errors.js";
import { KIB } from "../../src/core/units.js";
import { assembleManifest } from "../../src/manifest/assemble.js";
import { BodyPages } from "../../src/manifest/body-pages.js";
import { BODY_PAGE_BYTES } from "../../src/manifest/limits.js";
import { madeUpDigests } from "./craft.js";

/** Its body has five pages, the last of which is shorter. */
const CHUNKS = 140_000;
const PAGES = 5;
const { root, bodyBytes } = assembleManifest({
  ...{ name: "paged", kind: "file", chunkSize: 64 * KIB, emptyDirectories: [], symbolicLinks: [] },
  files: [{ path: "paged", size: CHUNKS * 64 * KIB, executable: false }],
  chunkDigests: madeUpDigests(CHUNKS),
});
const isMismatch = (thrown: unknown) => thrown instanceof GoshareError && thrown.code === "DIGEST_MISMATCH";
const pageBytes = (page: number) => bodyBytes.slice((page - 1) * BODY_PAGE_BYTES, page * BODY_PAGE_BYTES);

test("a body is whole when every page has come from somebody, in any order", () => {
  // Of two peers, who is asked next, and how many of the pages it owes then come.
  const step = fc.record({ peer: fc.constantFrom(0, 1), answers: fc.nat(PAGES) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
      const pages = new BodyPages(root);
      const asked = [new Set<number>(), new Set<number>()];
      const owed: number[][] = [[], []];
      const here = new Set<number>();
      const askedAtAll = new Set<number>();
      for (const { peer, answers } of steps) {
        const before = new Set(asked[peer]);
        const page = pages.ask(asked[peer] ?? new Set());
        if (page === undefined) {
          const missing = Array.from({ length: PAGES }, (_, i) => i + 1).filter((each) => !here.has(each));
          assert.ok(missing.every((each) => before.has(each)));
        } else {
          assert.not.ok(before.has(page) || here.has(page));
          if (askedAtAll.has(page)) assert.is(askedAtAll.size, PAGES, "there was one nobody owes");
          askedAtAll.add(page);
          owed[peer]?.push(page);
        }
        for (const arrived of owed[peer]?.splice(0, answers) ?? []) {
          pages.arrived(arrived, pageBytes(arrived));
          here.add(arrived);
        }
        assert.is(pages.body !== undefined, here.size === PAGES);
      }
      if (pages.body !== undefined) assert.ok(Buffer.from(bodyBytes).equals(pages.body));
    }),
  );
});

test("wrong bytes do not count, and change nothing of what is here", () => {
  const pages = new BodyPages(root);
  const asked = new Set<number>();
  while (pages.ask(asked) !== undefined);
  const wrong = Buffer.alloc(BODY_PAGE_BYTES, 1);
  assert.throws(() => pages.arrived(1, wrong), isMismatch);
  assert.throws(() => pages.arrived(1, pageBytes(PAGES)), isMismatch);
  for (const page of asked) pages.arrived(page, pageBytes(page));
  assert.throws(() => pages.arrived(2, wrong), isMismatch);
  assert.ok(Buffer.from(bodyBytes).equals(pages.body ?? Buffer.of()));
});

test.run();

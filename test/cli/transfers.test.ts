import { test } from "uvu";
import * as assert from "uvu/assert";
import { Transfers } from "../../src/cli/render/transfers.js";
import { type ContentId, parseContentId } from "../../src/core/ids.js";
import type { GoshareEvent } from "../../src/events/event.js";

function contentIdOf(byte: string): ContentId {
  const id = parseContentId(byte.repeat(32));
  if (id === undefined) throw new Error("32 bytes in hex are a content id");
  return id;
}

type Progress = Extract<GoshareEvent, { type: "progress" }>;

const A = contentIdOf("aa");
const B = contentIdOf("bb");

const begun = (contentId: ContentId, name: string, bytes: number, resumedBytes = 0) =>
  ({ type: "downloading", contentId, name, path: name, bytes, files: 1, chunks: 1, resumedBytes }) as const;

function progress(contentId: ContentId, bytesDone: number, bytesTotal: number, stalledMs = 0): Progress {
  const bytesPerSecond = stalledMs > 0 ? 0 : 10;
  return {
    ...{ type: "progress", contentId, bytesDone, bytesTotal, bytesPerSecond },
    ...{ etaMs: 7, peers: 2, slowReason: "network", stalledMs },
  };
}

test("one download is shown under its name, with its own figures", () => {
  const transfers = new Transfers();
  transfers.begun(begun(A, "a\u001b.bin", 100));
  const state = transfers.progressed(progress(A, 40, 100));
  assert.equal(state, {
    ...{ name: "a\\u{1b}.bin", verb: "downloading", bytesDone: 40, bytesTotal: 100, bytesPerSecond: 10 },
    ...{ etaMs: 7, peers: 2, stall: "" },
  });
});

test("a download of which everything is there is being synced", () => {
  const transfers = new Transfers();
  transfers.begun(begun(A, "a", 100));
  assert.is(transfers.progressed(progress(A, 100, 100)).stall, "syncing to disk");
});

test("a download of which everything has gone into a stream is not synced", () => {
  const transfers = new Transfers();
  transfers.begun({ ...begun(A, "a", 100), path: "-" });
  assert.is(transfers.progressed(progress(A, 100, 100)).stall, "");
});

test("several are shown together, those that are over and those that have not told anything included", () => {
  const transfers = new Transfers();
  transfers.begun(begun(A, "a", 100));
  transfers.begun(begun(B, "b", 300, 50));
  const first = transfers.progressed(progress(A, 40, 100));
  assert.equal(
    [first.name, first.bytesDone, first.bytesTotal, first.bytesPerSecond],
    ["2 downloads", 90, 400, 10],
  );
  assert.is(first.verb, "");
  const second = transfers.progressed(progress(B, 160, 300));
  assert.equal([second.bytesDone, second.bytesPerSecond, second.peers, second.etaMs], [200, 20, 4, 10_000]);
  transfers.ended(A);
  const third = transfers.progressed(progress(B, 200, 300));
  assert.equal([third.bytesDone, third.bytesTotal, third.bytesPerSecond, third.peers], [240, 400, 10, 2]);
});

test("several stand still when each of them does that is not over", () => {
  const transfers = new Transfers();
  transfers.begun(begun(A, "a", 100));
  transfers.begun(begun(B, "b", 300));
  transfers.progressed(progress(A, 40, 100));
  assert.is(transfers.progressed(progress(B, 10, 300, 5_000)).stall, "");
  transfers.ended(A);
  assert.is.not(transfers.progressed(progress(B, 10, 300, 6_000)).stall, "");
});

test.run();

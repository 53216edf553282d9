// Names and texts of strangers, ten thousand of them: none steers a terminal, and none leads out of the output.
import { posix } from "node:path";
import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { describe } from "../../src/cli/render/describe.js";
import { plainPalette } from "../../src/cli/render/palette.js";
import type { GoshareEvent } from "../../src/events/event.js";
import { pathProblem } from "../../src/manifest/names.js";
import { SAMPLE_EVENTS } from "../events/sample-events.js";

const RUNS = 10_000;

const hostileCharacter = fc.constantFrom(
  ...[
    "\u001b",
    "\u001b[2J",
    "\u001b]0;title\u0007",
    "\u009b31m",
    "\r",
    "\n",
    "\b",
    "\t",
    "\0",
    "\u007f",
    "\u0085",
  ],
  ...[
    "\u202e",
    "\u2066",
    "\u200f",
    "\u061c",
    "\ud800",
    "..",
    "/",
    "\\",
    "./",
    "../",
    "a",
    "é",
    "😀",
    " ",
    "-",
    "~",
  ],
);
const hostileText = fc.oneof(
  fc.array(hostileCharacter, { maxLength: 12 }).map((parts) => parts.join("")),
  fc.string({ unit: "binary", maxLength: 30 }),
);

/** What a terminal obeys; and marks that turn the direction of text. */
const STEERING = /\p{Cc}|\p{Bidi_Control}/u;

/** Fields that hold what somebody else wrote, or a path made of it. */
const STRANGERS = new Set(["name", "path", "message", "hint", "agent", "manifestPath", "detail"]);

/** Puts `text` where a stranger's stands, at any depth. */
function putText(into: object, text: string): void {
  for (const [key, value] of Object.entries(into)) {
    if (typeof value === "object" && value !== null) putText(value, text);
    else if (STRANGERS.has(key) && typeof value === "string") Reflect.set(into, key, text);
  }
}

test("no text of a stranger brings a character to a terminal that steers it", () => {
  // Names of settings are goshare's own. Sums are for a program that reads the path as it is; it is one of a checked
  // manifest (see below).
  const all: readonly GoshareEvent[] = Object.values(SAMPLE_EVENTS);
  const events = all.filter(({ type }) => type !== "fileSum" && type !== "setting");
  const anyEvent = fc.nat({ max: events.length - 1 }).map((index) => events[index]);
  fc.assert(
    fc.property(anyEvent, hostileText, (event, text) => {
      if (event === undefined) return;
      const hostile = structuredClone(event);
      putText(hostile, text);
      for (const line of describe(hostile, plainPalette)) {
        const shown = JSON.stringify(line);
        assert.not.match(line.text, STEERING, `${event.type}: ${shown}`);
      }
    }),
    { numRuns: RUNS },
  );
});

test("no path that is taken from a manifest leads out of the folder it is put into", () => {
  let taken = 0;
  fc.assert(
    fc.property(hostileText, (path) => {
      if (pathProblem(path) !== undefined) return;
      taken++;
      assert.not.match(path, STEERING);
      const put = posix.resolve("/output", path);
      assert.is(put, `/output/${path}`);
    }),
    { numRuns: RUNS },
  );
  assert.ok(taken > RUNS / 100, `${taken} of them are taken`);
});

test.run();

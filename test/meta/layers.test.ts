import { existsSync } from "node:fs";
import { posix } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { REPOSITORY, sourceFiles } from "../support/repository.js";
import { importProblem, importsOf } from "./imports.js";

test("imports are found in every form", () => {
  const source = `
    import { a } from "./a.js";
    import type {
      B,
    } from "../b/b.js";
    export * from "./c.js";
    export type { D } from "./d.js";
    import "./e.js";
    const f = await import("./f.js");
    type G = typeof import("./g.js");
    const h = new URL("./h.js", import.meta.url);
    // import { no } from "./comment.js";
    /* import { no } from "./comment.js"; */
    import assert, { type I } from "node:assert/strict";
  `;
  const found = importsOf(source).sort();
  const wanted = ["../b/b.js", ..."acdefgh"].map((name) => (name.length === 1 ? `./${name}.js` : name));
  assert.equal(found, [...wanted, "node:assert/strict"].sort());
});

test("imports go down, never up or sideways", () => {
  assert.is(importProblem("src/cli/entry.ts", "../flows/share.js"), undefined);
  assert.is(importProblem("src/cli/commands/share.ts", "../../core/errors.js"), undefined);
  assert.is(importProblem("src/storage/part.ts", "../manifest/layout.js"), undefined);
  assert.is(importProblem("src/cli/entry.ts", "clipanion"), undefined);
  assert.match(importProblem("src/core/ids.ts", "../events/event.js") ?? "", "core must not import events");
  assert.match(
    importProblem("src/peer/frame.ts", "../tracker/client.js") ?? "",
    "peer must not import tracker",
  );
  assert.match(
    importProblem("src/address/ticket.ts", "../manifest/names.js") ?? "",
    "must not import manifest",
  );
  assert.match(importProblem("src/flows/share.ts", "../shed/tool.js") ?? "", "no room shed");
  assert.match(importProblem("src/flows/share.ts", "../../test/run.js") ?? "", "not below src/");
});

test("folders of a room import down the list of its folders only", () => {
  const finder = "src/swarm/neighbours/peer-finder.ts";
  assert.is(importProblem(finder, "../availability/coverage.js"), undefined);
  assert.is(importProblem(finder, "../options.js"), undefined);
  assert.is(importProblem("src/swarm/download-swarm.ts", "./neighbours/neighbour.js"), undefined);
  assert.match(importProblem(finder, "../downloading/scheduler.js") ?? "", "must not import downloading");
  assert.match(importProblem(finder, "../shed/tool.js") ?? "", "no folder shed");
});

test("generated code is for wire.ts, and for the tracker's descriptors", () => {
  const generated = "../../gen/goshare/v1/peer_pb.js";
  assert.is(importProblem("src/peer/wire.ts", generated), undefined);
  assert.match(importProblem("src/peer/frame.ts", generated) ?? "", "wire.ts only");
  assert.is(importProblem("src/tracker/client.ts", "../../gen/goshare/v1/tracker_pb.js"), undefined);
});

const sources = sourceFiles("src");

test("every import below src/ keeps to the table", () => {
  const problems = sources.flatMap(({ path, text }) =>
    importsOf(text).flatMap((specifier) => importProblem(path, specifier) ?? []),
  );
  assert.equal(problems, []);
  assert.ok(sources.length > 10, "there are sources to look at");
});

test("every relative import names a file that is there", () => {
  for (const { path, text } of sources) {
    for (const specifier of importsOf(text)) {
      if (!specifier.startsWith(".")) continue;
      const target = posix.join(posix.dirname(path), specifier).replace(/\.js$/, ".ts");
      assert.ok(existsSync(new URL(target, `file://${REPOSITORY}`)), `${path} imports ${specifier}`);
    }
  }
});

/** The flow that runs it, and the public library by type. */
const MAY_LOAD_SERVER: readonly string[] = ["src/flows/tracker.ts", "src/library/tracker.ts"];

test("the tracker's server is loaded by the flow that runs it and by no other part", () => {
  for (const { path, text } of sources) {
    if (path.startsWith("src/tracker/server/") || MAY_LOAD_SERVER.includes(path)) continue;
    assert.not(
      importsOf(text).some((specifier) => /tracker\/server\/|^\.\/server\//.test(specifier)),
      `${path} imports the tracker's server`,
    );
  }
});

test.run();

import { test } from "uvu";
import * as assert from "uvu/assert";
import { Intake } from "../../src/swarm/downloading/intake.js";

const asked = (...sizes: readonly number[]) => sizes.map((size) => ({ requests: { size } }));

test("a few chunks may be on their way before any has come, of all peers together", () => {
  const intake = new Intake();
  assert.ok(intake.hasRoom(asked(2, 3), 0));
  assert.not(intake.hasRoom(asked(3, 3), 0));
});

test("as many may be on their way as have come lately, and no more when none come any longer", () => {
  const intake = new Intake();
  for (let chunk = 0; chunk < 20; chunk++) intake.received(chunk * 50);
  assert.ok(intake.hasRoom(asked(19), 1_000));
  assert.not(intake.hasRoom(asked(20), 1_000));
  assert.not(intake.hasRoom(asked(6), 5_000));
});

test.run();

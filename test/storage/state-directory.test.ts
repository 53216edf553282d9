import { homedir } from "node:os";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { stateDirectory } from "../../src/storage/state-directory.js";

test("state is below XDG_STATE_HOME, or what the specification says stands for it", () => {
  assert.is(stateDirectory({ XDG_STATE_HOME: "/var/state" }, false), "/var/state/goshare");
  const usual = join(homedir(), ".local", "state", "goshare");
  for (const env of [{}, { XDG_STATE_HOME: "" }, { XDG_STATE_HOME: "relative/path" }]) {
    assert.is(stateDirectory(env, false), usual);
  }
});

test("on Windows it is below LOCALAPPDATA", () => {
  assert.is(stateDirectory({ LOCALAPPDATA: "/users/ann/local" }, true), "/users/ann/local/goshare");
  assert.is(stateDirectory({}, true), join(homedir(), "AppData", "Local", "goshare"));
});

test.run();

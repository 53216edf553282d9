import * as os from "node:os";
import * as path from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { stateDirectory } from "../../src/storage/state-directory.js";

test("state lies where XDG_STATE_HOME says, if that is an absolute path", () => {
  const usual = path.join(os.homedir(), ".local", "state", "goshare");
  assert.is(stateDirectory({ XDG_STATE_HOME: "/var/state" }), "/var/state/goshare");
  for (const ignored of [undefined, "", "relative/path"]) {
    assert.is(stateDirectory({ XDG_STATE_HOME: ignored }), usual);
  }
});

test.run();

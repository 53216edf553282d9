// doctor between two machines: a tracker on one dials the other back, and doctor says what came of it.
import { spawnSync } from "node:child_process";
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { ChildSetting } from "../support/goshare-child.js";
import { GoshareProcess, killAll } from "../support/goshare-process.js";
import { namespaceTest } from "../support/namespace-test.js";
import { NetworkHost, removeHosts } from "../support/network-hosts.js";
import { ScratchFolder } from "../support/scratch-folder.js";
import { startTracker } from "../support/transfer.js";

const scratch = new ScratchFolder();
test.after(() => {
  killAll();
  removeHosts();
  scratch.remove();
});

const TRACKER = "10.77.0.2:8080";

/** What doctor on machine A says of being reached, with a tracker on machine B. */
async function withTracker(
  trackerArgs: readonly string[],
  body: (reachable: (args?: readonly string[]) => Promise<Said>, inB: ChildSetting) => Promise<void>,
): Promise<void> {
  const [a, b] = [new NetworkHost(), new NetworkHost()];
  try {
    a.join(b, ["10.77.0.1/24"], ["10.77.0.2/24"]);
    const cwd = scratch.folder();
    const inB = { wrapper: b.wrapper, cwd };
    await startTracker(["--metrics", "127.0.0.1:9100", ...trackerArgs], inB);
    await body(async (args = []) => {
      const argv = ["doctor", "--tracker", TRACKER, ...args];
      const doctor = new GoshareProcess(argv, undefined, { wrapper: a.wrapper, cwd });
      assert.equal(await doctor.exited, { exitCode: 0, signal: null });
      const said = doctor.all("checked").find(({ subject }) => subject === "reachable") ?? {};
      return {
        verdict: String(said["verdict"]),
        message: String(said["message"]),
        fix: String(said["fix"]),
      };
    }, inB);
  } finally {
    killAll();
    a.remove();
    b.remove();
  }
}

interface Said {
  readonly verdict: string;
  readonly message: string;
  readonly fix: string;
}

namespaceTest("a machine that the tracker reaches is told so, and nothing of it stays with the tracker", () =>
  withTracker([], async (reachable, inB) => {
    const message = `${TRACKER} reached this machine at 10.77.0.1:9000`;
    assert.equal(await reachable(), { verdict: "ok", message, fix: "" });
    assert.is(leases(inB), 0);
    // Another peer at an address that was dialled just now is not looked for.
    const again = await reachable();
    assert.is(again.verdict, "skipped");
    assert.match(again.message, `${TRACKER} did not try`);
  }),
);

namespaceTest("a machine that the tracker does not reach is warned, with what to do", () =>
  withTracker([], async (reachable) => {
    const { verdict, message, fix } = await reachable(["--listen", "127.0.0.1:9000"]);
    assert.is(verdict, "warning");
    assert.match(message, `${TRACKER} dialled 10.77.0.1:9000 and did not reach this machine`);
    assert.match(fix, "open TCP port 9000");
  }),
);

namespaceTest("a tracker that trusts what is announced proves nothing, which is said", () =>
  withTracker(["--trust-announced"], async (reachable) => {
    const { verdict, message } = await reachable();
    assert.is(verdict, "skipped");
    assert.match(message, "lists announced addresses without trying them");
  }),
);

/** How many leases the tracker holds, as its metrics say. */
function leases(inB: ChildSetting): number {
  const [command = "", ...wrapped] = [...(inB.wrapper ?? []), process.execPath, "-e", READ_METRICS];
  const { stdout } = spawnSync(command, wrapped, { encoding: "utf8", timeout: 20_000 });
  const found = /^goshare_\w*leases\w*(?:\{[^}]*\})? (\d+)$/m.exec(stdout);
  assert.ok(found, stdout);
  return Number(found?.[1]);
}

const READ_METRICS = "fetch('http://127.0.0.1:9100/metrics').then(async (r) => console.log(await r.text()))";

test.run();

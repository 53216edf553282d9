// quick-tracker-child DIR PORT CLOCK_STEP_MS RENEW_MS: a tracker in a process of its own, whose store keeps its state in DIR
// and lives 25 times as fast, so that half a minute between two snapshots is a second. Its machine's clock is wrong
// by CLOCK_STEP_MS, and peers are to renew after RENEW_MS of its time. Says where it listens, and ends on SIGTERM.

import { defaultTrackerOptions } from "../../../src/tracker/server/options.js";
import { startTracker } from "../../../src/tracker/server/start.js";
import { FileStore } from "../../../src/tracker/server/stores/file-store.js";

const SPEED = 25;

const [directory = "", port, clockStepMs, renewMs] = process.argv.slice(2);
const realNow = Date.now;
Date.now = () => realNow() + Number(clockStepMs);

const print = (line: object): void => void process.stdout.write(`${JSON.stringify(line)}\n`);
const store = await FileStore.open({
  directory,
  limits: defaultTrackerOptions,
  clock: { nowMs: () => SPEED * performance.now() },
  warn: (code, message) => print({ warning: `${code} ${message}` }),
});
const options = { listenHost: "127.0.0.1", listenPort: Number(port), minRenewMs: Number(renewMs) };
const tracker = await startTracker(options, () => {}, store);
print({ listening: tracker.endpoint, ...(await store.size()) });
process.once("SIGTERM", () => void tracker.close());

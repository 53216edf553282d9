// A tracker in a process of its own whose peers renew as often as the protocol allows. argv[2] names its store; it
// prints where it listens.
import { MIN_RENEW_MS } from "../../../src/tracker/limits.js";
import { startTracker } from "../../../src/tracker/server/start.js";

const [, , store = "memory"] = process.argv;
const options = { listenHost: "127.0.0.1", listenPort: 0, store, minRenewMs: MIN_RENEW_MS };
const tracker = await startTracker(options, () => {});
process.stdout.write(`${tracker.endpoint}\n`);

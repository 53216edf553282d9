// How a tracker's process ends, with calls that run.
import { once } from "node:events";
import { type ClientHttp2Session, type ClientHttp2Stream, connect } from "node:http2";
import { connect as connectTcp } from "node:net";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { GoshareProcess, killAll } from "../support/goshare-process.js";
import { HealthWatch } from "../tracker/server/health-watch.js";

const TRACKER = ["tracker", "--listen", "127.0.0.1:0"];

test.after(killAll);

interface HalfCall {
  readonly session: ClientHttp2Session;
  readonly stream: ClientHttp2Stream;
}

/** A call whose request is only half there. */
async function beginCall(endpoint: string): Promise<HalfCall> {
  const session = connect(`http://${endpoint}`).on("error", () => {});
  await once(session, "connect");
  const stream = session.request({
    ":method": "POST",
    ":path": "/goshare.v1.TrackerService/GetTrackerInfo",
    "content-type": "application/grpc",
    te: "trailers",
  });
  stream.on("error", () => {});
  stream.write(Buffer.alloc(2));
  // The answer to a ping that was sent later: what came before has been read.
  await new Promise((resolve) => session.ping((_error, durationMs) => resolve(durationMs)));
  return { session, stream };
}

test("a tracker that is told to stop says so, lets running calls end, and takes no new ones", async () => {
  const tracker = new GoshareProcess(TRACKER);
  const endpoint = String((await tracker.waitFor("listening"))["endpoint"]);
  const watch = new HealthWatch(endpoint);
  await watch.saw("SERVING");
  const { session, stream } = await beginCall(endpoint);
  tracker.kill("SIGTERM");
  await watch.saw("NOT_SERVING");
  watch.close();
  const [host, port] = endpoint.split(":");
  const refused = connectTcp(Number(port), host);
  const [error] = await once(refused, "error");
  assert.is(error.code, "ECONNREFUSED");

  const answered = once(stream, "trailers");
  stream.resume().end(Buffer.alloc(3)); // five bytes are an empty message
  const [trailers] = await answered;
  assert.is(trailers["grpc-status"], "0");
  session.close();
  assert.equal(await tracker.exited, { exitCode: 0, signal: null });
  assert.equal(tracker.events.at(-1), { stopped: { signal: "SIGTERM", bytesSent: "0" } });
});

test("a second signal ends a tracker at once, whatever runs", async () => {
  const tracker = new GoshareProcess(TRACKER);
  const endpoint = String((await tracker.waitFor("listening"))["endpoint"]);
  const watch = new HealthWatch(endpoint);
  await watch.saw("SERVING");
  const { session } = await beginCall(endpoint);
  tracker.kill("SIGTERM");
  await watch.saw("NOT_SERVING");
  const startMs = performance.now();
  assert.equal(await tracker.stop("SIGTERM"), { exitCode: null, signal: "SIGTERM" });
  assert.ok(performance.now() - startMs < 4_000, "it did not wait for the call");
  watch.close();
  session.destroy();
});

test.run();

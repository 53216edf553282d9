import { test } from "uvu";
import * as assert from "uvu/assert";
import type { Flows } from "../../src/cli/context.js";
import { GoshareError } from "../../src/core/errors.js";
import type { EventObserver } from "../../src/events/event.js";
import type { DownloadResult } from "../../src/flows/download.js";
import type { JsonEvent } from "../support/event-line.js";
import { CONTENT_ID, type FakeCli, preparedShare, runningShare, startFakeCli } from "../support/fake-cli.js";

type Download = Awaited<ReturnType<Flows["download"]>>["download"];

const RESULT: DownloadResult = {
  path: "downloads/a",
  bytes: 7,
  contentId: CONTENT_ID,
  bytesReceived: 5,
  bytesWasted: 1,
  elapsedMs: 1_500,
  slowTimes: [{ reason: "network", ms: 1_500 }],
};

const withDownload = (download: Download) => ({ flows: { download: async () => ({ download }) } });

/** A download that waits for its abort, and says when it has begun. */
function waitingDownload(thrown: (signal: AbortSignal) => unknown) {
  let begun = () => {};
  const started = new Promise<void>((resolve) => {
    begun = resolve;
  });
  const download: Download = (_options, _observe, signal) => {
    begun();
    return new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(thrown(signal))));
  };
  return { started, ...withDownload(download) };
}

function lastEvent(cli: FakeCli): JsonEvent {
  return cli.events().at(-1) ?? {};
}

test("a download that succeeds ends with done and exit code 0", async () => {
  const cli = startFakeCli(
    ["download", "x", "--json"],
    withDownload(async () => RESULT),
  );
  assert.is(await cli.exitCode, 0);
  assert.equal(lastEvent(cli), {
    done: {
      path: "downloads/a",
      bytes: "7",
      elapsedMs: "1500",
      contentId: CONTENT_ID,
      bytesReceived: "5",
      bytesWasted: "1",
      slowTimes: [{ reason: "SLOW_REASON_NETWORK", ms: "1500" }],
    },
  });
});

test("an error of the table ends with failed and the exit code of its code", async () => {
  const fail: Download = () =>
    Promise.reject(new GoshareError("NO_PEERS", "nobody is there", { hint: "wait" }));
  const cli = startFakeCli(["download", "x", "--json"], withDownload(fail));
  assert.is(await cli.exitCode, 3);
  assert.equal(lastEvent(cli), {
    failed: { code: "NO_PEERS", exitCode: 3, message: "nobody is there", hint: "wait" },
  });
  assert.is(cli.stderr(), "");
});

test("for people an error is one line and a hint on stderr, without a stack", async () => {
  const fail: Download = () =>
    Promise.reject(new GoshareError("NO_PEERS", "nobody is there", { hint: "wait" }));
  const cli = startFakeCli(["download", "x"], withDownload(fail));
  await cli.exitCode;
  assert.is(cli.stderr(), "error: nobody is there\n  wait\n");
  assert.is(cli.stdout(), "");
});

test("anything else that is thrown is a bug: exit code 70, with the stack on stderr", async () => {
  const fail: Download = () => Promise.reject(new TypeError("x is not a function"));
  const cli = startFakeCli(["download", "x", "--json"], withDownload(fail));
  assert.is(await cli.exitCode, 70);
  assert.is(lastEvent(cli)["failed"]?.["code"], "BUG");
  assert.match(cli.stderr(), /TypeError: x is not a function\n\s+at /);
});

test("a flow that throws what is no error is a bug too", async () => {
  const cli = startFakeCli(
    ["download", "x", "--json"],
    withDownload(() => Promise.reject(undefined)),
  );
  assert.is(await cli.exitCode, 70);
  assert.is(lastEvent(cli)["failed"]?.["code"], "BUG");
});

test("what is thrown where nobody can catch it ends with failed, and the process with 70", async () => {
  const flow = waitingDownload((signal) => signal.reason);
  const cli = startFakeCli(["download", "x", "--json"], flow);
  await flow.started;
  cli.crash(new RangeError("out of nowhere"));
  assert.equal(cli.exitedNow, [70]);
  assert.is(lastEvent(cli)["failed"]?.["code"], "BUG");
  assert.match(cli.stderr(), "RangeError: out of nowhere");
});

test("events that come after the last one are not printed", async () => {
  let observe: EventObserver = () => {};
  const download: Download = async (_options, given) => {
    observe = given;
    return RESULT;
  };
  const cli = startFakeCli(["download", "x", "--json"], withDownload(download));
  await cli.exitCode;
  observe({ type: "waiting", contentId: CONTENT_ID, waitingFor: "peers", slowReason: "noPeer" });
  assert.ok("done" in lastEvent(cli));
});

for (const [signal, exitCode] of [
  ["SIGINT", 130],
  ["SIGTERM", 143],
  ["SIGHUP", 129],
] as const) {
  test(`${signal} interrupts a download with ${exitCode} and says how to go on`, async () => {
    const flow = waitingDownload((aborted) => aborted.reason);
    const cli = startFakeCli(["download", "x y", "--json", "--output", "it's"], flow);
    await flow.started;
    cli.sendSignal(signal);
    assert.is(await cli.exitCode, exitCode);
    const failed = lastEvent(cli)["failed"];
    assert.is(failed?.["code"], "INTERRUPTED");
    assert.is(failed?.["exitCode"], exitCode);
    assert.match(String(failed?.["hint"]), "goshare download 'x y' --json --output 'it'\\''s'");
  });
}

test("a download that reports an abort, or that it is incomplete, after a signal was interrupted", async () => {
  for (const thrown of [new DOMException("aborted", "AbortError"), new GoshareError("INCOMPLETE", "half")]) {
    const flow = waitingDownload(() => thrown);
    const cli = startFakeCli(["download", "x", "--json"], flow);
    await flow.started;
    cli.sendSignal("SIGINT");
    assert.is(await cli.exitCode, 130);
  }
});

test("a full disk is reported even when it shows only after a signal", async () => {
  const flow = waitingDownload(() => new GoshareError("DISK_FULL", "no room"));
  const cli = startFakeCli(["download", "x", "--json"], flow);
  await flow.started;
  cli.sendSignal("SIGINT");
  assert.is(await cli.exitCode, 6);
});

test("the second signal quits at once, and the last line still says how it ended", async () => {
  let begun = () => {};
  const started = new Promise<void>((resolve) => {
    begun = resolve;
  });
  const stuck: Download = () => {
    begun();
    return new Promise(() => {});
  };
  const cli = startFakeCli(["download", "x", "--json"], withDownload(stuck));
  await started;
  cli.sendSignal("SIGTERM");
  assert.equal(cli.exitedNow, []);
  cli.sendSignal("SIGINT");
  assert.equal(cli.exitedNow, [143]);
  assert.is(lastEvent(cli)["failed"]?.["code"], "INTERRUPTED");
});

test("a terminal that is closed says so more than once, and that quits nothing", async () => {
  let begun = () => {};
  const started = new Promise<void>((resolve) => {
    begun = resolve;
  });
  let pause = (_thrown: unknown) => {};
  const slow: Download = () => {
    begun();
    return new Promise((_resolve, reject) => {
      pause = reject;
    });
  };
  const cli = startFakeCli(["download", "x", "--json"], withDownload(slow));
  await started;
  for (let n = 0; n < 3; n++) cli.sendSignal("SIGHUP");
  assert.equal(cli.exitedNow, []);
  pause(new DOMException("aborted", "AbortError"));
  assert.is(await cli.exitCode, 129);
});

test("a tracker that is told to stop closes, then ends with stopped and exit code 0", async () => {
  const order: string[] = [];
  let begun = () => {};
  const started = new Promise<void>((resolve) => {
    begun = resolve;
  });
  const cli = startFakeCli(["tracker", "--json", "--listen", "127.0.0.1:0"], {
    flows: {
      tracker: async () => ({
        startTracker: async (_options, observe) => {
          observe({ type: "listening", endpoint: "127.0.0.1:4711" });
          begun();
          return {
            endpoint: "127.0.0.1:4711",
            close: async () => {
              order.push("closed");
            },
          };
        },
      }),
    },
  });
  await started;
  cli.sendSignal("SIGTERM");
  assert.is(await cli.exitCode, 0);
  assert.equal(order, ["closed"]);
  assert.equal(cli.events(), [
    { listening: { endpoint: "127.0.0.1:4711" } },
    { stopped: { signal: "SIGTERM", bytesSent: "0" } },
  ]);
});

test("several paths are shared one after another, and closed together", async () => {
  const order: string[] = [];
  let allRunning = () => {};
  const running = new Promise<void>((resolve) => {
    allRunning = resolve;
  });
  const cli = startFakeCli(["share", "a", "b", "--json", "--listen", "0.0.0.0:9100"], {
    flows: {
      share: async () => ({
        requireShareable: async () => undefined,
        prepareShare: async (options) => {
          order.push(options.path);
          if (options.path === "b") setImmediate(allRunning);
          const close = async () => {
            order.push(`close ${options.path}`);
          };
          return preparedShare({ bytesSent: 4, close });
        },
      }),
    },
  });
  await running;
  cli.sendSignal("SIGINT");
  assert.is(await cli.exitCode, 0);
  assert.equal(order, ["a", "b", "close a", "close b"]);
  assert.equal(lastEvent(cli), { stopped: { signal: "SIGINT", bytesSent: "8" } });
});

/** What becomes of the share of a path when a signal comes while the second of two is hashed, or put up. */
async function interruptedShares(during: "hashing" | "serving"): Promise<readonly string[]> {
  const seen: string[] = [];
  let reached = () => {};
  const secondReached = new Promise<void>((resolve) => {
    reached = resolve;
  });
  const untilStopped = (signal: AbortSignal) => {
    reached();
    return new Promise<never>((_resolve, reject) =>
      signal.addEventListener("abort", () => reject(signal.reason)),
    );
  };
  const cli = startFakeCli(["share", "a", "b", "--json"], {
    flows: {
      share: async () => ({
        requireShareable: async () => undefined,
        prepareShare: async ({ path }, _observe, signal) => {
          if (path === "b" && during === "hashing") return untilStopped(signal);
          const serve = async () => {
            seen.push(`serve ${path}`);
            if (path === "b") await untilStopped(signal);
            return runningShare({ close: async () => void seen.push(`close ${path}`) });
          };
          return { serve };
        },
      }),
    },
  });
  await secondReached;
  cli.sendSignal("SIGTERM");
  assert.is(await cli.exitCode, 143);
  return seen;
}

test("a signal while the second path is hashed is an interruption, and nothing was served", async () => {
  assert.equal(await interruptedShares("hashing"), []);
});

test("a signal while the second path is put up is an interruption, and closes the first", async () => {
  assert.equal(await interruptedShares("serving"), ["serve a", "serve b", "close a"]);
});

test("a share that cannot go on is closed alone, and its error is the end of the command", async () => {
  const closed: string[] = [];
  let firstClosed = () => {};
  const firstIsClosed = new Promise<void>((resolve) => {
    firstClosed = resolve;
  });
  let secondAnnounced = () => {};
  const secondIsAnnounced = new Promise<void>((resolve) => {
    secondAnnounced = resolve;
  });
  const cli = startFakeCli(["share", "a", "b", "--json"], {
    flows: {
      share: async () => ({
        requireShareable: async () => undefined,
        prepareShare: async ({ path }) => {
          const failed =
            path === "a"
              ? Promise.reject(new GoshareError("DISK_FAILED", "the disk is gone"))
              : new Promise<never>(() => {});
          const close = async () => {
            closed.push(path);
            firstClosed();
          };
          const announce = async () => {
            if (path === "b") secondAnnounced();
          };
          return preparedShare({ failed, close, announce });
        },
      }),
    },
  });
  await Promise.all([firstIsClosed, secondIsAnnounced]);
  assert.equal(closed, ["a"]);
  cli.sendSignal("SIGINT");
  assert.is(await cli.exitCode, 6);
  assert.equal(closed, ["a", "b"]);
});

test("inspect ends with done after what it found", async () => {
  const cli = startFakeCli(["inspect", "x", "--json"], {
    flows: {
      inspect: async () => ({
        inspect: async (_options, observe) => {
          const lists = { entries: [], peers: [], trackers: [] };
          const found = { contentId: CONTENT_ID, name: "a", kind: "file", bytes: 3 } as const;
          observe({ type: "inspected", ...found, chunkSize: 1_048_576, chunks: 1, ...lists });
          return undefined;
        },
      }),
    },
  });
  assert.is(await cli.exitCode, 0);
  assert.is(lastEvent(cli)["done"]?.["contentId"], CONTENT_ID);
  assert.is(lastEvent(cli)["done"]?.["bytes"], "3");
});

test("status ends with done; nothing to go on with is said to people who want to hear of it", async () => {
  const run = async (...options: string[]) => {
    const flows = { status: async () => ({ status: async () => 0 }) };
    const cli = startFakeCli(["status", "a\u001b", ...options], { flows });
    assert.is(await cli.exitCode, 0);
    return cli;
  };
  assert.is((await run()).stderr(), "nothing to resume in a\\u{1b}\n");
  assert.is((await run("--quiet")).stderr(), "");
  const json = await run("--json");
  assert.equal([json.stderr(), json.events().length], ["", 1]);
  assert.is(lastEvent(json)["done"]?.["path"], "");
});

test.run();

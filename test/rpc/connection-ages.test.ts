import { once } from "node:events";
import { type ClientHttp2Session, connect, constants } from "node:http2";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { HOST, type Rig, withRig } from "./rig.js";

const INFO = { ":method": "POST", ":path": "/goshare.v1.TrackerService/GetTrackerInfo", te: "trailers" };
/** Of no bytes, not compressed. */
const EMPTY_MESSAGE = Buffer.alloc(5);

/** A call on its way. */
function ask(session: ClientHttp2Session) {
  const stream = session.request({ ...INFO, "content-type": "application/grpc" });
  stream.on("error", () => undefined).resume();
  stream.end(EMPTY_MESSAGE);
  return stream;
}

function dial(port: number): ClientHttp2Session {
  return connect(`http://${HOST}:${port}`).on("error", () => undefined);
}

/** A server whose connections are old at once, and a call that is answered when it is told to be. */
async function withOldCall(
  graceMs: number,
  use: (session: ClientHttp2Session, call: ReturnType<typeof ask>, answer: () => void) => Promise<void>,
): Promise<void> {
  let answer = () => {};
  const answered = new Promise<void>((resolve) => {
    answer = resolve;
  });
  const invoke = async () => {
    await answered;
    return Buffer.alloc(0);
  };
  const run = async ({ port }: Rig): Promise<void> => {
    const session = dial(port);
    try {
      await use(session, ask(session), answer);
    } finally {
      answer();
      session.destroy();
    }
  };
  const options = { connectionAgeMs: 1, connectionAgeGraceMs: graceMs };
  await withRig({ getTrackerInfo: { name: "getTrackerInfo", invoke } }, run, options);
}

test("a connection that has grown old is told to go, and ends when its calls are answered", async () => {
  await withOldCall(60_000, async (session, call, answer) => {
    const [code] = await once(session, "goaway");
    assert.is(code, constants.NGHTTP2_NO_ERROR);
    const ended = once(session, "close");
    answer();
    const [trailers] = await once(call, "trailers");
    assert.is(Number(trailers["grpc-status"]), 0);
    await ended;
  });
});

test("a connection that does not go when it is told to is ended", async () => {
  await withOldCall(1, async (session, call) => {
    await once(session, "close");
    assert.ok(call.destroyed);
  });
});

test("connections that have gone leave no timers of their own behind", async () => {
  const lengths = new Set<number | undefined>();
  const { setTimeout: original } = globalThis;
  const counted = (...args: Parameters<typeof original>) => {
    lengths.add(args[1]);
    return original(...args);
  };
  globalThis.setTimeout = Object.assign(counted, original);
  try {
    await withRig({}, async ({ port }) => {
      const comeAndGo = async (): Promise<void> => {
        const session = dial(port);
        await once(ask(session), "close");
        session.close();
        await once(session, "close");
      };
      await comeAndGo();
      const first = [...lengths];
      for (let n = 0; n < 5; n++) await comeAndGo();
      assert.equal([...lengths], first);
    });
  } finally {
    globalThis.setTimeout = original;
  }
});

test.run();

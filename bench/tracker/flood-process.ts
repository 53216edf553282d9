// The hostile client: flood-process.js FLOOD_REQUEST. Floods until SIGTERM; answers each line on its standard input
// with how much the flood has done so far. Heeds no refusal, and comes back as soon as it is hung up on. Takes only
// processor time that nobody else wants.
import { createHash } from "node:crypto";
import { type ClientHttp2Session, connect as connectHttp2 } from "node:http2";
import { connect } from "node:net";
import { constants, setPriority } from "node:os";
import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";
import { TrackerService } from "../../gen/goshare/v1/tracker_pb.js";
import { methodPath } from "../../src/rpc/adapter.js";
import { encodeMessage } from "../../src/rpc/message-codec.js";
import { MAX_REQUEST_BYTES, MAX_SHARES_PER_ANNOUNCE, MAX_WANT_PEERS } from "../../src/tracker/limits.js";
import type { FloodKind, FloodRequest, FloodResult } from "./flood-work.js";

const CONNECTIONS = 16;
/** At a time on each connection, as many as a tracker allows. */
const CALLS_PER_CONNECTION = 16;
/** Connections of a flood that only connects, and of one that never reads. */
const MANY_CONNECTIONS = 64;
/** Large messages that wait to be sent count towards it; once it is used up, Node throws answers away. */
const MAX_SESSION_MB = 1_000;
const PREFACE = Buffer.concat([
  Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
  Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]), // no settings
]);

const { announce, getTrackerInfo, listPeers } = TrackerService.method;

interface Call {
  readonly path: string;
  /** A message, after the prefix that gRPC puts before it. */
  readonly body: Buffer;
}

const [requestText = "{}"] = process.argv.slice(2);
const { target, kind }: FloodRequest = JSON.parse(requestText);
const port = Number(target.slice(target.lastIndexOf(":") + 1));
const host = target.slice(0, target.lastIndexOf(":"));

const count = { calls: 0, answered: 0, refused: 0, cut: 0, connects: 0, hungUp: 0 };

function framed(message: Uint8Array): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.byteLength, 1);
  return Buffer.concat([head, message]);
}

function idOf(what: string): Uint8Array {
  return createHash("sha256").update(what).digest();
}

function announcement(peer: number, shareCount: number): Call {
  const shares = Array.from({ length: shareCount }, (_, n) => ({
    ...{ contentId: idOf(`flooded ${peer} ${n}`), chunksHeld: 1, complete: true, wantPeers: MAX_WANT_PEERS },
  }));
  const init = { peerId: idOf(`flooder ${peer}`), runEpochMs: 1n, listenPort: 9000, shares };
  return {
    path: methodPath(TrackerService, announce.name),
    body: framed(encodeMessage(announce.input, init)),
  };
}

function callsOf(wanted: FloodKind): readonly Call[] {
  const info = methodPath(TrackerService, getTrackerInfo.name);
  if (wanted === "giant") return [{ path: info, body: framed(Buffer.alloc(MAX_REQUEST_BYTES + 1)) }];
  if (wanted === "shares") {
    const allowed = Array.from({ length: 100 }, (_, peer) => announcement(peer, MAX_SHARES_PER_ANNOUNCE));
    return [announcement(0, 100_000), announcement(0, 30_000), ...allowed];
  }
  if (wanted === "calls") return [{ path: info, body: framed(Buffer.alloc(0)) }];
  const list = encodeMessage(listPeers.input, { contentId: idOf("crowd"), max: MAX_WANT_PEERS });
  return [{ path: methodPath(TrackerService, listPeers.name), body: framed(list) }];
}

/** Makes one call; resolves when it has ended, in whatever way. */
function make(session: ClientHttp2Session, { path, body }: Call): Promise<void> {
  count.calls++;
  const headers = { ":method": "POST", ":path": path, "content-type": "application/grpc", te: "trailers" };
  const stream = session.request(headers);
  let status: unknown;
  const see = (seen: Readonly<Record<string, unknown>>): void => {
    status ??= seen["grpc-status"];
  };
  stream.on("response", see).on("trailers", see);
  stream.on("error", () => undefined).resume();
  stream.end(body);
  return new Promise((resolve) => {
    stream.once("close", () => {
      if (status === undefined) count.cut++;
      else if (status === "0") count.answered++;
      else count.refused++;
      resolve();
    });
  });
}

/** One connection after another, each with as many calls at a time as are allowed. */
async function callOnAndOn(calls: readonly Call[], takesAnswers: boolean): Promise<never> {
  let turn = 0;
  for (;;) {
    count.connects++;
    const session = connectHttp2(`http://${host}:${port}`, {
      settings: takesAnswers ? {} : { initialWindowSize: 0 },
      maxSessionMemory: MAX_SESSION_MB,
    }).on("error", () => undefined);
    const lane = async (): Promise<void> => {
      while (!session.closed && !session.destroyed) {
        const call = calls[turn++ % calls.length];
        if (call !== undefined) await make(session, call);
        // A flood that takes no answers waits for room instead of asking for it again and again.
        if (!takesAnswers) await pause(100);
      }
    };
    const closed = new Promise<void>((resolve) => session.once("close", resolve));
    await Promise.all(Array.from({ length: CALLS_PER_CONNECTION }, lane));
    await closed;
    count.hungUp++;
  }
}

async function connectOnAndOn(first: number): Promise<never> {
  for (let turn = first; ; turn++) {
    count.connects++;
    const socket = connect({ port, host }).on("error", () => undefined);
    // By a reset: a connection that is closed properly keeps its port for a minute, and there are not enough ports.
    let isOurs = false;
    const leave = (): void => {
      isOurs = true;
      socket.resetAndDestroy();
    };
    socket.once("connect", () => (turn % 2 === 0 ? leave() : socket.write(PREFACE))).once("data", leave);
    await new Promise<void>((resolve) => socket.once("close", () => resolve()));
    if (!isOurs) count.hungUp++;
  }
}

function flood(): void {
  if (kind === "connects") {
    for (let n = 0; n < MANY_CONNECTIONS; n++) void connectOnAndOn(n);
    return;
  }
  const calls = callsOf(kind);
  const takesAnswers = kind !== "never-reads";
  const connections = takesAnswers ? CONNECTIONS : MANY_CONNECTIONS;
  for (let n = 0; n < connections; n++) void callOnAndOn(calls, takesAnswers);
}

setPriority(constants.priority.PRIORITY_LOW);
process.once("SIGTERM", () => process.exit(0));
flood();
createInterface({ input: process.stdin }).on("line", (name) => {
  const result: FloodResult = count;
  process.stdout.write(`${JSON.stringify({ [name]: result })}\n`);
});

// What a sharer does with those who come to its port and do not speak its protocol, or speak it wrongly: it turns
// them away, says so once, and goes on serving.
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { openSync, truncateSync } from "node:fs";
import * as net from "node:net";
import { join } from "node:path";
import * as tls from "node:tls";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { GoodbyeReason, RefusalReason } from "../../gen/goshare/v1/peer_pb.js";
import { idToBytes, parseContentId } from "../../src/core/ids.js";
import { MIB } from "../../src/core/units.js";
import { GoshareProcess, killAll } from "../support/goshare-process.js";
import { ScratchFolder, sha256Of } from "../support/scratch-folder.js";
import { destroyScripted, frameBytes, helloBody, ScriptedPeer } from "../support/scripted-peer.js";
import { download, failure, type StartedShare, startShare } from "../support/transfer.js";

const scratch = new ScratchFolder();
const source = scratch.file("film.bin", 3 * MIB);
let share: StartedShare;
let port = 0;

test.before(async () => {
  share = await startShare(source);
  port = Number(/\d+$/.exec(share.endpoint)?.[0]);
});

test.after(() => {
  killAll();
  destroyScripted();
  scratch.remove();
});

async function isStillServed(): Promise<void> {
  const { path } = await download(share.ticket, scratch.folder());
  assert.is(sha256Of(path), sha256Of(source));
}

/** Sends `bytes` and waits until the sharer has ended the connection. */
async function turnedAway(bytes: Uint8Array): Promise<ScriptedPeer> {
  const peer = await ScriptedPeer.dial(port);
  peer.sendBytes(bytes);
  await peer.ended();
  peer.destroy();
  return peer;
}

/** Exchanges Hellos, sends `bytes`, and is hung up for a broken rule. */
async function breaksRule(bytes: Uint8Array): Promise<void> {
  const peer = await ScriptedPeer.dial(port);
  await peer.greet();
  peer.sendBytes(bytes);
  await peer.ended();
  assert.equal(
    peer.heardOf("goodbye").map(({ value }) => value.reason),
    [GoodbyeReason.PROTOCOL_ERROR],
  );
  peer.destroy();
}

const lengths = (frame: number, header: number) => {
  const bytes = Buffer.alloc(6);
  bytes.writeUInt32BE(frame, 0);
  bytes.writeUInt16BE(header, 4);
  return bytes;
};

test("browsers, TLS and BitTorrent at the port are turned away and named once each; others not at all", async () => {
  const bitTorrent = Buffer.concat([Buffer.from("\x13BitTorrent protocol", "latin1"), Buffer.alloc(48)]);
  for (let time = 0; time < 3; time++) {
    await turnedAway(Buffer.from("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"));
    await turnedAway(bitTorrent);
    const secure = tls.connect({ host: "127.0.0.1", port, rejectUnauthorized: false });
    await once(secure, "error");
    secure.destroy();
    // A frame length that is too large for a Hello, whatever follows.
    await turnedAway(Buffer.concat([Buffer.of(0xff), randomBytes(1000)]));
  }
  await isStillServed();
  const warnings = share.process.all("warning");
  assert.equal(
    warnings.map(({ code, message }) => [code, /speaks (\w+) /.exec(String(message))?.[1]]).sort(),
    [
      ["PEER_PROTOCOL", "BitTorrent"],
      ["PEER_PROTOCOL", "HTTP"],
      ["PEER_PROTOCOL", "TLS"],
    ],
  );
  for (const { path } of warnings) assert.match(String(path), /^127\.0\.0\.1:\d+$/);
});

test("giant and zero lengths, before a Hello and after it, end that connection only", async () => {
  for (const [frame, header] of [
    [0xffff_ffff, 10],
    [0, 0],
    [1, 1],
    [100, 0],
    [100, 99],
    [5000, 10],
  ] as const)
    await turnedAway(lengths(frame, header));
  for (const [frame, header] of [
    [0xffff_ffff, 10],
    [0, 0],
    [100, 0],
    [100, 99],
    [50_000, 40_000],
  ] as const)
    await breaksRule(lengths(frame, header));
  await isStillServed();
});

test("frames that come byte by byte are understood", async () => {
  const socket = net.connect({ host: "127.0.0.1", port, noDelay: true });
  await once(socket, "connect");
  const peer = new ScriptedPeer(socket);
  const bytes = Buffer.concat([frameBytes(helloBody()), frameBytes({ case: "ping", value: {} }, { id: 1 })]);
  for (const byte of bytes) {
    socket.write(Buffer.of(byte));
    await new Promise(setImmediate);
  }
  await peer.expect("hello");
  await peer.expect("pong");
  peer.destroy();
});

test("a body nobody knows is refused, and bytes nobody asked for end the connection", async () => {
  const peer = await ScriptedPeer.dial(port);
  await peer.greet();
  peer.sendUnknown({ id: 1, payload: Buffer.alloc(100_000) });
  const refusal = await peer.expect("refusal");
  assert.equal([refusal.id, refusal.value.reason], [1, RefusalReason.UNIMPLEMENTED]);
  await peer.roundTrip(3);
  peer.destroy();
  const payload = Buffer.alloc(MIB);
  await breaksRule(frameBytes({ case: "chunkData", value: { chunkIndex: 0 } }, { id: 2, payload }));
  await breaksRule(frameBytes({ case: "manifestData", value: { page: 0 } }, { id: 2, payload }));
  await breaksRule(frameBytes({ case: "leave", value: { contentId: Buffer.alloc(32) } }, { payload }));
  await isStillServed();
  const peakBytes = share.process.peakRssBytes();
  assert.ok(peakBytes === undefined || peakBytes < 160 * MIB, `${peakBytes}`);
});

/** A file that takes longer to hash than the test lasts. */
function largeFile(): string {
  const path = join(scratch.folder(), "large.bin");
  openSync(path, "w");
  truncateSync(path, 256 * 1024 * MIB);
  return path;
}

test("a port that is taken is told before anything is hashed", async () => {
  const process = new GoshareProcess(["share", largeFile(), "--listen", share.endpoint]);
  const { code, exitCode, message, hint } = await failure(process);
  assert.equal([code, exitCode], ["ADDRESS_IN_USE", 4]);
  assert.match(message, share.endpoint);
  assert.match(hint, "--listen");
  assert.equal(process.all("hashing"), []);
});

test("who comes while the share is hashed is told that it is not known yet", async () => {
  const free = net.createServer().listen({ host: "127.0.0.1", port: 0 });
  await once(free, "listening");
  const address = free.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  free.close();
  await once(free, "close");
  const process = new GoshareProcess(["share", largeFile(), "--listen", `127.0.0.1:${address.port}`]);
  await process.waitFor("hashing");
  const peer = await ScriptedPeer.dial(address.port);
  const contentId = parseContentId(share.contentId);
  if (contentId === undefined) throw new Error("no content id");
  await peer.greet();
  peer.send({ case: "getManifest", value: { contentId: idToBytes(contentId), page: 0 } }, { id: 1 });
  const { value } = await peer.expect("refusal");
  assert.is(value.reason, RefusalReason.CONTENT_UNKNOWN);
  const { exitCode } = await process.stop("SIGINT");
  assert.is(exitCode, 130);
  await peer.ended();
});

test.run();

import { createServer } from "node:net";
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { Endpoint } from "../../src/address/endpoint.js";
import { defaultConnectionOptions } from "../../src/peer/options.js";
import { probePeer } from "../../src/peer/probe.js";
import { destroyScripted, ScriptedListener, withinPatience } from "../support/scripted-peer.js";
import { until } from "../support/until.js";
import { codeOf, localPeer } from "./rig.js";

const OPTIONS = {
  ...defaultConnectionOptions,
  dialTimeoutMs: 2_000,
  helloTimeoutMs: 100,
  closeTimeoutMs: 50,
};
const NEVER = new AbortController().signal;

const probe = (endpoint: Endpoint, signal = NEVER) =>
  withinPatience(probePeer(endpoint, localPeer(), OPTIONS, signal), "the probe to end");

test("a probe learns who is there, says that it is one, and hangs up", async () => {
  let end: string | undefined;
  let isProbe: boolean | undefined;
  const listener = await ScriptedListener.listen(async (peer) => {
    const hello = await peer.welcome();
    isProbe = hello.value.probe;
    end = await peer.ended();
  });
  assert.is(await probe(listener.endpoint), "5c".repeat(32));
  await until(() => end !== undefined);
  assert.is(isProbe, true);
  listener.close();
});

test("nobody there, somebody who says nothing, and something else are failures of the other side", async () => {
  const left = await ScriptedListener.listen();
  const { endpoint: gone } = left;
  left.close();
  assert.is(await codeOf(probe(gone)), "PEER_UNREACHABLE");
  const silent = await ScriptedListener.listen(async () => undefined);
  assert.is(await codeOf(probe(silent.endpoint)), "PEER_UNREACHABLE");
  const other = createServer((socket) => socket.on("error", () => {}).end("SSH-2.0-other\r\n".repeat(10)));
  await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
  const address = other.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  assert.is(
    await codeOf(probe({ host: "127.0.0.1", port: address.port, transport: "tcp" })),
    "PEER_PROTOCOL",
  );
  other.close();
});

test("a probe ends at once when it is told to", async () => {
  const silent = await ScriptedListener.listen(async () => undefined);
  const leaving = new AbortController();
  const probing = codeOf(probe(silent.endpoint, leaving.signal));
  leaving.abort();
  assert.ok(["PEER_CLOSED", "PEER_UNREACHABLE"].includes(await probing));
});

test.after(destroyScripted);
test.run();

// Dialling the addresses of one machine: the first that answers wins.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { GoodbyeReason } from "../../gen/goshare/v1/peer_pb.js";
import type { Endpoint } from "../../src/address/endpoint.js";
import { GoshareError } from "../../src/core/errors.js";
import { dialFirst, dialPeer } from "../../src/peer/dial.js";
import { defaultConnectionOptions } from "../../src/peer/options.js";
import { destroyScripted, ScriptedListener, withinPatience } from "../support/scripted-peer.js";
import { codeOf, localPeer, RecordingHandler } from "./rig.js";

const OPTIONS = { ...defaultConnectionOptions, nextAddressMs: 20, closeTimeoutMs: 50 };
const NEVER = new AbortController().signal;

/** An endpoint where nobody listens. */
async function deadEndpoint(): Promise<Endpoint> {
  const listener = await ScriptedListener.listen();
  const { endpoint } = listener;
  listener.close();
  return endpoint;
}

const polite = () =>
  ScriptedListener.listen(async (peer) => {
    await peer.welcome();
  });

/** Accepts and says nothing: as far as a dialler sees, a black hole behind TCP. */
const silent = () => ScriptedListener.listen(async () => undefined);

function dial(endpoints: readonly Endpoint[], signal = NEVER, options = OPTIONS) {
  const handlers: RecordingHandler[] = [];
  const dialled = dialFirst(
    endpoints,
    localPeer(),
    options,
    () => {
      const handler = new RecordingHandler();
      handlers.push(handler);
      return handler;
    },
    signal,
  );
  return { dialled: withinPatience(dialled, "the dial to settle"), handlers };
}

test("an address that refuses is passed over at once", async () => {
  const listener = await polite();
  const endpoints = [await deadEndpoint(), await deadEndpoint(), listener.endpoint];
  const { dialled, handlers } = dial(endpoints, NEVER, { ...OPTIONS, nextAddressMs: 60_000 });
  const connection = await dialled;
  assert.is(connection.remotePort, listener.endpoint.port);
  assert.is(handlers.length, 1);
  connection.close("finished");
  listener.close();
});

test("an address that does not answer is left behind, and hung up when another does", async () => {
  const hole = await silent();
  const listener = await polite();
  const { dialled, handlers } = dial([hole.endpoint, listener.endpoint]);
  const connection = await dialled;
  assert.is(connection.remotePort, listener.endpoint.port);
  const [given] = hole.peers;
  assert.ok(given !== undefined);
  await given.ended();
  assert.is(handlers.length, 1);
  connection.close("finished");
  for (const each of [hole, listener]) each.close();
});

test("of two that answer at once only one is kept, and gets the handler", async () => {
  const listeners = [await polite(), await polite()];
  const { dialled, handlers } = dial(
    listeners.map(({ endpoint }) => endpoint),
    NEVER,
    { ...OPTIONS, nextAddressMs: 0 },
  );
  const connection = await dialled;
  const loser = listeners.find(({ endpoint }) => endpoint.port !== connection.remotePort);
  for (const peer of loser?.peers ?? []) await peer.ended();
  assert.is(handlers.length, 1);
  assert.ok(connection.isOpen);
  connection.close("finished");
  for (const each of listeners) each.close();
});

test("without any address that answers the last failure is told", async () => {
  assert.is(await codeOf(dial([]).dialled), "PEER_UNREACHABLE");
  assert.is(await codeOf(dial([await deadEndpoint(), await deadEndpoint()]).dialled), "PEER_UNREACHABLE");
  const rude = await ScriptedListener.listen(async (peer) => {
    await peer.expect("hello");
    peer.send({ case: "goodbye", value: { reason: GoodbyeReason.VERSION } }).fin();
  });
  assert.is(await codeOf(dial([await deadEndpoint(), rude.endpoint]).dialled), "NEWER_FORMAT");
  rude.close();
});

test("a peer that never says Hello is given up in time", async () => {
  const hole = await silent();
  const { dialled } = dial([hole.endpoint], NEVER, { ...OPTIONS, helloTimeoutMs: 20 });
  assert.is(await codeOf(dialled), "PEER_UNREACHABLE");
  hole.close();
});

test("a dial is given up when its signal says so, whatever it waits for", async () => {
  const hole = await silent();
  const abort = new AbortController();
  const { dialled } = dial([hole.endpoint, hole.endpoint], abort.signal);
  const peer = await hole.accept();
  await peer.expect("hello");
  abort.abort();
  assert.match(await codeOf(dialled), /^PEER_(CLOSED|UNREACHABLE)$/);
  await peer.ended();
  assert.is.not(await codeOf(dial([hole.endpoint], AbortSignal.abort()).dialled), "nothing was thrown");
  hole.close();
});

test("an owner that does not want the peer ends the dial with its own error", async () => {
  for (const count of [1, 2]) {
    const listeners = count === 1 ? [await polite()] : [await polite(), await silent()];
    const dialled = dialFirst(
      listeners.map(({ endpoint }) => endpoint),
      localPeer(),
      OPTIONS,
      () => {
        throw new GoshareError("PEER_REFUSED", "not this one");
      },
      NEVER,
    );
    assert.is(await codeOf(dialled), "PEER_REFUSED");
    for (const each of listeners) each.close();
  }
});

test("an endpoint that asks for TLS is never dialled as if it did not", async () => {
  const listener = await polite();
  const endpoint: Endpoint = { ...listener.endpoint, transport: "tls", certificateSha256: "00".repeat(32) };
  const dialled = dialPeer(endpoint, localPeer(), OPTIONS, () => new RecordingHandler(), NEVER);
  assert.is(await codeOf(dialled), "PEER_UNREACHABLE");
  assert.is(listener.peers.length, 0);
  listener.close();
});

test.after(destroyScripted);
test.run();

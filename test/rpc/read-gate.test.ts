import { EventEmitter } from "node:events";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { type GatedSocket, ReadGate } from "../../src/rpc/read-gate.js";

const ADDRESS = "192.0.2.1";
const OTHER = "192.0.2.2";

class FakeSocket extends EventEmitter {
  isRead = true;

  constructor(readonly remoteAddress = ADDRESS) {
    super();
  }
}

/** A gate whose turns come when the test says so, and calls that wait as the test says. */
class Rig {
  readonly waiting = new Map<string, number>();
  readonly gate: ReadGate;
  readonly #turns: (() => void)[] = [];

  constructor() {
    const setReading = (socket: GatedSocket, isRead: boolean): void => {
      if (!(socket instanceof FakeSocket)) throw new Error("a gate knows only the sockets it was given");
      assert.is.not(socket.isRead, isRead, "nothing is stopped or started twice");
      socket.isRead = isRead;
    };
    const timers = { soon: (run: () => void) => void this.#turns.push(run) };
    this.gate = new ReadGate((host) => this.waiting.get(host) ?? 0, setReading, timers);
  }

  add(count: number, address = ADDRESS): FakeSocket[] {
    const sockets = Array.from({ length: count }, () => new FakeSocket(address));
    for (const socket of sockets) this.gate.add(socket);
    return sockets;
  }

  wait(calls: number, address = ADDRESS): void {
    this.waiting.set(address, calls);
    this.gate.waited(address);
  }

  /** Lets a turn of the event loop pass; false if the gate wants none. */
  turn(): boolean {
    const due = this.#turns.splice(0);
    for (const run of due) run();
    return due.length > 0;
  }
}

function readOf(sockets: readonly FakeSocket[]): number {
  return sockets.filter(({ isRead }) => isRead).length;
}

test("an address whose calls wait is not read until they have had their turn, and nobody else waits", () => {
  const rig = new Rig();
  const [sockets, others] = [rig.add(10), rig.add(10, OTHER)];
  rig.wait(15);
  assert.is(readOf(sockets), 10);
  rig.wait(16);
  assert.equal([readOf(sockets), readOf(others)], [0, 10]);
  rig.waiting.set(ADDRESS, 4);
  assert.ok(rig.turn());
  assert.is(readOf(sockets), 0);
  rig.waiting.set(ADDRESS, 3);
  assert.ok(rig.turn());
  assert.is(readOf(sockets), 10);
  assert.not(rig.turn(), "a gate that is open asks for no turns");
});

test("of thousands of connections a few are read again in each turn, and all in their order", () => {
  const rig = new Rig();
  const sockets = rig.add(100);
  rig.wait(16);
  for (let first = 0; first < 96; first += 16) {
    rig.waiting.set(ADDRESS, 0);
    assert.ok(rig.turn());
    const read = sockets.flatMap(({ isRead }, n) => (isRead ? [n] : []));
    assert.equal(
      read,
      Array.from({ length: 16 }, (_, n) => first + n),
    );
    // They have sent calls again.
    rig.wait(16);
  }
});

test("a connection that comes while its address is shut out waits with the others, and one that closes is forgotten", () => {
  const rig = new Rig();
  const first = rig.add(1);
  rig.wait(16);
  const later = rig.add(2);
  assert.is(readOf([...first, ...later]), 0);
  later[0]?.emit("close");
  rig.waiting.set(ADDRESS, 0);
  rig.turn();
  assert.equal([first[0]?.isRead, later[0]?.isRead, later[1]?.isRead], [true, false, true]);
  for (const socket of [...first, ...later]) socket.emit("close");
  rig.wait(16);
  assert.not(rig.turn());
});

test("connections that all close while they are shut out leave nothing to be done", () => {
  const rig = new Rig();
  const sockets = rig.add(3);
  rig.wait(16);
  for (const socket of sockets) socket.emit("close");
  assert.ok(rig.turn());
  assert.not(rig.turn());
});

test("this machine's own connections are always read, and a /64 is one address", () => {
  const rig = new Rig();
  const own = rig.add(2, "::ffff:127.0.0.1");
  const [one, another] = [rig.add(1, "2001:db8::1"), rig.add(1, "2001:db8::2")];
  rig.wait(1_000, "::ffff:127.0.0.1");
  rig.wait(16, "2001:db8::1");
  assert.equal([readOf(own), readOf(one), readOf(another)], [2, 0, 0]);
});

test("a gate that is closed lets everybody in for good", () => {
  const rig = new Rig();
  const sockets = rig.add(40);
  rig.wait(16);
  rig.gate.close();
  assert.is(readOf(sockets), 40);
  rig.wait(16);
  assert.is(readOf(sockets), 40);
});

test("what HTTP/2 does not read, since what it has written is not taken, is not read for the gate either", () => {
  const did: string[] = [];
  const handle = {
    writeQueueSize: 0,
    readStart: () => void did.push("start"),
    readStop: () => void did.push("stop"),
  };
  const turns: (() => void)[] = [];
  let waiting = 16;
  const gate = new ReadGate(() => waiting, undefined, { soon: (run) => void turns.push(run) });
  gate.add(Object.assign(new FakeSocket(), { _handle: handle }));
  gate.waited(ADDRESS);
  assert.equal(did, ["stop"]);
  handle.writeQueueSize = 1;
  waiting = 0;
  turns.shift()?.();
  assert.equal(did, ["stop"]);
});

test.run();

// Whom to dial, and when again. Dials are made up, and settled by hand.
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { Endpoint } from "../../src/address/endpoint.js";
import { type ErrorCode, GoshareError } from "../../src/core/errors.js";
import { type Machine, PeerFinder } from "../../src/swarm/neighbours/peer-finder.js";
import { type DownloadSwarmOptions, defaultDownloadSwarmOptions } from "../../src/swarm/options.js";
import { withinPatience } from "../support/scripted-peer.js";

const at = (port: number): Endpoint => ({ host: "192.0.2.1", port, transport: "tcp" });

interface Dial {
  readonly port: number;
  readonly endpoints: readonly Endpoint[];
  connect(): void;
  end(): void;
  fail(code?: ErrorCode): void;
}

class Dials {
  readonly all: Dial[] = [];
  wanted = 1000;
  /** From 0 up to but not including 1. */
  chance = 0;
  readonly finder: PeerFinder;
  #onDial: () => void = () => undefined;

  constructor(changes: Partial<DownloadSwarmOptions> = {}) {
    const options = { ...defaultDownloadSwarmOptions, minRedialMs: 2, maxRedialMs: 8, ...changes };
    const dial = ({ endpoints }: Machine, connected: () => void) => {
      const dialled = new Promise<void>((resolve, reject) => {
        const fail = (code: ErrorCode = "PEER_UNREACHABLE") =>
          reject(new GoshareError(code, "nobody is there"));
        this.all.push({ port: endpoints[0]?.port ?? 0, endpoints, connect: connected, end: resolve, fail });
      });
      this.#onDial();
      return dialled;
    };
    // By chance it is always the first.
    this.finder = new PeerFinder(
      options,
      dial,
      () => this.wanted,
      () => this.chance,
    );
  }

  get ports(): number[] {
    return this.all.map(({ port }) => port);
  }

  /** The dial with this number, from 0, when it is made. */
  async dial(index: number): Promise<Dial> {
    await withinPatience(
      new Promise<void>((resolve) => {
        this.#onDial = () => {
          if (this.all.length > index) resolve();
        };
        this.#onDial();
      }),
      `dial ${index}`,
    );
    const dial = this.all[index];
    if (dial === undefined) throw new Error("it is there");
    return dial;
  }
}

test("machines that do not answer soon have others dialled beside them, up to as many as allowed", async () => {
  const dials = new Dials({ slowDialMs: 1, maxDials: 5 });
  dials.wanted = 2;
  for (let port = 1; port <= 8; port++) dials.finder.add({ endpoints: [at(port)] });
  assert.is(dials.all.length, 2);
  const fifth = await dials.dial(4);
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.is(dials.all.length, 5);
  fifth.connect();
  assert.is(dials.all.length, 6, "what answers late makes room as well");
  dials.finder.close();
});

test("whom the user named is dialled, however many others do not answer", () => {
  const dials = new Dials({ maxDials: 2 });
  for (let port = 1; port <= 4; port++) dials.finder.add({ endpoints: [at(port)] });
  assert.equal(dials.ports, [1, 2]);
  dials.finder.add({ endpoints: [at(9)], isNamed: true });
  assert.equal(dials.ports, [1, 2, 9]);
  dials.finder.close();
});

test("a machine is dialled at once, with all its endpoints", () => {
  const dials = new Dials();
  dials.finder.add({ endpoints: [at(1), at(2)] });
  assert.equal(
    dials.all.map(({ endpoints }) => endpoints),
    [[at(1), at(2)]],
  );
  assert.ok(dials.finder.isDialling);
  dials.finder.close();
});

test("a machine that is known is passed over, and so is one without endpoints", () => {
  const dials = new Dials();
  dials.finder.add({ endpoints: [at(1), at(2)] });
  dials.finder.add({ endpoints: [at(1)] });
  dials.finder.add({ endpoints: [] });
  assert.equal(dials.ports, [1]);
  dials.finder.close();
});

test("no more dials are under way than allowed; the others follow as they end", async () => {
  const dials = new Dials({ maxDials: 2, minRedialMs: 60_000, maxRedialMs: 60_000 });
  for (const port of [1, 2, 3, 4]) dials.finder.add({ endpoints: [at(port)] });
  assert.equal(dials.ports, [1, 2]);
  (await dials.dial(0)).fail();
  assert.is((await dials.dial(2)).port, 3);
  (await dials.dial(1)).end();
  assert.is((await dials.dial(3)).port, 4);
  dials.finder.close();
});

test("a connection that stands is no dial under way, and gives its place to the next once", async () => {
  const dials = new Dials({ maxDials: 1, minRedialMs: 60_000, maxRedialMs: 60_000 });
  for (const port of [1, 2, 3]) dials.finder.add({ endpoints: [at(port)] });
  assert.equal(dials.ports, [1]);
  const first = await dials.dial(0);
  first.connect();
  assert.equal(dials.ports, [1, 2]);
  first.connect();
  first.end();
  for (let turn = 0; turn < 50; turn++) await new Promise(setImmediate);
  assert.equal(dials.ports, [1, 2]);
  (await dials.dial(1)).connect();
  (await dials.dial(2)).connect();
  assert.not(dials.finder.isDialling);
  dials.finder.close();
});

test("of those that strangers named as many are dialled as are wanted, by chance; who was named by the user is always", async () => {
  const dials = new Dials({ minRedialMs: 60_000, maxRedialMs: 60_000 });
  dials.wanted = 1;
  for (const port of [1, 2, 3, 4]) dials.finder.add({ endpoints: [at(port)] });
  assert.equal(dials.ports, [1]);
  assert.ok(dials.finder.hasIdle);
  dials.finder.add({ endpoints: [at(9)], isNamed: true });
  assert.equal(dials.ports, [1, 9]);
  (await dials.dial(0)).connect();
  assert.equal(dials.ports, [1, 9, 2], "one dial under way");
  dials.wanted = 0;
  (await dials.dial(2)).connect();
  assert.equal(dials.ports, [1, 9, 2]);
  dials.wanted = 2;
  dials.chance = 0.99;
  dials.finder.fill();
  assert.equal(dials.ports, [1, 9, 2, 4, 3]);
  assert.not(dials.finder.hasIdle);
  dials.finder.close();
});

test("no more machines are kept than allowed", () => {
  const dials = new Dials({ maxCandidates: 3 });
  for (const port of [1, 2, 3, 4, 5]) dials.finder.add({ endpoints: [at(port)] });
  assert.equal(dials.ports, [1, 2, 3]);
  dials.finder.close();
});

test("a dial that failed is made again, and so is one whose connection has ended", async () => {
  const dials = new Dials();
  dials.finder.add({ endpoints: [at(1)] });
  for (let index = 0; index < 4; index++) {
    const dial = await dials.dial(index);
    assert.is(dial.port, 1);
    assert.is(dials.all.length, index + 1, "one at a time");
    if (index % 2 === 0) dial.fail();
    else dial.end();
  }
  await dials.dial(4);
  assert.is(dials.finder.lastError?.code, "PEER_UNREACHABLE");
  dials.finder.close();
});

test("the pause before the next dial grows with failures, to its limit, and shrinks after a success", async () => {
  const pauses: number[] = [];
  const realSetTimeout = globalThis.setTimeout;
  const dials = new Dials({ minRedialMs: 1000, maxRedialMs: 15_000, slowDialMs: 60_000 });
  // Pauses are noted, and over at once.
  Object.defineProperty(globalThis, "setTimeout", {
    configurable: true,
    writable: true,
    value: (done: () => void, ms: number) => {
      if (ms >= 400 && ms <= 15_000) pauses.push(ms);
      return ms >= 400 && ms <= 15_000 ? realSetTimeout(done, 0) : realSetTimeout(done, ms);
    },
  });
  try {
    dials.finder.add({ endpoints: [at(1)], isNamed: true });
    for (let index = 0; index < 8; index++) {
      const dial = dials.all[index] ?? (await patientDial(dials, index));
      if (index === 6) dial.end();
      else dial.fail();
    }
    await patientDial(dials, 8);
  } finally {
    Object.defineProperty(globalThis, "setTimeout", {
      configurable: true,
      writable: true,
      value: realSetTimeout,
    });
    dials.finder.close();
  }
  const ceilings = [2000, 4000, 8000, 15_000, 15_000, 15_000, 1000, 2000];
  assert.is(pauses.length, ceilings.length);
  for (const [index, ceiling] of ceilings.entries()) {
    const pause = pauses[index] ?? 0;
    assert.ok(pause >= ceiling / 2 && pause <= ceiling, `pause ${index} is ${pause}, of ${ceiling}`);
  }
});

async function patientDial(dials: Dials, index: number): Promise<Dial> {
  for (let turns = 0; turns < 100_000; turns++) {
    const dial = dials.all[index];
    if (dial !== undefined) return dial;
    await new Promise(setImmediate);
  }
  throw new Error(`dial ${index} was never made`);
}

test("a machine that strangers named is forgotten after some failures, and may be named again", async () => {
  const dials = new Dials({ maxDialFailures: 3, maxCandidates: 2 });
  dials.finder.add({ endpoints: [at(1)] });
  dials.finder.add({ endpoints: [at(2)], isNamed: true });
  let failed = 0;
  for (let index = 0; failed < 3; index++) {
    const dial = await dials.dial(index);
    dial.fail();
    if (dial.port === 1) failed++;
  }
  await new Promise(setImmediate);
  // There is room for another.
  dials.finder.add({ endpoints: [at(3)] });
  for (let index = 0; !dials.ports.includes(3); index++) (await dials.dial(index)).fail();
  assert.is(dials.ports.filter((port) => port === 1).length, 3);
  assert.ok(dials.ports.filter((port) => port === 2).length >= 2, "who was named by the user stays");
  dials.finder.close();
});

test("an address that leads back to this process is not dialled again, even if it is named again", async () => {
  const dials = new Dials({ minRedialMs: 1, maxRedialMs: 1, maxDials: 1 });
  dials.finder.add({ endpoints: [at(1)], isNamed: true });
  (await dials.dial(0)).fail("PEER_SELF");
  await new Promise(setImmediate);
  dials.finder.add({ endpoints: [at(1)] });
  assert.match(String(dials.finder.lastError?.message), /:1 leads to this process itself/);
  // Others have their turn meanwhile.
  dials.finder.add({ endpoints: [at(2)] });
  for (let index = 1; index < 5; index++) (await dials.dial(index)).fail();
  assert.equal(dials.ports.slice(0, 5), [1, 2, 2, 2, 2]);
  assert.is(dials.finder.lastError?.code, "PEER_UNREACHABLE");
  dials.finder.close();
});

test("a closed finder dials nobody, and lets the process end", async () => {
  const dials = new Dials();
  dials.finder.add({ endpoints: [at(1)] });
  const first = await dials.dial(0);
  dials.finder.close();
  first.fail();
  dials.finder.add({ endpoints: [at(2)] });
  for (let turn = 0; turn < 50; turn++) await new Promise(setImmediate);
  assert.equal(dials.ports, [1]);
});

test.run();

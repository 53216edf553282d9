import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { bech32m } from "@scure/base";
import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { TicketSchema } from "../../gen/goshare/v1/endpoint_pb.js";
import type { Endpoint } from "../../src/address/endpoint.js";
import { normaliseHost } from "../../src/address/host.js";
import {
  decodeTicket,
  displayName,
  encodeTicket,
  looksLikeTicket,
  type Ticket,
} from "../../src/address/ticket.js";
import { GoshareError } from "../../src/core/errors.js";
import { type ContentId, parseContentId } from "../../src/core/ids.js";

function contentId(byte: string): ContentId {
  const id = parseContentId(byte.repeat(32));
  if (id === undefined) throw new Error("64 hex digits are a content id");
  return id;
}

const ID = contentId("ab");
const PIN = "cd".repeat(32);
const OTHER_PIN = "ef".repeat(32);
const tcp = (host: string, port = 9000): Endpoint => ({ host, port, transport: "tcp" });
const tls = (host: string, certificateSha256: string): Endpoint => ({
  host,
  port: 9000,
  transport: "tls",
  certificateSha256,
});

function assertRefused(run: () => unknown, message: RegExp, code = "TICKET_INVALID"): void {
  assert.throws(run, (error: unknown) => {
    assert.ok(error instanceof GoshareError, String(error));
    assert.is(error.code, code);
    assert.is(error.exitCode, 2);
    assert.match(error.message, message);
    return true;
  });
}

function textOf(bytes: Uint8Array, prefix = "goshare"): string {
  return bech32m.encode(prefix, bech32m.toWords(Uint8Array.from(bytes)), false);
}

function craft(init: MessageInitShape<typeof TicketSchema>): string {
  const message = create(TicketSchema, { format: 1, contentId: Buffer.from(ID, "hex"), ...init });
  return textOf(toBinary(TicketSchema, message));
}

const hex = (text: string) => Buffer.from(text.replaceAll(" ", ""), "hex");

test("a ticket with one IPv4 peer is 86 characters", () => {
  const text = encodeTicket({ contentId: ID, name: "", trackers: [], peers: [tcp("192.168.1.5")] });
  assert.is(text.length, 86);
  assert.match(text, /^goshare1[a-z0-9]+$/);
});

const host = fc.oneof(
  fc.ipV4().filter((address) => !address.startsWith("0.")),
  fc
    .ipV6()
    .map((address) => normaliseHost(address) ?? "::1")
    .filter((address) => address !== "::" && !address.startsWith("0.")),
  fc.constantFrom("tracker.example.com", "a", `${"a".repeat(24)}.example`),
);
const port = fc.integer({ min: 1, max: 65_535 });
const plain = { noNullPrototype: true };
const tcpEndpoint = fc.record({ host, port, transport: fc.constant("tcp" as const) }, plain);
const tlsEndpoint = (pin: string) =>
  fc.record(
    { host, port, transport: fc.constant("tls" as const), certificateSha256: fc.constant(pin) },
    plain,
  );
/** Tickets that fit, whatever is drawn: at most 2 + 34 + 66 + 2·71 + 2·38 + 34 bytes, and 366 are 600 characters. */
const ticket: fc.Arbitrary<Ticket> = fc.record(
  {
    contentId: fc.constantFrom(ID, contentId("00")),
    name: fc.string({ unit: "grapheme", maxLength: 12 }).filter((name) => !/[/\p{Cc}\p{Cf}]/u.test(name)),
    trackers: fc.array(fc.oneof(tcpEndpoint, tlsEndpoint(OTHER_PIN)), { maxLength: 2 }),
    peers: fc.array(fc.oneof(tcpEndpoint, tlsEndpoint(PIN)), { maxLength: 2 }),
    peerCertificateSha256: fc.constant(PIN),
  },
  plain,
);

test("a ticket that fits is read back the same, whatever its case and white space", () => {
  fc.assert(
    fc.property(ticket, (wanted) => {
      const text = encodeTicket(wanted);
      if (text.length > 540) return;
      assert.equal(decodeTicket(text), { ...wanted, name: displayName(wanted.name) });
      const spaced = ` ${text.toUpperCase().replace(/(.{20})/g, "$1\n  ")}\t`;
      assert.equal(decodeTicket(spaced), decodeTicket(text));
      assert.ok(looksLikeTicket(spaced));
    }),
    { numRuns: 300 },
  );
});

test("to fit 600 characters the name goes first, then peers, then trackers, each from its end", () => {
  const long = (letter: string) => `${letter.repeat(60)}.${letter.repeat(60)}`;
  const full: Ticket = {
    contentId: ID,
    name: "n".repeat(64),
    trackers: [tls(long("a"), OTHER_PIN), tcp(long("b"))],
    peers: [tls(long("c"), PIN), tls("10.0.0.1", PIN), tcp("10.0.0.2")],
    peerCertificateSha256: PIN,
  };
  const text = encodeTicket(full);
  assert.ok(text.length <= 600);
  const read = decodeTicket(text);
  assert.is(read.name, "");
  assert.equal(read.trackers, full.trackers);
  assert.equal(read.peers, []);

  const small = { ...full, trackers: full.trackers.slice(1), peers: full.peers.slice(0, 2) };
  assert.equal(decodeTicket(encodeTicket(small)), { ...small, name: "" });

  const hugeName = `${"x.".repeat(126)}x`;
  const huge = decodeTicket(encodeTicket({ ...full, trackers: [tls(hugeName, PIN), tls(hugeName, PIN)] }));
  assert.equal(huge.trackers, [tls(hugeName, PIN)]);
});

test("more trackers and peers than a ticket holds are left out from the end", () => {
  const peers = ["10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4"].map((address) => tcp(address));
  const read = decodeTicket(encodeTicket({ contentId: ID, name: "", trackers: peers, peers }));
  assert.equal(read.trackers, peers.slice(0, 2));
  assert.equal(read.peers, peers.slice(0, 3));
});

test("a name is cut at a character", () => {
  assert.is(displayName("a".repeat(65)), "a".repeat(64));
  assert.is(displayName("é".repeat(40)), "é".repeat(32));
  assert.is(displayName(`a${"😀".repeat(16)}`), `a${"😀".repeat(15)}`);
  assert.is(displayName("short"), "short");
});

test("text that is no ticket is told from one that is damaged", () => {
  for (const text of ["", "goshare", "share.goshare", "b".repeat(64), "goshar1abc", "/goshare1"]) {
    assert.not(looksLikeTicket(text), text);
    assertRefused(() => decodeTicket(text), /does not begin with goshare1/);
  }
  assert.ok(looksLikeTicket("GOSHARE1"));
  assertRefused(() => decodeTicket("goshare1"), /typing error/);
  assertRefused(() => decodeTicket(`goshare1${"q".repeat(600)}`), /more than 600/);
  const good = craft({});
  assertRefused(() => decodeTicket(good.slice(0, -1)), /typing error or was cut/);
  assertRefused(() => decodeTicket(`goshare1${textOf(hex("0801"), "goshare1x").slice(8)}`), /typing error/);
});

test("a newer format is said to be newer, whatever follows", () => {
  assertRefused(() => decodeTicket(textOf(hex("08 02 ff ff"))), /format 2/, "NEWER_FORMAT");
  assertRefused(() => decodeTicket(textOf(hex("12 01 61"))), /not a ticket of any known format/);
});

test("a ticket is read strictly", () => {
  const good = toBinary(TicketSchema, create(TicketSchema, { format: 1, contentId: hex(ID) }));
  const withBytes = (text: string) => textOf(Buffer.concat([good, hex(text)]));
  assert.is(decodeTicket(withBytes("c0 3e 01")).contentId, ID);
  assertRefused(() => decodeTicket(withBytes("08 01")), /field 1 twice/);
  assertRefused(() => decodeTicket(withBytes("38 01")), /field 7/);
  assertRefused(() => decodeTicket(withBytes("1a 00")), /spells out field 3/);
  assertRefused(() => decodeTicket(withBytes("1a 05 61")), /cut short/);
});

test("what no ticket may hold is refused", () => {
  const bad: readonly (readonly [MessageInitShape<typeof TicketSchema>, RegExp])[] = [
    [{ contentId: new Uint8Array(31) }, /no content id/],
    [{ contentId: new Uint8Array(0) }, /no content id/],
    [{ name: "n".repeat(65) }, /more than 64 bytes/],
    [{ name: "a\u001b[2J" }, /<U\+001B>/],
    [{ name: "a/b" }, /holds "\/"/],
    [{ trackers: [hex("01 0a000001 2328"), hex("01 0a000001 2328"), hex("01 0a000001 2328")] }, /3 trackers/],
    [{ peers: [1, 2, 3, 4].map(() => hex("01 0a000001 2328")) }, /4 peers/],
    [{ peerCertificateSha256: new Uint8Array(20) }, /digest of 20 bytes/],
    [{ peers: [new Uint8Array(0)] }, /damaged peer/],
    [{ peers: [hex("01 0a000001 23")] }, /damaged peer/],
    [{ peers: [hex("01 0a000001 2328 00")] }, /damaged peer/],
    [{ peers: [hex("01 0a000001 0000")] }, /damaged peer/],
    [{ peers: [hex("02 0a000001 2328")] }, /damaged peer/],
    [{ peers: [hex("03 00 2328")] }, /damaged peer/],
    [{ peers: [hex("03")] }, /damaged peer/],
    [{ peers: [hex("03 05 61 2328")] }, /damaged peer/],
    [{ peers: [hex("03 02 4142 2328")] }, /damaged peer/],
    [{ peers: [hex("03 02 612f 2328")] }, /damaged peer/],
    [{ peers: [hex("03 07 31302e302e302e31 2328")] }, /damaged peer/],
    [{ peers: [hex("11 0a000001 2328")] }, /damaged peer/],
    [{ trackers: [hex("11 0a000001 2328")] }, /damaged tracker/],
    [{ trackers: [hex(`11 0a000001 2328 ${PIN}00`)] }, /damaged tracker/],
  ];
  for (const [init, message] of bad) assertRefused(() => decodeTicket(craft(init)), message);
});

test("endpoints of unknown kinds and hosts that mean no place are skipped", () => {
  const peers = [hex("04 ffffff"), hex("21 0a000001 2328"), hex("01 00000000 2328"), hex("01 0a000001 2328")];
  const read = decodeTicket(
    craft({ peers: peers.slice(0, 2).concat(peers.slice(3)), trackers: [hex("00"), peers[2] ?? hex("")] }),
  );
  assert.equal(read.peers, [tcp("10.0.0.1")]);
  assert.equal(read.trackers, []);
});

test("an IPv4-mapped address in a ticket is IPv4", () => {
  const read = decodeTicket(craft({ peers: [hex("02 00000000000000000000ffff0a000001 2328")] }));
  assert.equal(read.peers, [tcp("10.0.0.1")]);
});

test("any damage to a ticket is refused with a typed error", () => {
  const good = encodeTicket({
    contentId: ID,
    name: "photos",
    trackers: [tcp("a.example")],
    peers: [tcp("10.0.0.1")],
  });
  for (let length = 0; length < good.length; length++) {
    assert.throws(
      () => decodeTicket(good.slice(0, length)),
      (error: unknown) => error instanceof GoshareError,
    );
  }
  // The checksum finds every single wrong character.
  for (let offset = 8; offset < good.length; offset++) {
    const wrong = good[offset] === "q" ? "p" : "q";
    assertRefused(() => decodeTicket(good.slice(0, offset) + wrong + good.slice(offset + 1)), /typing error/);
  }
  const decodeOrTyped = (text: string) => {
    try {
      decodeTicket(text);
    } catch (thrown) {
      assert.instance(thrown, GoshareError);
    }
  };
  fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => decodeOrTyped(`goshare1${text}`)));
  const byte = fc.oneof(fc.constantFrom(1, 2, 3, 4, 7, 8, 0x0a, 0x12, 0x1a, 0x22, 0x2a), fc.nat(255));
  fc.assert(
    fc.property(fc.array(byte, { maxLength: 60 }), (bytes) => {
      decodeOrTyped(textOf(Uint8Array.from([8, 1, 0x12, 32, ...hex(ID), ...bytes])));
    }),
    { numRuns: 2000 },
  );
});

test("an endpoint that TLS needs a pin for must have it", () => {
  const noPin: Endpoint = { host: "10.0.0.1", port: 1, transport: "tls" };
  assert.throws(() => encodeTicket({ contentId: ID, name: "", trackers: [noPin], peers: [] }), /pin/);
  assert.throws(
    () => encodeTicket({ contentId: ID, name: "", trackers: [], peers: [tls("10.0.0.1", PIN)] }),
    /pin/,
  );
});

test.run();

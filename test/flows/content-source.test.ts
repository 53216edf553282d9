import { test } from "uvu";
import * as assert from "uvu/assert";
import type { Endpoint } from "../../src/address/endpoint.js";
import { decodeTicket, encodeTicket } from "../../src/address/ticket.js";
import { GoshareError } from "../../src/core/errors.js";
import { type ContentSource, readContentSource, ticketFor } from "../../src/flows/finding/content-source.js";
import { smallShare } from "../support/small-share.js";

const { root } = smallShare(2).manifest;
const { contentId, name } = root;
const at = (host: string): Endpoint => ({ host, port: 9000, transport: "tcp" });
const pinned = (host: string, pin?: string): Endpoint => ({
  ...{ host, port: 9000, transport: "tls" },
  certificateSha256: pin?.repeat(32),
});

const sourceOf = (peers: readonly Endpoint[]): ContentSource => {
  return { contentId, name, root: undefined, manifest: undefined, trackers: [], peers };
};

const hosts = (endpoints: readonly Endpoint[]) => endpoints.map(({ host }) => host);

test("what a ticket led to is the same ticket again", async () => {
  const peers = [at("192.0.2.1"), at("2001:db8::1")];
  const trackers = [at("tracker.example")];
  for (const ticket of [
    encodeTicket({ contentId, name, trackers, peers }),
    encodeTicket({
      contentId,
      name,
      trackers: [],
      peers: [pinned("192.0.2.1", "ab")],
      peerCertificateSha256: "ab".repeat(32),
    }),
  ]) {
    const source = await readContentSource(ticket);
    assert.is(ticketFor(root, source, source.trackers), ticket);
  }
});

test("the line that a share prints is taken for the ticket in it, and other text around a ticket for nothing", async () => {
  const ticket = encodeTicket({ contentId, name, trackers: [], peers: [at("192.0.2.1")] });
  for (const line of [`goshare download ${ticket}`, ` goshare  download ${ticket.toUpperCase()}\n`])
    assert.is((await readContentSource(line)).contentId, contentId);
  for (const text of [`goshare download ${ticket} --output isos`, `see ${ticket}`, "goshare download x"]) {
    const code = await readContentSource(text).catch((thrown: unknown) => GoshareError.from(thrown).code);
    assert.ok(code === "USAGE" || code === "TICKET_INVALID", text);
  }
});

test("a content id and trackers of the command line become a ticket too", async () => {
  const source = await readContentSource(contentId);
  const ticket = decodeTicket(ticketFor(root, source, [at("localhost"), at("tracker.example")]));
  assert.equal([ticket.contentId, ticket.name], [contentId, name]);
  assert.equal([hosts(ticket.trackers), ticket.peers], [["localhost", "tracker.example"], []]);
});

test("of many peers, some with other certificates or none, as many are kept as a ticket can name", () => {
  const peers = [pinned("192.0.2.1", "ab"), pinned("192.0.2.2", "cd"), pinned("192.0.2.3"), at("192.0.2.4")];
  const some = decodeTicket(ticketFor(root, sourceOf(peers), []));
  assert.equal(hosts(some.peers), ["192.0.2.1", "192.0.2.4"]);
  assert.equal(decodeTicket(ticketFor(root, sourceOf([pinned("192.0.2.3")]), [])).peers, []);
  const many = Array.from({ length: 64 }, (_, index) => at(`${"x".repeat(60)}.${index}.example`));
  assert.ok(decodeTicket(ticketFor(root, sourceOf(many), many)).trackers.length > 0);
});

test.run();

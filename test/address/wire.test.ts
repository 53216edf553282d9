import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { EndpointSchema, Transport } from "../../gen/goshare/v1/endpoint_pb.js";
import type { Endpoint } from "../../src/address/endpoint.js";
import { endpointFromWire, endpointToWire } from "../../src/address/wire.js";

const PIN = Buffer.alloc(32, 7);
const UNKNOWN_TRANSPORT: number = 3;
const read = (init: MessageInitShape<typeof EndpointSchema>) =>
  endpointFromWire(create(EndpointSchema, { host: "10.0.0.1", port: 1, transport: Transport.TCP, ...init }));

test("endpoints go over the wire and back", () => {
  const endpoints: readonly Endpoint[] = [
    { host: "10.0.0.1", port: 1, transport: "tcp" },
    { host: "2001:db8::1", port: 65_535, transport: "tcp" },
    { host: "host.example", port: 9000, transport: "tls", certificateSha256: PIN.toString("hex") },
  ];
  for (const endpoint of endpoints) assert.equal(endpointFromWire(endpointToWire(endpoint)), endpoint);
});

test("a host from the wire gets its one spelling", () => {
  assert.is(read({ host: "::FFFF:10.0.0.1" })?.host, "10.0.0.1");
  assert.is(read({ host: "Host.Example." })?.host, "host.example");
});

test("what cannot be dialled, or not in a known way, is skipped", () => {
  const skipped: readonly MessageInitShape<typeof EndpointSchema>[] = [
    { transport: Transport.UNSPECIFIED },
    { transport: UNKNOWN_TRANSPORT },
    { transport: Transport.TLS },
    { transport: Transport.TLS, certificateSha256: PIN.subarray(1) },
    { certificateSha256: PIN },
    { port: 0 },
    { port: 65_536 },
    { host: "" },
    { host: "[::1]" },
    { host: "fe80::1%1" },
    { host: "0.0.0.0" },
    { host: "::" },
    { host: "127.1" },
    { host: "a b" },
    { host: "x".repeat(100_000) },
  ];
  for (const init of skipped) assert.is(read(init), undefined, JSON.stringify(init).slice(0, 200));
});

test.run();

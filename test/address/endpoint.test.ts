import { test } from "uvu";
import * as assert from "uvu/assert";
import {
  formatEndpoint,
  isTellable,
  parseEndpoint,
  parseListenAddress,
  parseTrackerEndpoint,
  requireEndpoint,
  requireListenAddress,
  requireTrackerEndpoint,
} from "../../src/address/endpoint.js";
import { GoshareError } from "../../src/core/errors.js";

const tcp = (host: string, port: number) => ({ host, port, transport: "tcp" });

test("HOST:PORT in its forms is an endpoint in one spelling", () => {
  assert.equal(parseEndpoint("192.168.1.5:9000"), tcp("192.168.1.5", 9000));
  assert.equal(parseEndpoint(" [2001:DB8::1]:1 "), tcp("2001:db8::1", 1));
  assert.equal(parseEndpoint("[::ffff:10.0.0.1]:65535"), tcp("10.0.0.1", 65_535));
  assert.equal(parseEndpoint("Tracker.Example.com:8080"), tcp("tracker.example.com", 8080));
});

test("a bare host takes the default port, if there is one", () => {
  assert.equal(parseEndpoint("localhost", 8080), tcp("localhost", 8080));
  assert.equal(parseEndpoint("[::1]", 8080), tcp("::1", 8080));
  assert.equal(parseEndpoint("localhost:1", 8080), tcp("localhost", 1));
  assert.is(parseEndpoint("localhost"), undefined);
});

test("what cannot be dialled or understood is no endpoint", () => {
  const bad = [
    "",
    ":",
    ":9000",
    "host:",
    "host:0",
    "host:65536",
    "host:1e3",
    "host:-1",
    "host:+1",
    "host:9000:1",
    "::1",
    "::1:9000",
    "[::1",
    "[127.0.0.1]:9000",
    "[host]:9000",
    "[fe80::1%eth0]:9000",
    "0.0.0.0:9000",
    "[::]:9000",
    "http://host:9000",
    "host :9000",
    "127.1:9000",
  ];
  for (const text of bad) assert.is(parseEndpoint(text, 8080), undefined, text);
});

test("one may listen at port 0 and at every interface", () => {
  assert.equal(parseListenAddress("127.0.0.1:0"), { host: "127.0.0.1", port: 0 });
  assert.equal(parseListenAddress("[::]:9000"), { host: "::", port: 9000 });
  assert.equal(parseListenAddress("0.0.0.0", 9000), { host: "0.0.0.0", port: 9000 });
  assert.is(parseListenAddress("0.0.0.0:65536"), undefined);
});

test("the throwing forms say what was meant and how to write it", () => {
  for (const run of [
    () => requireEndpoint("a:b", "--tracker"),
    () => requireListenAddress("a:b", "--tracker"),
  ]) {
    assert.throws(run, (error: unknown) => {
      assert.ok(error instanceof GoshareError);
      assert.is(error.code, "USAGE");
      assert.is(error.message, '--tracker "a:b" is not an address');
      assert.match(error.hint, /HOST:PORT/);
      return true;
    });
  }
  assert.equal(requireEndpoint("a:1", "--tracker"), tcp("a", 1));
  for (const text of ["tls://a:1#5a", "tls://a:b"])
    assert.throws(
      () => requireTrackerEndpoint(text, "--tracker"),
      (error: unknown) => GoshareError.from(error).hint.includes("tls://HOST:PORT#SHA256"),
    );
});

test("endpoints are written so that they are read back the same", () => {
  for (const text of ["192.168.1.5:9000", "[2001:db8::1]:80", "host.example:1"]) {
    const endpoint = parseEndpoint(text);
    assert.ok(endpoint !== undefined);
    assert.is(formatEndpoint(endpoint), text);
  }
  assert.is(formatEndpoint({ host: "::", port: 0 }), "[::]:0");
});

test("a tracker may be reached by TLS, and may have to show one certificate", () => {
  const pin = "0123456789abcdef".repeat(4);
  const tls = { ...tcp("tracker.example", 8080), transport: "tls" };
  assert.equal(parseTrackerEndpoint("tracker.example:8080"), tcp("tracker.example", 8080));
  assert.equal(parseTrackerEndpoint("tls://tracker.example:8080"), { ...tls, certificateSha256: undefined });
  assert.equal(parseTrackerEndpoint(" TLS://Tracker.Example ", 8080), {
    ...tls,
    certificateSha256: undefined,
  });
  assert.equal(parseTrackerEndpoint(`tls://tracker.example:8080#${pin.toUpperCase()}`), {
    ...tls,
    certificateSha256: pin,
  });
  for (const text of [
    "tls://",
    "tls://a:0",
    "tls://a:1#",
    `tls://a:1#${pin}0`,
    "tls://a:1#xyz",
    "http://a:1",
  ]) {
    assert.is(parseTrackerEndpoint(text), undefined, text);
  }
  for (const text of ["tls://a:1", `a:1#${pin}`]) assert.is(parseEndpoint(text), undefined, text);
});

test("an endpoint with TLS is written so, and others are told of it only with its certificate", () => {
  const endpoint = { host: "::1", port: 8080, transport: "tls" } as const;
  assert.is(formatEndpoint(endpoint), "tls://[::1]:8080");
  assert.not(isTellable(endpoint));
  assert.ok(isTellable({ ...endpoint, certificateSha256: "ab".repeat(32) }));
  assert.ok(isTellable({ ...endpoint, transport: "tcp" }));
});

test.run();

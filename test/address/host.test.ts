import { test } from "uvu";
import * as assert from "uvu/assert";
import { hostScope, normaliseHost } from "../../src/address/host.js";

test("every address has one spelling", () => {
  const table: readonly (readonly [string, string])[] = [
    ["192.168.1.5", "192.168.1.5"],
    ["::ffff:192.168.1.5", "192.168.1.5"],
    ["::FFFF:c0a8:105", "192.168.1.5"],
    ["2001:DB8:0:0:0:0:0:1", "2001:db8::1"],
    ["2001:db8::0:1:0:0", "2001:db8::1:0:0"],
    ["::", "::"],
    ["0:0:0:0:0:0:0:1", "::1"],
    ["Example.COM", "example.com"],
    ["example.com.", "example.com"],
    ["my_host-1", "my_host-1"],
    ["1e100.net", "1e100.net"],
  ];
  for (const [host, normalised] of table) assert.is(normaliseHost(host), normalised, host);
});

test("zone ids, hidden numbers and what is no host are refused", () => {
  const bad = [
    "",
    ".",
    "fe80::1%eth0",
    "[::1]",
    "127.1",
    "0x7f000001",
    "0x7f.1",
    "2130706433",
    "1.2.3.256",
    "010.1.1.1",
    "1.2.3.4.",
    "a..b",
    "-a.b",
    "a b",
    "a/b",
    "hôte",
    "::1.2.3.4",
    "1:2",
    ":::",
    `${"a".repeat(64)}.b`,
    `${"a.".repeat(127)}`,
    "a\u0000",
  ];
  for (const host of bad.filter((text) => text !== `${"a.".repeat(127)}`))
    assert.is(normaliseHost(host), undefined, host);
  assert.is(normaliseHost("a.".repeat(127))?.length, 253);
  assert.is(normaliseHost(`${"a.".repeat(127)}a`), undefined);
});

test("a host's scope follows from its address, in any spelling", () => {
  const table: readonly (readonly [string, ReturnType<typeof hostScope>])[] = [
    ["127.0.0.1", "loopback"],
    ["127.8.9.10", "loopback"],
    ["::1", "loopback"],
    ["::ffff:127.0.0.1", "loopback"],
    ["localhost", "loopback"],
    ["A.LocalHost.", "loopback"],
    ["0.0.0.0", "unspecified"],
    ["0.1.2.3", "unspecified"],
    ["::", "unspecified"],
    ["169.254.1.1", "link-local"],
    ["fe80::1", "link-local"],
    ["10.0.0.1", "private"],
    ["172.16.0.1", "private"],
    ["192.168.0.1", "private"],
    ["100.64.0.1", "private"],
    ["fd00::1", "private"],
    ["224.0.0.1", "multicast"],
    ["ff02::1", "multicast"],
    ["255.255.255.255", "broadcast"],
    ["8.8.8.8", "public"],
    ["2606:4700::1111", "public"],
    ["example.com", "name"],
    ["notlocalhost", "name"],
  ];
  for (const [host, scope] of table) assert.is(hostScope(host), scope, host);
});

test.run();

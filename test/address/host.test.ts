import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { hostNetwork, hostRegion, hostScope, normaliseHost } from "../../src/address/host.js";

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

test("what one machine has is one IPv4 address, or the /64 of an IPv6 one", () => {
  const networks: [string, string][] = [
    ["192.0.2.1", "192.0.2.1"],
    ["2001:db8:0:1::1", "2001:db8:0:1::/64"],
    ["2001:db8:0:1:aaaa:bbbb:cccc:dddd", "2001:db8:0:1::/64"],
    ["2001:db8::1:0:0:0:7", "2001:db8:0:1::/64"],
    ["2001:db8::17", "2001:db8:0:0::/64"],
    ["fe80::1", "fe80:0:0:0::/64"],
    ["1:2:3:4:5:6:7::", "1:2:3:4::/64"],
    ["::", "0:0:0:0::/64"],
    ["tracker.example", "tracker.example"],
  ];
  for (const [host, network] of networks) assert.is(hostNetwork(host), network, host);
});

test("the region of an address is its /16, of IPv6 its /32", () => {
  const regions = [
    ["192.0.2.1", "192.0"],
    ["192.0.77.3", "192.0"],
    ["192.1.2.1", "192.1"],
    ["2001:db8::1", "2001:db8"],
    ["2001:db8:1:2:3:4:5:6", "2001:db8"],
    ["2001::1", "2001:0"],
    ["::1", "0:0"],
  ] as const;
  for (const [host, region] of regions) assert.is(hostRegion(host), region);
});

test("addresses of one /64 are one network, however they are written by a system, and others are others", () => {
  const group = fc.integer({ min: 0, max: 0xffff }).map((n) => (n % 3 === 0 ? 0 : n));
  const groups = fc.array(group, { minLength: 4, maxLength: 4 });
  const text = (parts: readonly number[]) =>
    normaliseHost(parts.map((n) => n.toString(16)).join(":")) ?? "no address";
  fc.assert(
    fc.property(groups, groups, groups, (network, one, other) => {
      fc.pre(network.some((n) => n !== 0));
      assert.is(hostNetwork(text([...network, ...one])), hostNetwork(text([...network, ...other])));
      const neighbour = network.with(3, (network[3] ?? 0) ^ 1);
      assert.is.not(hostNetwork(text([...network, ...one])), hostNetwork(text([...neighbour, ...one])));
    }),
  );
});

test.run();

import { test } from "uvu";
import * as assert from "uvu/assert";
import { HostCount } from "../../src/address/host-count.js";

test("no more than so many connections of one address are welcome at a time", () => {
  const hosts = new HostCount(2);
  assert.equal(
    ["192.0.2.1", "192.0.2.1", "192.0.2.1", "192.0.2.2"].map((host) => hosts.entered(host)),
    [true, true, false, true],
  );
  hosts.left("192.0.2.1");
  assert.not(hosts.entered("192.0.2.1"), "the third is still there");
  for (let times = 0; times < 3; times++) hosts.left("192.0.2.1");
  assert.ok(hosts.entered("192.0.2.1"));
});

test("of IPv6 a whole /64 counts as one address, however it is written", () => {
  const hosts = new HostCount(1);
  assert.ok(hosts.entered("2001:db8:0:1::1"));
  assert.not(hosts.entered("2001:db8:0:1:aaaa:bbbb:cccc:dddd"));
  assert.not(hosts.entered("2001:db8::1:0:0:0:7"));
  assert.ok(hosts.entered("2001:db8:0:2::1"));
  assert.ok(hosts.entered("::1"));
  assert.not(hosts.entered("::2"));
  assert.ok(hosts.entered("fe80::1"));
});

test.run();

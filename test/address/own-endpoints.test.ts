import type { NetworkInterfaceInfo } from "node:os";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { ownEndpoints } from "../../src/address/own-endpoints.js";

function v4(address: string): NetworkInterfaceInfo {
  const internal = address.startsWith("127.");
  return { address, netmask: "", mac: "", internal, cidr: null, family: "IPv4" };
}

function v6(address: string): NetworkInterfaceInfo {
  return {
    address,
    netmask: "",
    mac: "",
    internal: address === "::1",
    cidr: null,
    family: "IPv6",
    scopeid: 0,
  };
}

const LOOPBACK = [v4("127.0.0.1"), v6("::1")];
type Interfaces = Parameters<typeof ownEndpoints>[0];
const hosts = (interfaces: Interfaces, listenHost = "::") =>
  ownEndpoints(interfaces, listenHost, 9000).map(({ host }) => host);

test("the machine's addresses, without loopback and link-local, IPv4 first", () => {
  assert.equal(hosts({ lo: LOOPBACK, eth0: [v6("fe80::1"), v6("2606:4700::5"), v4("192.168.1.5")] }), [
    "192.168.1.5",
    "2606:4700::5",
  ]);
});

test("listening on IPv4 alone gives IPv4 alone", () => {
  assert.equal(hosts({ eth0: [v4("192.168.1.5"), v6("2606:4700::5")] }, "0.0.0.0"), ["192.168.1.5"]);
});

test("a specific address is the only one", () => {
  assert.equal(hosts({ eth0: [v4("192.168.1.5")] }, "127.0.0.1"), ["127.0.0.1"]);
  assert.equal(hosts({ eth0: [v4("192.168.1.5")] }, "::ffff:10.0.0.1"), ["10.0.0.1"]);
});

test("the first three differ and hold an IPv6 address if there is one", () => {
  const interfaces = {
    a: [v4("10.0.0.1"), v4("10.0.0.2"), v4("10.0.0.3")],
    b: [v4("8.8.8.8"), v6("fd00::1"), v6("2606:4700::5")],
  };
  assert.equal(hosts(interfaces).slice(0, 3), ["10.0.0.1", "8.8.8.8", "2606:4700::5"]);
  assert.equal(hosts(interfaces).slice(3), ["fd00::1", "10.0.0.2", "10.0.0.3"]);
  assert.equal(hosts({ a: [v4("10.0.0.1"), v4("10.0.0.2"), v4("10.0.0.3"), v6("fd00::1")] }), [
    "10.0.0.1",
    "fd00::1",
    "10.0.0.2",
    "10.0.0.3",
  ]);
});

test("bridges to containers and virtual machines come last", () => {
  const virtual = ["docker0", "br-0a1b2c", "veth12", "virbr0", "cni0", "vEthernet (WSL)"];
  for (const name of virtual) {
    assert.equal(
      hosts({ [name]: [v4("172.17.0.1")], wlan0: [v4("192.168.1.5")] }),
      ["192.168.1.5", "172.17.0.1"],
      name,
    );
  }
  assert.equal(hosts({ br0: [v4("192.168.1.4")], eth0: [v4("192.168.1.5")] }), [
    "192.168.1.4",
    "192.168.1.5",
  ]);
});

test("link-local only where there is nothing else, loopback only where there is not even that", () => {
  assert.equal(hosts({ lo: LOOPBACK, eth0: [v4("169.254.3.4"), v6("fe80::1")] }), ["169.254.3.4"]);
  assert.equal(hosts({ lo: LOOPBACK, eth0: [v6("fe80::1")] }), ["127.0.0.1", "::1"]);
  assert.equal(hosts({}), ["127.0.0.1"]);
});

test("an address that two interfaces have is given once", () => {
  assert.equal(hosts({ a: [v4("10.0.0.1")], b: [v4("10.0.0.1")], c: undefined }), ["10.0.0.1"]);
});

test.run();

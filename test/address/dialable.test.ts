import { test } from "uvu";
import * as assert from "uvu/assert";
import { mayDial } from "../../src/address/dialable.js";

const ELSEWHERE = ["203.0.113.9", "192.168.1.5", "fe80::9", "example.com", "0.0.0.0"];
const HERE = ["127.0.0.1", "::1", "::ffff:127.0.0.1"];

function assertDialable(host: string, byElsewhere: boolean, byLoopback: boolean, port = 9000): void {
  for (const proposer of ELSEWHERE) {
    assert.is(mayDial({ host, port, transport: "tcp" }, proposer), byElsewhere, `${host} by ${proposer}`);
  }
  for (const proposer of HERE) {
    assert.is(mayDial({ host, port, transport: "tcp" }, proposer), byLoopback, `${host} by ${proposer}`);
  }
}

test("public and private addresses and names may be dialled whoever proposed them", () => {
  for (const host of ["8.8.8.8", "10.0.0.1", "192.168.1.5", "fd00::1", "2606:4700::1", "example.com"]) {
    assertDialable(host, true, true);
  }
});

test("loopback and link-local only if the one who proposed them is on loopback", () => {
  for (const host of [
    "127.0.0.1",
    "127.5.5.5",
    "::1",
    "::ffff:127.0.0.1",
    "localhost",
    "x.localhost",
    "169.254.169.254",
    "fe80::1",
  ]) {
    assertDialable(host, false, true);
  }
});

test("unspecified, multicast and broadcast addresses and impossible ports never", () => {
  for (const host of ["0.0.0.0", "0.0.0.1", "::", "224.0.0.251", "ff02::fb", "255.255.255.255"]) {
    assertDialable(host, false, false);
  }
  for (const port of [0, -1, 65_536, Number.NaN]) assertDialable("8.8.8.8", false, false, port);
});

test.run();

// Which trackers others are told of.
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { Endpoint } from "../../src/address/endpoint.js";
import { trackersForOthers } from "../../src/flows/finding/trackers.js";
import type { TrackerOptions } from "../../src/tracker/server/options.js";
import { digestOf, FIRST, SELF_SIGNED, writeCertificate } from "../support/certificates.js";
import { NO_OWN_ADDRESS, ownAddress } from "../support/own-address.js";
import { ScratchFolder } from "../support/scratch-folder.js";
import { skipTest } from "../support/skip-test.js";
import { withTracker } from "../tracker/server/rig.js";

const scratch = new ScratchFolder();
test.after(() => scratch.remove());

const host = ownAddress() ?? "127.0.0.1";
const own: readonly Endpoint[] = [{ host, port: 9000, transport: "tcp" }];

function elsewhere(
  title: string,
  options: Partial<TrackerOptions>,
  use: (port: number) => Promise<void>,
): void {
  if (ownAddress() === undefined) return skipTest(title, NO_OWN_ADDRESS);
  test(title, () => withTracker(options, ({ endpoint }) => use(endpoint.port)));
}

elsewhere(
  "a tracker on loopback is named by the address that this machine has for others",
  {},
  async (port) => {
    const tracker: Endpoint = { host: "localhost", port, transport: "tcp" };
    assert.equal(await trackersForOthers([tracker], own), [{ ...tracker, host }]);
    assert.equal(await trackersForOthers([tracker], [{ host: "127.0.0.1", port: 9000, transport: "tcp" }]), [
      tracker,
    ]);
  },
);

elsewhere(
  "so is one that speaks TLS and whose certificate is named, and no other",
  writeCertificate(scratch.folder(), SELF_SIGNED),
  async (port) => {
    const pinned = (pin: string): Endpoint => ({
      host: "127.0.0.1",
      port,
      transport: "tls",
      certificateSha256: pin,
    });
    const tracker = pinned(digestOf(SELF_SIGNED));
    const others = [
      pinned(digestOf(FIRST)),
      { ...tracker, certificateSha256: undefined },
      { ...tracker, port: 1 },
    ];
    assert.equal(await trackersForOthers([tracker, ...others], own), [{ ...tracker, host }]);
  },
);

elsewhere("one that others cannot reach is left out", { listenHost: "127.0.0.1" }, async (port) => {
  assert.equal(await trackersForOthers([{ host: "127.0.0.1", port, transport: "tcp" }], own), []);
});

test.run();

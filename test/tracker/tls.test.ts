// TLS between trackers and their clients, in this process: whom clients believe, and certificates that change.
import { rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { connect } from "node:tls";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { type Endpoint, parseTrackerEndpoint } from "../../src/address/endpoint.js";
import { GoshareError } from "../../src/core/errors.js";
import { TrackerClient } from "../../src/tracker/client.js";
import { CertificateFiles } from "../../src/tracker/server/certificate-files.js";
import type { TrackerOptions } from "../../src/tracker/server/options.js";
import { type RunningTracker, startTracker } from "../../src/tracker/server/start.js";
import {
  AUTHORITY,
  type Certified,
  digestOf,
  FIRST,
  SECOND,
  SELF_SIGNED,
  writeCertificate,
} from "../support/certificates.js";
import { ScratchFolder } from "../support/scratch-folder.js";
import { until } from "../support/until.js";

const scratch = new ScratchFolder();
const folderOfAuthority = scratch.folder();
const authorityPath = join(folderOfAuthority, "authority.pem");
writeFileSync(authorityPath, AUTHORITY);

test.before(() => {
  process.env["SSL_CERT_FILE"] = authorityPath;
});
test.after(() => {
  delete process.env["SSL_CERT_FILE"];
  scratch.remove();
});

interface TlsRig {
  readonly folder: string;
  readonly port: number;
  readonly warnings: readonly string[];
  at(host: string, certificateSha256?: string): Endpoint;
}

async function withTlsTracker(
  certified: Certified,
  use: (rig: TlsRig, tracker: RunningTracker) => Promise<void>,
  options: Partial<TrackerOptions> = {},
): Promise<void> {
  const folder = scratch.folder();
  const warnings: string[] = [];
  const tracker = await startTracker(
    { listenPort: 0, ...writeCertificate(folder, certified), certificateCheckMs: 20, ...options },
    (event) => {
      if (event.type === "warning") warnings.push(`${event.code} ${event.message}`);
    },
  );
  const endpoint = parseTrackerEndpoint(tracker.endpoint);
  if (endpoint === undefined) throw new Error(`${tracker.endpoint} is no endpoint`);
  assert.is(endpoint.transport, "tls");
  const { port } = endpoint;
  const at = (host: string, certificateSha256?: string): Endpoint => ({
    ...endpoint,
    host,
    certificateSha256,
  });
  try {
    await use({ folder, port, warnings, at }, tracker);
  } finally {
    await tracker.close();
  }
}

/** Where the tracker sees this client, or the error. */
async function ask(endpoint: Endpoint): Promise<string> {
  const client = new TrackerClient(endpoint, { maxAttempts: 1 });
  try {
    return (await client.info()).observedHost;
  } catch (thrown) {
    const { code, message, hint } = GoshareError.from(thrown);
    return `${code} ${message} (${hint})`;
  } finally {
    await client.close();
  }
}

/** The common name in the certificate that is shown to a new connection. */
function shownName(port: number, maxVersion: "TLSv1.1" | "TLSv1.2" | "TLSv1.3" = "TLSv1.3"): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect({
      host: "127.0.0.1",
      port,
      rejectUnauthorized: false,
      ALPNProtocols: ["h2"],
      maxVersion,
    });
    socket.once("error", (error) => resolve(`refused: ${error.message}`));
    socket.once("secureConnect", () => {
      resolve(String(socket.getPeerCertificate().subject["CN"]));
      socket.destroy();
    });
  });
}

test("a certificate of an authority that is trusted here is believed, by name and by address", async () => {
  await withTlsTracker(FIRST, async ({ at }) => {
    assert.is(await ask(at("127.0.0.1")), "127.0.0.1");
    assert.match(await ask(at("localhost")), /^(127\.0\.0\.1|::1)$/);
    assert.match(
      await ask(at("127.0.0.2")),
      /^TRACKER_UNREACHABLE .*by TLS: .*127\.0\.0\.2 is not in the cert/,
    );
  });
});

test("one that has signed itself is not, unless it is named by its digest", async () => {
  await withTlsTracker(SELF_SIGNED, async ({ at }) => {
    assert.match(
      await ask(at("127.0.0.1")),
      /^TRACKER_UNREACHABLE .*by TLS: "self-signed certificate"; name one of your own as tls:\/\/HOST:PORT#SHA256 /,
    );
    assert.is(await ask(at("127.0.0.1", digestOf(SELF_SIGNED))), "127.0.0.1");
    assert.match(
      await ask(at("127.0.0.1", digestOf(FIRST))),
      /^TRACKER_UNREACHABLE .*it shows the certificate/,
    );
  });
});

test("a tracker knows by which digest clients have to name a certificate that has signed itself", async () => {
  await withTlsTracker(SELF_SIGNED, async (_rig, tracker) =>
    assert.is(tracker.selfSignedSha256, digestOf(SELF_SIGNED)),
  );
  await withTlsTracker(FIRST, async (_rig, tracker) => assert.is(tracker.selfSignedSha256, undefined));
});

test("a digest is enough for a certificate of any authority and any name", async () => {
  await withTlsTracker(FIRST, async ({ at }) => {
    assert.is(await ask(at("127.0.0.2", digestOf(FIRST))), "127.0.0.1");
    assert.match(await ask(at("127.0.0.1", digestOf(SECOND))), /^TRACKER_UNREACHABLE/);
  });
});

test("a client that was refused for its digest tries again when it is called again", async () => {
  await withTlsTracker(FIRST, async ({ at, folder, port }) => {
    const client = new TrackerClient(at("127.0.0.1", digestOf(SECOND)), { maxAttempts: 1 });
    const refused = await client.info().catch((error: unknown) => error);
    assert.match(String(refused), "it shows the certificate");
    writeCertificate(folder, SECOND);
    while ((await shownName(port)) !== "two.test");
    assert.is((await client.info()).observedHost, "127.0.0.1");
    await client.close();
  });
});

test("plain text to TLS, and TLS to plain text, are told as what they are", async () => {
  await withTlsTracker(FIRST, async ({ at }) => {
    assert.match(
      await ask({ ...at("127.0.0.1"), transport: "tcp" }),
      /^TRACKER_UNREACHABLE .*if it speaks TLS, name it tls:\/\/HOST:PORT/,
    );
  });
  const plain = await startTracker({ listenPort: 0, listenHost: "127.0.0.1" }, () => {});
  const secure = parseTrackerEndpoint(`tls://${plain.endpoint}`);
  if (secure === undefined) throw new Error("no endpoint");
  // OpenSSL's own words, which differ from version to version, without where in its source they come from.
  const told = /^TRACKER_UNREACHABLE .*by TLS: "[a-z ]+" \(.*if it does not speak TLS, name it HOST:PORT/;
  assert.match(await ask(secure), told);
  assert.match(await ask({ ...secure, certificateSha256: digestOf(FIRST) }), told);
  await plain.close();
});

test("old versions of TLS are refused", async () => {
  await withTlsTracker(FIRST, async ({ port }) => {
    assert.is(await shownName(port, "TLSv1.2"), "one.test");
    assert.match(await shownName(port, "TLSv1.1"), /^refused: /);
  });
});

test("a certificate that is renewed is shown to who comes then, and calls that run go on", async () => {
  await withTlsTracker(FIRST, async ({ at, folder, port, warnings }) => {
    const client = new TrackerClient(at("127.0.0.1"));
    await client.info();
    assert.is(await shownName(port), "one.test");
    writeCertificate(folder, SECOND);
    while ((await shownName(port)) !== "two.test");
    await client.info();
    await client.close();
    assert.is(await ask(at("127.0.0.1")), "127.0.0.1");
    assert.equal(
      warnings.filter((warning) => !/are not a certificate and its key/.test(warning)),
      [],
      "half of a pair may be seen, nothing else",
    );
  });
});

test("files that are no pair, or gone, are told once each, and the old certificate goes on being shown", async () => {
  await withTlsTracker(FIRST, async ({ folder, port, warnings }) => {
    writeFileSync(join(folder, "key.pem"), SECOND.key);
    await until(() => warnings.length === 1);
    assert.match(warnings[0] ?? "", /^USAGE .*are not a certificate and its key$/);
    assert.is(await shownName(port), "one.test");
    rmSync(join(folder, "cert.pem"));
    await until(() => warnings.length === 2);
    assert.match(warnings[1] ?? "", /^DISK_FAILED .*cert\.pem/);
    assert.is(await shownName(port), "one.test");
    writeCertificate(folder, SECOND);
    while ((await shownName(port)) !== "two.test");
  });
});

test("files that cannot even be looked at are told once, until they can", () => {
  const folder = scratch.folder();
  const { tlsCertPath, tlsKeyPath } = writeCertificate(folder, FIRST);
  const files = new CertificateFiles(tlsCertPath, tlsKeyPath);
  rmSync(tlsKeyPath);
  symlinkSync(tlsKeyPath, tlsKeyPath);
  assert.throws(
    () => files.reread(),
    (thrown: unknown) => thrown instanceof GoshareError && /ELOOP/.test(thrown.message),
  );
  for (let n = 0; n < 3; n++) assert.is(files.reread(), undefined);
  rmSync(tlsKeyPath);
  writeCertificate(folder, FIRST);
  assert.equal(String(files.reread()?.key), FIRST.key);
});

test("a tracker does not start with one file of two, with a missing one, or with another's key", async () => {
  const folder = scratch.folder();
  const paths = writeCertificate(folder, FIRST);
  const failure = async (options: Partial<TrackerOptions>): Promise<string> => {
    const thrown = await startTracker({ listenPort: 0, ...options }, () => {}).catch(
      (error: unknown) => error,
    );
    return thrown instanceof GoshareError ? `${thrown.code}: ${thrown.message}` : "started";
  };
  assert.match(await failure({ tlsCertPath: paths.tlsCertPath }), "USAGE");
  assert.match(await failure({ tlsKeyPath: paths.tlsKeyPath }), "USAGE");
  for (const [name, option] of [
    ["tlsCertPath", "--tls-cert"],
    ["tlsKeyPath", "--tls-key"],
  ] as const) {
    const said = await failure({ ...paths, [name]: join(folder, "none.pem") });
    assert.match(
      said,
      new RegExp(`^DISK_FAILED: cannot read .*none\\.pem, given by ${option}: it does not exist$`),
    );
  }
  writeFileSync(paths.tlsKeyPath, SECOND.key);
  assert.match(await failure(paths), "USAGE");
});

test.run();

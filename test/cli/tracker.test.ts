import { test } from "uvu";
import * as assert from "uvu/assert";
import type { Flows } from "../../src/cli/context.js";
import { startFakeCli } from "../support/fake-cli.js";
import { until } from "../support/until.js";

type StartTracker = Awaited<ReturnType<Flows["tracker"]>>["startTracker"];
type Options = Parameters<StartTracker>[0];

/** What `goshare tracker ARGV` starts a tracker with, or the event it ends with. */
async function started(...argv: readonly string[]): Promise<{ options?: Options; failed?: unknown }> {
  return startedIn({}, ...argv);
}

async function startedIn(
  env: Readonly<Record<string, string>>,
  ...argv: readonly string[]
): Promise<{ options?: Options; failed?: unknown }> {
  let options: Options | undefined;
  const startTracker: StartTracker = async (given) => {
    options = given;
    return { endpoint: "127.0.0.1:8080", close: async () => {} };
  };
  const cli = startFakeCli(["tracker", "--json", ...argv], {
    flows: { tracker: async () => ({ startTracker }) },
    env,
  });
  let isOver = false;
  void cli.exitCode.then(() => {
    isOver = true;
  });
  await until(() => isOver || options !== undefined);
  cli.sendSignal("SIGTERM");
  await cli.exitCode;
  return options === undefined ? { failed: cli.events().at(-1)?.["failed"]?.["code"] } : { options };
}

test("a tracker that others can reach says how they name it, and one of this machine alone does not", async () => {
  let selfSignedSha256: string | undefined;
  const told = async (...argv: readonly string[]) => {
    let isStarted = false;
    const startTracker: StartTracker = async () => {
      isStarted = true;
      return { endpoint: "tls://127.0.0.1:8080", selfSignedSha256, close: async () => {} };
    };
    const around = { flows: { tracker: async () => ({ startTracker }) }, columns: 200 };
    const cli = startFakeCli(["tracker", ...argv], around);
    await until(() => isStarted);
    cli.sendSignal("SIGTERM");
    await cli.exitCode;
    return cli.stderr();
  };
  assert.match(
    await told(),
    "other machines can use it with --tracker tls://HOST:8080, where HOST is this machine\n",
  );
  assert.match(await told("--listen", "0.0.0.0:0"), "where HOST is");
  assert.not.match(await told("--listen", "127.0.0.1:0"), "where HOST is");
  selfSignedSha256 = "5a".repeat(32);
  const pinned = `--tracker tls://HOST:8080#${selfSignedSha256}, where HOST is this machine\n`;
  assert.match(await told(), pinned, "nobody trusts its certificate otherwise");
  const here = `peers can use it with --tracker tls://127.0.0.1:8080#${selfSignedSha256}\n`;
  assert.match(await told("--listen", "127.0.0.1:0"), here);
});

test("--per-address-limit is the calls a second from one address", async () => {
  assert.is((await started()).options?.perAddressLimit, 100);
  assert.is((await started("--per-address-limit", "7")).options?.perAddressLimit, 7);
  for (const text of ["0", "-1", "many", "1e3"]) {
    assert.is((await started("--per-address-limit", text)).failed, "USAGE");
  }
});

test("--per-content-limit is the peers of one content, at most all that a tracker keeps", async () => {
  assert.is((await started()).options?.maxLeasesPerSwarm, 125_000);
  assert.is((await started("--per-content-limit", "250000")).options?.maxLeasesPerSwarm, 250_000);
  for (const text of ["0", "-1", "many", "1e3", "250001"])
    assert.is((await started("--per-content-limit", text)).failed, "USAGE");
});

test("both limits can be set for the machine", async () => {
  const env = { GOSHARE_PER_ADDRESS_LIMIT: "7", GOSHARE_PER_CONTENT_LIMIT: "99" };
  const { options } = await startedIn(env);
  assert.equal([options?.perAddressLimit, options?.maxLeasesPerSwarm], [7, 99]);
  assert.is((await startedIn(env, "--per-content-limit", "5")).options?.maxLeasesPerSwarm, 5);
});

test("--metrics says where, and needs a port", async () => {
  assert.is((await started()).options?.metrics, undefined);
  assert.equal((await started("--metrics", "[::1]:9464")).options?.metrics, { host: "::1", port: 9464 });
  assert.is((await started("--metrics", "9464")).failed, "USAGE");
});

test("--log-level is one of a few, and silent if nothing is said", async () => {
  assert.is((await started()).options?.logLevel, "silent");
  assert.is((await started("--log-level", "debug")).options?.logLevel, "debug");
  assert.is((await started("--log-level", "loud")).failed, "USAGE");
});

test("--tls-cert and --tls-key name two files", async () => {
  const { options } = await started("--tls-cert", "c.pem", "--tls-key", "k.pem");
  assert.equal([options?.tlsCertPath, options?.tlsKeyPath], ["c.pem", "k.pem"]);
  assert.equal((await started()).options?.tlsCertPath, undefined);
});

test.run();

import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { OPTIONS } from "../../src/cli/option-table.js";
import { SETTINGS } from "../../src/cli/settings/setting-table.js";
import { testUnless } from "../storage/scratch.js";
import { type FakeSurroundings, startFakeCli } from "../support/fake-cli.js";
import { runGoshare } from "../support/goshare-text.js";
import { ScratchFolder } from "../support/scratch-folder.js";
import { privilegeProblem, unprivileged } from "../support/unprivileged.js";
import { downloadOptions } from "./download-options.js";

const scratch = new ScratchFolder();
test.after(() => scratch.remove());

/** An environment with this file of settings. */
function withFile(text: string): { readonly env: Record<string, string>; readonly path: string } {
  const home = scratch.folder();
  mkdirSync(join(home, "goshare"));
  const path = join(home, "goshare", "config.toml");
  writeFileSync(path, text);
  return { env: { XDG_CONFIG_HOME: home }, path };
}

async function refusal(env: Record<string, string>): Promise<string> {
  const cli = startFakeCli(["status"], { env });
  assert.is(await cli.exitCode, 2, cli.stderr());
  assert.is(cli.stdout(), "");
  return cli.stderr();
}

const EVERYTHING = `
  tracker = ["192.0.2.1", "[2001:db8::1]:9090"]
  listen = "127.0.0.1:0"   # a comment
  output = "isos"
  upload-limit = "1MiB/s"
  download-limit = "2MiB/s"
  max-peers = 7
  max-connections-per-host = 3
  store = "redis://redis.example"
  per-address-limit = 9
  per-content-limit = 200000
  color = "always"
  quiet = true
  verbose = true
`;

test("every setting of the file reaches the flow, as if it had been typed", async () => {
  const options = await downloadOptions(["x"], withFile(EVERYTHING).env);
  assert.equal(
    options.trackers.map(({ host, port }) => [host, port]),
    [
      ["192.0.2.1", 8080],
      ["2001:db8::1", 9090],
    ],
  );
  assert.equal([options.listen.host, options.listen.port, options.listenGiven], ["127.0.0.1", 0, true]);
  assert.equal([options.outputDirectory, options.maxPeers, options.maxConnectionsPerHost], ["isos", 7, 3]);
  assert.is(options.uploadBudget?.bytesPerSecond, 1024 * 1024);
  assert.is(options.downloadBudget?.bytesPerSecond, 2 * 1024 * 1024);
  const names = SETTINGS.map(({ name }) => name);
  for (const name of names) assert.match(EVERYTHING, new RegExp(`^ *${name} = `, "m"));
});

test("what is typed goes before the environment, that before the file, and that before the default", async () => {
  const { env } = withFile('output = "file"\nmax-peers = 7\n');
  assert.is((await downloadOptions(["x"], env)).outputDirectory, "file");
  const both = { ...env, GOSHARE_OUTPUT: "environment" };
  assert.is((await downloadOptions(["x"], both)).outputDirectory, "environment");
  for (const typed of [["--output", "typed"], ["--output=typed"]]) {
    const options = await downloadOptions(["x", ...typed], both);
    assert.equal([options.outputDirectory, options.maxPeers], ["typed", 7]);
  }
  assert.is((await downloadOptions(["x"], { ...env, GOSHARE_OUTPUT: "" })).outputDirectory, "file");
  assert.is((await downloadOptions(["x"], {})).outputDirectory, "downloads");
});

test("a tilde at the beginning of a path is the home directory, as no shell sees it", async () => {
  for (const [given, path] of [
    ["~/dl", join(homedir(), "dl")],
    ["~", homedir()],
    ["~ann/dl", "~ann/dl"],
    ["./~", "./~"],
  ] as const) {
    const { env } = withFile(`output = "${given}"\nstore = "file:${given}"`);
    assert.is((await downloadOptions(["x"], env)).outputDirectory, path);
    assert.is((await downloadOptions(["x"], { GOSHARE_OUTPUT: given })).outputDirectory, path);
    const { stdout } = await runGoshare(["config"], { env });
    assert.match(stdout, `output = ${path} (`);
    assert.match(stdout, `store = file:${path} (`);
  }
});

test("whichever sources have a value, the first of them in that order holds", async () => {
  const peers = fc.option(fc.integer({ min: 1, max: 65_535 }), { nil: undefined });
  await fc.assert(
    fc.asyncProperty(peers, peers, peers, async (typed, inEnvironment, inFile) => {
      const { env } = withFile(inFile === undefined ? "" : `max-peers = ${inFile}`);
      const options = await downloadOptions(
        typed === undefined ? ["x"] : ["x", "--max-peers", String(typed)],
        inEnvironment === undefined ? env : { ...env, GOSHARE_MAX_PEERS: String(inEnvironment) },
      );
      assert.is(options.maxPeers, typed ?? inEnvironment ?? inFile ?? 50);
    }),
    { numRuns: 30 },
  );
});

test("a setting is no option of a command that does not have it, and after -- nothing counts as typed", async () => {
  const { env } = withFile('listen = "192.0.2.1:7"\noutput = "isos"');
  let listenHost: string | undefined = "not called";
  let store: string | undefined;
  const tracker = startFakeCli(["tracker"], {
    env: { ...env, GOSHARE_STORE: "redis://redis.example" },
    flows: {
      tracker: async () => ({
        startTracker: async (options) => {
          ({ listenHost, store } = options);
          setImmediate(() => tracker.sendSignal("SIGINT"));
          return { endpoint: "", port: 0, close: async () => {} };
        },
      }),
    },
  });
  assert.is(await tracker.exitCode, 0, tracker.stderr());
  assert.is(listenHost, undefined);
  assert.is(store, "redis://redis.example");
  assert.is((await downloadOptions(["--", "--output"], env)).outputDirectory, "isos");
});

test("quiet and colour hold for what is printed, and can be undone", async () => {
  const { env } = withFile('quiet = true\ncolor = "always"');
  const status: NonNullable<FakeSurroundings["flows"]> = { status: async () => ({ status: async () => 0 }) };
  const quiet = startFakeCli(["status"], { env, flows: status });
  assert.is(await quiet.exitCode, 0);
  assert.is(quiet.stderr(), "");
  const loud = startFakeCli(["status", "--no-quiet"], { env, flows: status });
  await loud.exitCode;
  assert.match(loud.stderr(), "nothing to resume");
  const colored = startFakeCli(["discard"], { env });
  assert.is(await colored.exitCode, 2);
  assert.match(colored.stderr(), "\u001b[31merror:");
});

test("what the file cannot say is refused with file, line, and what could be said", async () => {
  for (const [text, line, what, hint] of [
    ['\n\ntrackers = "x"', 3, 'there is no setting "trackers"', "tracker, listen, output"],
    ["[output]\npath = 1", 1, "output has the wrong kind of value", 'output = "/data/downloads"'],
    ["# nothing\n[a.b]\nc = 1", 2, 'there is no setting "a"', "the settings are: "],
    ['output = "a"\nmax-peers = "many"', 2, 'max-peers "many" is not understood', "1 to 65535"],
    ["max-peers = 0", 1, 'max-peers "0"', "1 to 65535"],
    ['tracker = ["ok", "no where"]', 1, 'tracker "no where"', "HOST:PORT"],
    ['upload-limit = "fast"', 1, 'upload-limit "fast"', "10MiB/s"],
    ['output = ""', 1, "output is empty", 'output = "/data/downloads"'],
    ["quiet = 2", 1, 'quiet "2" is not understood', "true or false"],
    ['color = "sometimes"', 1, "color", "auto, always, never"],
    ['output = "a"\noutput = "b"', 2, "", "output ="],
    ["output = ", 1, "", "output ="],
    ["output", 1, "", "output ="],
  ] as const) {
    const { env, path } = withFile(text);
    const said = await refusal(env);
    assert.ok(said.startsWith(`error: ${path}, line ${line}: ${what}`), `${text}: ${said}`);
    assert.match(said.split("\n")[1] ?? "", hint);
  }
});

test("what the environment says wrongly is refused by the variable, and control characters do not get out", async () => {
  for (const { variable, kind } of SETTINGS) {
    // What they name is seen by whoever uses it.
    if (["GOSHARE_OUTPUT", "GOSHARE_STORE"].includes(variable)) continue;
    const said = await refusal({ [variable]: kind === "switch" ? "perhaps" : "no \u001b[2J where" });
    assert.ok(said.startsWith(`error: ${variable}: `), said);
    assert.not.match(said, "\u001b");
  }
  const { env } = withFile('"\\u001b[2J" = 1');
  assert.not.match(await refusal(env), "\u001b");
});

test("a refused setting is a failed event where events are read", async () => {
  const cli = startFakeCli(["status", "--json"], { env: { GOSHARE_MAX_PEERS: "0" } });
  assert.is(await cli.exitCode, 2);
  assert.is(cli.events()[0]?.["failed"]?.["code"], "USAGE");
});

test("what is no file, or too large a one, is refused; help does not need it", async () => {
  const { env } = withFile("x".repeat(70_000));
  assert.match(await refusal(env), "config.toml is not a settings file");
  const home = scratch.folder();
  mkdirSync(join(home, "goshare", "config.toml"), { recursive: true });
  assert.match(await refusal({ XDG_CONFIG_HOME: home }), "config.toml is not a settings file");
  assert.is(await startFakeCli(["status", "--help"], { env }).exitCode, 0);
});

const wrapper = unprivileged();
const inside = wrapper === undefined ? {} : { wrapper };

testUnless(privilegeProblem(), "a file that may not be read is named, and what to do about it", async () => {
  const { env, path } = withFile("quiet = true\n");
  chmodSync(path, 0);
  const { exitCode, stderr } = await runGoshare(["status", scratch.folder()], { env, ...inside });
  assert.is(exitCode, 6);
  assert.match(
    stderr,
    `error: the settings in ${path} cannot be read: permission denied\n  check its owner and mode`,
  );
  assert.not.match(stderr, "--output");
});

testUnless(
  privilegeProblem(),
  "where the folder of the settings may not be looked into the defaults hold, and a warning says so",
  async () => {
    for (const closed of ["", "goshare"]) {
      const { env, path } = withFile("quiet = true\n");
      const folder = join(path, "..", "..", closed);
      chmodSync(folder, 0);
      const ran = await runGoshare(["status", scratch.folder()], { env, ...inside });
      assert.is(ran.exitCode, 0, ran.stderr);
      assert.match(
        ran.stderr,
        "warning: no settings are read from this file, since its folder cannot be accessed",
      );
      assert.match(ran.stderr, `(${path})`);
      const config = await runGoshare(["config", "--json"], { env, ...inside });
      assert.is(config.exitCode, 0, config.stderr);
      assert.match(config.stdout, /^\{"warning":\{"code":"PERMISSION_DENIED",/);
      assert.not.match(config.stdout, `"source":"file"`);
      chmodSync(folder, 0o755);
    }
  },
);

test("config says that there is no file where there is none", async () => {
  const home = scratch.folder();
  const { exitCode, stderr } = await runGoshare(["config"], { env: { XDG_CONFIG_HOME: home } });
  assert.equal(
    [exitCode, stderr],
    [0, `settings; the file is ${join(home, "goshare", "config.toml")}, which does not exist\n`],
  );
});

test("config prints every setting with its value and where it comes from", async () => {
  const { env, path } = withFile('upload-limit = "1MiB/s"');
  const { exitCode, stdout, stderr } = await runGoshare(["config"], {
    env: { ...env, GOSHARE_TRACKER: "a.example, b.example:7" },
  });
  assert.equal([exitCode, stderr], [0, `settings; the file is ${path}\n`]);
  assert.match(stdout, "tracker = a.example, b.example:7 (GOSHARE_TRACKER)\n");
  assert.match(stdout, `upload-limit = 1MiB/s (${path}, line 1)\n`);
  assert.match(stdout, "output = downloads (default)\n");
  assert.is(stdout.trimEnd().split("\n").length, SETTINGS.length);
  const json = startFakeCli(["config", "--json"], { env });
  assert.is(await json.exitCode, 0);
  const limit = json.events().find((event) => event["setting"]?.["name"] === "upload-limit")?.["setting"];
  assert.equal([limit?.["source"], limit?.["values"]], ["file", ["1MiB/s"]]);
});

test("config repeats no password of a store", async () => {
  const { env } = withFile('store = "redis-cluster://ann:secret@one.example,two.example"');
  const { stdout } = await runGoshare(["config"], { env });
  assert.match(stdout, "store = redis-cluster://…@one.example,two.example (");
});

test("a setting of the output holds for commands that look into it, whose help does not speak of standard output", async () => {
  for (const command of ["status", "resume", "discard", "doctor"]) {
    const cli = startFakeCli([command, "--help"]);
    await cli.exitCode;
    const help = cli.stdout().replaceAll(/\s+/g, " ");
    assert.match(help, "--output DIR The folder that downloads go into (default downloads) [GOSHARE_OUTPUT]");
    assert.not.match(help, "standard output");
  }
  const looked: string[] = [];
  const cli = startFakeCli(["status"], {
    env: { GOSHARE_OUTPUT: "isos" },
    flows: {
      status: async () => ({
        status: async ({ outputDirectories }) => {
          looked.push(...outputDirectories);
          return 0;
        },
      }),
    },
  });
  assert.is(await cli.exitCode, 0);
  assert.equal(looked, ["isos"]);
});

test("help says the variable of every option that has one", async () => {
  const cli = startFakeCli(["download", "--help"]);
  await cli.exitCode;
  const tracker = startFakeCli(["tracker", "--help"]);
  await tracker.exitCode;
  for (const { variable } of SETTINGS) assert.match(cli.stdout() + tracker.stdout(), `[${variable}]`);
  assert.not.match(tracker.stdout(), "GOSHARE_LISTEN");
  assert.ok(Object.values(OPTIONS).length > SETTINGS.length);
});

test.run();

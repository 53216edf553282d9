import { test } from "uvu";
import * as assert from "uvu/assert";
import type { ShareOptions } from "../../src/flows/share.js";
import type { StatusOptions } from "../../src/flows/status.js";
import { type FakeSurroundings, preparedShare, startFakeCli } from "../support/fake-cli.js";
import { downloadOptions } from "./download-options.js";

async function shareOptions(argv: readonly string[]): Promise<ShareOptions> {
  const [options] = await allShareOptions(argv);
  if (options === undefined) throw new Error("the flow was not called");
  return options;
}

/** Of each of so many paths, in their order. */
async function allShareOptions(argv: readonly string[], paths = 1): Promise<readonly ShareOptions[]> {
  const seen: ShareOptions[] = [];
  const cli = startFakeCli(["share", ...argv], {
    flows: {
      share: async () => ({
        requireShareable: async () => undefined,
        prepareShare: async (options) => {
          seen.push(options);
          if (seen.length === paths) setImmediate(() => cli.sendSignal("SIGINT"));
          return preparedShare();
        },
      }),
    },
  });
  assert.is(await cli.exitCode, 0, cli.stderr());
  return seen;
}

async function refusal(argv: readonly string[], env: Record<string, string> = {}): Promise<string> {
  const cli = startFakeCli(argv, { env });
  assert.is(await cli.exitCode, 2, `${argv.join(" ")} is refused`);
  assert.is(cli.stdout(), "");
  return cli.stderr();
}

test("a download without options takes the defaults and looks for a tracker on this machine", async () => {
  const options = await downloadOptions(["goshare1x"]);
  assert.is(options.what, "goshare1x");
  assert.is(options.outputDirectory, "downloads");
  assert.is(options.timeoutMs, 5 * 60_000);
  assert.equal(options.trackers, []);
  assert.is(options.probeLocalTracker, true);
});

test("trackers of the environment are used where the command line names none", async () => {
  const env = { GOSHARE_TRACKER: "192.0.2.1:8080, tracker.example:9090," };
  const fromEnvironment = await downloadOptions(["x"], env);
  assert.equal(
    fromEnvironment.trackers.map(({ host, port }) => [host, port]),
    [
      ["192.0.2.1", 8080],
      ["tracker.example", 9090],
    ],
  );
  assert.is(fromEnvironment.probeLocalTracker, false);
  const fromOption = await downloadOptions(["x", "--tracker", "192.0.2.9:1"], env);
  assert.equal(
    fromOption.trackers.map(({ host }) => host),
    ["192.0.2.9"],
  );
});

test("a tracker without a port is meant at the default port", async () => {
  const { trackers } = await downloadOptions(["x", "--tracker", "tracker.example"]);
  assert.equal(
    trackers.map(({ host, port }) => [host, port]),
    [["tracker.example", 8080]],
  );
});

test("status looks where it is told to, else where downloads go", async () => {
  const seen: StatusOptions[] = [];
  const flows: NonNullable<FakeSurroundings["flows"]> = {
    status: async () => ({
      status: async (options) => {
        seen.push(options);
        return 1;
      },
    }),
  };
  for (const argv of [["status"], ["status", "a", "b c"]]) {
    assert.is(await startFakeCli(argv, { flows }).exitCode, 0);
  }
  assert.equal(seen, [
    { outputDirectories: ["downloads"], mayBeMissing: true },
    { outputDirectories: ["a", "b c"], mayBeMissing: false },
  ]);
});

test("what is remembered lies in the user's state directory, and --rehash reads all", async () => {
  const options = await shareOptions(["p"]);
  assert.match(options.stateDirectory ?? "", /[\\/]goshare/);
  assert.is(options.rehash, false);
  assert.is((await shareOptions(["p", "--rehash"])).rehash, true);
});

test("patterns to leave out reach the flow, one for each --exclude", async () => {
  assert.equal((await shareOptions(["p"])).exclude, []);
  assert.equal((await shareOptions(["p", "--exclude", "*.tmp", "--exclude=build/**"])).exclude, [
    "*.tmp",
    "build/**",
  ]);
});

test("an option before the command is refused, since settings would be passed over", async () => {
  assert.match(
    await refusal(["--quiet", "download", "x"]),
    /"--quiet" comes before the command\n {2}options go after/,
  );
});

test("durations and sizes are read with their units", async () => {
  assert.is((await downloadOptions(["x", "--timeout", "5min"])).timeoutMs, 300_000);
  assert.is((await downloadOptions(["x", "--timeout=1.5"])).timeoutMs, 1_500);
  assert.is((await shareOptions(["p", "--chunk-size", "2MiB"])).chunkSizeBytes, 2 * 1024 * 1024);
});

test("what is selected, and in what order it is wanted, reaches the flow", async () => {
  const { select, sequential, output } = await downloadOptions(["x"]);
  assert.equal([select, sequential, output], [[], false, undefined]);
  const given = await downloadOptions(["x", "--select", "*.jpg", "--select=!b.jpg", "--sequential"]);
  assert.equal([given.select, given.sequential], [["*.jpg", "!b.jpg"], true]);
  assert.is((await downloadOptions(["x", "--reuse", "old"])).reuseDirectory, "old");
  assert.ok((await downloadOptions(["x", "--output", "-"])).output !== undefined);
});

test("--overwrite and --rename reach the flow, and exclude each other", async () => {
  assert.is((await downloadOptions(["x"])).ifTaken, "refuse");
  assert.is((await downloadOptions(["x", "--overwrite"])).ifTaken, "replace");
  assert.is((await downloadOptions(["x", "--rename"])).ifTaken, "rename");
  assert.match(await refusal(["download", "x", "--rename", "--overwrite"]), "cannot be used together");
});

test("rates are read with and without the second in them, and one budget is for the whole process", async () => {
  const download = await downloadOptions(["x", "--download-limit", "10MiB/s"]);
  assert.is(download.downloadBudget?.bytesPerSecond, 10 * 1024 * 1024);
  const share = await shareOptions(["p", "--upload-limit", "500kB"]);
  assert.is(share.uploadBudget?.bytesPerSecond, 500_000);
  const [first, second] = await allShareOptions(["p", "q", "--upload-limit=1 MiB / s"], 2);
  assert.ok(first?.uploadBudget !== undefined);
  assert.is(first?.uploadBudget, second?.uploadBudget);
});

test("without a limit there is no budget", async () => {
  assert.is((await downloadOptions(["x"])).downloadBudget, undefined);
  assert.is((await shareOptions(["p"])).uploadBudget, undefined);
});

test("how many peers and connections there may be reaches the flows, and has its defaults", async () => {
  const given = ["--max-peers", "7", "--max-connections-per-host", "3"];
  for (const options of [await shareOptions(["p", ...given]), await downloadOptions(["x", ...given])])
    assert.equal([options.maxPeers, options.maxConnectionsPerHost], [7, 3]);
  assert.is((await shareOptions(["p"])).maxPeers, 1000);
  const download = await downloadOptions(["x"]);
  assert.equal([download.maxPeers, download.maxConnectionsPerHost], [50, 512]);
});

test("a share without options listens at the default port without insisting on it", async () => {
  const options = await shareOptions(["p"]);
  assert.is(options.listen.port, 9000);
  assert.is(options.listenGiven, false);
  assert.is(options.publish, true);
  assert.is(options.manifestPath, undefined);
  assert.is(options.chunkSizeBytes, undefined);
});

test("every option of share reaches the flow", async () => {
  const given = ["--listen", "127.0.0.1:0", "--advertise", "192.0.2.1:9000", "--manifest", "m.goshare"];
  const options = await shareOptions(["p", "--no-publish", "--tracker", "192.0.2.2:8080", ...given]);
  assert.is(options.path, "p");
  assert.equal([options.listen.host, options.listen.port, options.listenGiven], ["127.0.0.1", 0, true]);
  assert.equal(
    options.advertise.map(({ host, port }) => [host, port]),
    [["192.0.2.1", 9000]],
  );
  assert.is(options.manifestPath, "m.goshare");
  assert.is(options.publish, false);
  assert.is(options.probeLocalTracker, false);
});

test("what an option cannot be is refused by its name before a flow is loaded", async () => {
  assert.match(await refusal(["download", "x", "--timeout", "soon"]), "--timeout");
  assert.match(await refusal(["download", "x", "--timeout", "0"]), "--timeout");
  for (const wrong of ["0", "-1", "many", "1e3", "65536"]) {
    assert.match(await refusal(["download", "x", `--max-peers=${wrong}`]), "--max-peers");
    assert.match(
      await refusal(["share", "p", `--max-connections-per-host=${wrong}`]),
      "--max-connections-per-host",
    );
  }
  assert.match(await refusal(["download", "x", "--tracker", "no where"]), "--tracker");
  assert.match(await refusal(["download", "x"], { GOSHARE_TRACKER: "no where" }), "GOSHARE_TRACKER");
  assert.match(await refusal(["share", "p", "--chunk-size", "3MiB"]), "--chunk-size");
  assert.match(await refusal(["share", "p", "--chunk-size", "8MiB"]), "--chunk-size");
  for (const rate of ["fast", "0", "1KiB/s", "-1MiB", "10MiB/min"])
    assert.match(await refusal(["share", "p", `--upload-limit=${rate}`]), /--upload-limit .*\n.*10MiB\/s/);
  assert.match(await refusal(["download", "x", "--download-limit", "1 furlong"]), "--download-limit");
  assert.match(await refusal(["share", "p", "--listen", "9000 please"]), "--listen");
  assert.match(await refusal(["share", "p", "q", "--manifest", "m"]), "--manifest");
  assert.match(await refusal(["share", "p", "--color", "sometimes"]), "--color");
});

test("a command line that makes no sense is refused on stderr with a way to help", async () => {
  assert.match(await refusal(["shear"]), 'there is no command "shear"\n  did you mean goshare share? see:');
  for (const asked of [
    ["help", "shear"],
    ["shear", "--help"],
  ] as const)
    assert.match(
      await refusal([...asked]),
      'there is no command "shear"\n  did you mean goshare share? see:',
    );
  assert.match(await refusal(["frobnicate"]), 'no command "frobnicate"\n  see: goshare --help');
  assert.match(await refusal(["statsu"]), "did you mean goshare status? see: goshare --help");
  assert.match(
    await refusal(["share"]),
    "missing argument: goshare share PATH…\n  see: goshare share --help",
  );
  assert.match(await refusal(["inspect", "x", "y"]), "too many arguments: goshare inspect WHAT");
  assert.match(await refusal(["download"]), /GOSHARE_TICKET is not set\n {2}see: goshare download --help/);
  assert.match(await refusal(["tracker", "--port", "1"]), "--port");
  assert.match(await refusal(["download", "x", "--no-publish"]), 'there is no option "--no-publish"');
  assert.match(await refusal(["share", "p", "--onse"]), 'no option "--onse"\n  did you mean --once? see:');
  assert.match(await refusal(["download", "x", "-o", "y"]), "did you mean --output or --overwrite?");
  for (const argv of [
    ["download", "x", "--output"],
    ["share", "p", "--upload-limit"],
  ])
    assert.match(await refusal(argv), `${argv[2]} needs a value`);
  assert.match(await refusal(["share", "--once=3", "p"]), "--once takes no value");
  assert.match(await refusal([]), "goshare download WHAT");
});

test("an empty argument or value is refused: it would mean the folder the command runs in", async () => {
  for (const argv of [
    ["share", ""],
    ["share", "p", ""],
    ["share", "--", ""],
    ["download", ""],
    ["inspect", ""],
    ["verify", "x", ""],
    ["verify", "", "p"],
    ["discard", ""],
    ["resume", ""],
    ["status", ""],
    ["share", "--once", ""],
  ]) {
    const command = `goshare ${argv[0]}`;
    assert.match(
      await refusal(argv),
      `an argument of ${command} is empty\n  is a variable not set? see: ${command} --help`,
    );
  }
  for (const argv of [
    ["download", "x", "--output", ""],
    ["download", "x", "--output="],
  ])
    assert.match(await refusal(argv), "the value of --output is empty");
  const { path } = await shareOptions(["--", "--output="]);
  assert.is(path, "--output=");
});

test("a home directory that the shell has left to the program is refused, and a folder of that name is not", async () => {
  for (const word of ["--output=~/films", "--output=~", "--reuse=~/films"])
    assert.match(
      await refusal(["download", "x", word]),
      `the shell has not replaced the "~" in ${word}\n  write "$HOME" instead, or ./~`,
    );
  assert.match(await refusal(["tracker", "--store=file:~/tracker"]), "--store=file:~/tracker");
  for (const output of ["./~/films", "~films"])
    assert.is((await downloadOptions(["x", `--output=${output}`])).outputDirectory, output);
  assert.is((await downloadOptions(["x", "--output", "~/films"])).outputDirectory, "~/films");
  assert.is((await shareOptions(["--", "--output=~/x"])).path, "--output=~/x");
});

test("what is typed instead of a command, an option or a value is told from what was meant", async () => {
  for (const wrong of ["--versio", "-V"])
    assert.match(await refusal([wrong]), `there is no option "${wrong}"\n  did you mean --version? see:`);
  assert.match(await refusal(["--quiet", "share", "p"]), '"--quiet" comes before the command\n  options go');
  assert.match(
    await refusal(["tracker", "statsu"]),
    'there is no command "tracker statsu"\n  did you mean goshare tracker status? see: goshare --help',
  );
  assert.match(await refusal(["tracker", "8080"]), "too many arguments: goshare tracker");
  assert.match(
    await refusal(["share", "p", "--upload-limit", "-5"]),
    "-5 looks like an option, not like the value of --upload-limit\n  did you mean --upload-limit=-5? see:",
  );
  assert.match(await refusal(["share", "p", "--upload-limit", "--quiet"]), "--upload-limit needs a value");
});

test("with --json a refused command line is a failed event, and nothing else", async () => {
  const cli = startFakeCli(["tracker", "--nope", "--json"]);
  assert.is(await cli.exitCode, 2);
  assert.is(cli.events().length, 1);
  assert.is(cli.events()[0]?.["failed"]?.["code"], "USAGE");
  assert.is(cli.stderr(), "");
});

test("control characters in an argument do not reach the terminal", async () => {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: it is what must not be there
  assert.not.match(await refusal(["download", "x", "--timeout", "\u001b[2J"]), /\u001b/);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: it is what must not be there
  assert.not.match(await refusal(["download", "x", "--\u001b[2J"]), /\u001b/);
});

test("help names every command, and each command's help its options with their defaults", async () => {
  const help = async (...argv: string[]) => {
    const cli = startFakeCli(argv);
    assert.is(await cli.exitCode, 0);
    assert.is(cli.stderr(), "");
    return cli.stdout();
  };
  const general = await help("--help");
  for (const usage of ["share PATH…", "download WHAT", "goshare tracker", "inspect WHAT", "status [DIR…]"])
    assert.match(general, usage);
  assert.is(await help("help"), general);
  assert.is(await help("help", "help"), general);
  assert.is(await help("help", "share"), await help("share", "--help"));
  assert.match(await help("share", "--help"), /--listen HOST:PORT[\s\S]*\[::\]:9000/);
  assert.match(await help("download", "x", "-h"), /--output DIR [\s\S]*default downloads/);
  assert.match(await help("status", "--help"), /default downloads/);
  assert.match(await help("tracker", "--help"), /\[::\]:8080/);
  assert.match(await help("--version"), /^\d+\.\d+\.\d+\n$/);
  for (const line of (await help("share", "--help")).split("\n")) assert.ok(line.length <= 80, line);
});

test.run();

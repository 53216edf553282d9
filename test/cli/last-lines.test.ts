// With --json the last line of every command says how it ended: also when it has a bug, crashes, is told to stop, or
// when its command line is refused. A command that is not here fails the first test.
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { Flows } from "../../src/cli/context.js";
import type { JsonEvent } from "../support/event-line.js";
import { type FakeCli, startFakeCli } from "../support/fake-cli.js";
import { sourceFiles } from "../support/repository.js";

/** What each takes at least. */
const ARGUMENTS: Readonly<Record<string, readonly string[]>> = {
  share: ["film.mkv"],
  download: ["goshare1x"],
  inspect: ["goshare1x"],
  verify: ["goshare1x", "film.mkv"],
  status: [],
  resume: [],
  discard: ["film.mkv"],
  tracker: ["--listen", "127.0.0.1:0"],
  "tracker status": ["127.0.0.1:1"],
  doctor: [],
  config: [],
  completion: ["bash"],
};

/** They read a file at most, and end before anybody could stop them. */
const AT_ONCE: readonly string[] = ["config", "completion"];

const commands = Object.entries(ARGUMENTS).map(([command, args]) => ({
  command,
  argv: [...command.split(" "), ...args, "--json"],
}));
const long = commands.filter(({ command }) => !AT_ONCE.includes(command));

function lastEvent(cli: FakeCli): JsonEvent {
  return cli.events().at(-1) ?? {};
}

/** Flows of which none ever gets further, and a promise for when one was asked for. */
function stuckFlows() {
  let asked = () => {};
  const begun = new Promise<void>((resolve) => {
    asked = resolve;
  });
  const stuck = (): Promise<never> => {
    asked();
    return new Promise(() => {});
  };
  const flows: Flows = {
    ...{ share: stuck, download: stuck, downloads: stuck, inspect: stuck, verify: stuck, status: stuck },
    ...{ trackerStatus: stuck, doctor: stuck, begun: stuck, discard: stuck, tracker: stuck },
  };
  return { flows, begun };
}

test("every command is among those whose last line is looked at", () => {
  const sources = sourceFiles("src").filter(({ path }) => path.startsWith("src/cli/commands/"));
  const paths = sources.flatMap(({ text }) => {
    const [, words = ""] = /static override paths = \[\[([^\]]+)\]\]/.exec(text) ?? [];
    return words === "" ? [] : [words.replace(/[",]/g, "")];
  });
  assert.equal(paths.sort(), Object.keys(ARGUMENTS).sort());
});

for (const { command, argv } of commands.filter(({ command }) => AT_ONCE.includes(command))) {
  test(`${command} ends with done`, async () => {
    const cli = startFakeCli(argv);
    assert.is(await cli.exitCode, 0);
    assert.equal(Object.keys(lastEvent(cli)), ["done"]);
  });
}

for (const { command, argv } of long) {
  test(`${command} with a bug ends with failed and 70`, async () => {
    // No flow is given to it, and what it gets instead throws.
    const cli = startFakeCli(argv);
    assert.is(await cli.exitCode, 70);
    const { failed } = lastEvent(cli);
    assert.equal([failed?.["code"], failed?.["exitCode"]], ["BUG", 70]);
  });

  test(`${command} that crashes ends with failed and 70`, async () => {
    const { flows, begun } = stuckFlows();
    const cli = startFakeCli(argv, { flows });
    await begun;
    cli.crash(new RangeError("out of nowhere"));
    assert.equal(cli.exitedNow, [70]);
    assert.is(lastEvent(cli)["failed"]?.["code"], "BUG");
  });

  test(`${command} that does not get on ends at the second signal with failed and 130`, async () => {
    const { flows, begun } = stuckFlows();
    const cli = startFakeCli(argv, { flows });
    await begun;
    cli.sendSignal("SIGINT");
    cli.sendSignal("SIGINT");
    assert.equal(cli.exitedNow, [130]);
    const { failed } = lastEvent(cli);
    assert.equal([failed?.["code"], failed?.["exitCode"]], ["INTERRUPTED", 130]);
  });
}

for (const { command } of commands) {
  test(`${command} with an unknown option ends with failed and 2`, async () => {
    const cli = startFakeCli([...command.split(" "), "--no-such-option", "--json"]);
    assert.is(await cli.exitCode, 2);
    const { failed } = lastEvent(cli);
    assert.equal([failed?.["code"], failed?.["exitCode"]], ["USAGE", 2]);
  });
}

test.run();

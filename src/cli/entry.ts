// From argv to an exit code. clipanion prints its errors on stdout and ends with 1 for all of them, so it only
// parses here; errors of the command line go the way of every other error.
import { Cli, type Command, type CommandClass, type Definition } from "clipanion";
import { VERSION } from "../core/agent.js";
import { EXIT } from "../core/errors.js";
import { CompletionCommand } from "./commands/completion.js";
import { ConfigCommand } from "./commands/config.js";
import { DiscardCommand } from "./commands/discard.js";
import { DoctorCommand } from "./commands/doctor.js";
import { DownloadCommand } from "./commands/download.js";
import { InspectCommand } from "./commands/inspect.js";
import { ResumeCommand } from "./commands/resume.js";
import { ShareCommand } from "./commands/share.js";
import { StatusCommand } from "./commands/status.js";
import { TrackerCommand } from "./commands/tracker.js";
import { TrackerStatusCommand } from "./commands/tracker-status.js";
import { VerifyCommand } from "./commands/verify.js";
import type { CommandContext } from "./context.js";
import {
  optionBeforeCommand,
  refusedCommandLine,
  requireHomeReplaced,
  requireNothingEmpty,
} from "./refused-command-line.js";
import { createReporter } from "./render/create-reporter.js";
import { commandHelp, generalHelp } from "./render/help.js";
import { columnsOf, paletteFor } from "./render/palette.js";
import { runSession } from "./session.js";
import { readSettings, withSettings } from "./settings/settings.js";

/** In the order of help. */
const COMMANDS = [
  ShareCommand,
  DownloadCommand,
  TrackerCommand,
  TrackerStatusCommand,
  InspectCommand,
  VerifyCommand,
  StatusCommand,
  ResumeCommand,
  DiscardCommand,
  DoctorCommand,
  ConfigCommand,
  CompletionCommand,
];

/** Commands that run another one, or list all of them. */
const LOOK_AT_OTHERS: readonly CommandClass<CommandContext>[] = [ResumeCommand, CompletionCommand];

const HELP_MAX_COLUMNS = 110;

/** Runs the command that `context.argv` names and returns the exit code. Never rejects for what a user did. */
export async function runCli(context: CommandContext): Promise<number> {
  const exitCode = await runCommandLine(context);
  const failure = await context.processEvents.outputTaken();
  if (failure === undefined) return exitCode;
  // Not as an event, which would go to standard output with --json.
  const palette = paletteFor(context.stderr, "auto", context.env);
  context.stderr.write(`${palette.error("error:")} ${failure.message}\n  ${failure.hint}\n`);
  return failure.exitCode;
}

async function runCommandLine(context: CommandContext): Promise<number> {
  const cli = new Cli<CommandContext>({ binaryName: "goshare", enableColors: false });
  const argv = [...context.argv];
  for (const command of commandsFor(argv[0])) cli.register(command);

  if (argv.length === 0) {
    context.stderr.write(helpText(cli, context));
    return EXIT.usage;
  }
  if (argv[0] === "--version" || argv[0] === "-v") {
    context.stdout.write(`${VERSION}\n`);
    return EXIT.ok;
  }
  if (asksForHelp(argv)) {
    const named = commandWords(argv);
    const isCommand = named[0]?.startsWith("-") === false && named[0] !== "help";
    if (isCommand && definitionOf(cli, named) === undefined)
      return refuseCommandLine(context, cli, refusedCommandLine(named, cli.definitions(), undefined, ""));
    context.stdout.write(helpText(cli, context));
    return EXIT.ok;
  }
  let command: Command<CommandContext>;
  try {
    if (argv[0]?.startsWith("-")) throw optionBeforeCommand(argv);
    command = cli.process(argv, context);
    const definition = definitionOf(cli, argv);
    if (definition !== undefined) {
      requireNothingEmpty(argv, definition);
      requireHomeReplaced(argv);
      const typedAndSet = withSettings(argv, definition, await readSettings(context.env));
      if (typedAndSet.length > argv.length) command = cli.process([...typedAndSet], context);
    }
  } catch (thrown) {
    return refuseCommandLine(context, cli, thrown);
  }
  return cli.run(command, context);
}

/** The commands that the first word of a command line may mean. Registering all of them takes longer than running many
 * a command. */
function commandsFor(first: string | undefined): readonly CommandClass<CommandContext>[] {
  const named = COMMANDS.filter(({ paths }) => paths.some(([word]) => word === first));
  return named.length === 0 || named.some((command) => LOOK_AT_OTHERS.includes(command)) ? COMMANDS : named;
}

function asksForHelp(argv: readonly string[]): boolean {
  const end = argv.indexOf("--");
  const options = end === -1 ? argv : argv.slice(0, end);
  return options.includes("--help") || options.includes("-h") || argv[0] === "help";
}

function helpText(cli: Cli<CommandContext>, context: CommandContext): string {
  const palette = paletteFor(context.stdout, "auto", context.env);
  const named = definitionOf(cli, commandWords(context.argv));
  const columns = Math.min(HELP_MAX_COLUMNS, columnsOf(context.stdout));
  return named === undefined
    ? generalHelp(VERSION, cli.definitions(), columns, palette)
    : commandHelp(named, columns, palette);
}

/** What names a command in `goshare help COMMAND` and in `goshare COMMAND --help`. */
function commandWords(argv: readonly string[]): readonly string[] {
  return argv[0] === "help" ? argv.slice(1) : argv;
}

/** The definition of the command that both words name, if there is one, else of the one that the first word names. */
function definitionOf(cli: Cli<CommandContext>, [first, second]: readonly string[]): Definition | undefined {
  const at = (path: string) => cli.definitions().find((definition) => definition.path === path);
  return at(`goshare ${first} ${second}`) ?? at(`goshare ${first}`);
}

async function refuseCommandLine(
  context: CommandContext,
  cli: Cli<CommandContext>,
  thrown: unknown,
): Promise<number> {
  const { argv } = context;
  const choice = { json: argv.includes("--json"), quiet: true, verbose: false, color: "auto" } as const;
  const reporter = await createReporter(choice, context);
  return runSession(context, reporter, "", async () => {
    if (!(thrown instanceof Error && "clipanion" in thrown)) throw thrown;
    const [said = ""] = thrown.message.split("\n");
    throw refusedCommandLine(argv, cli.definitions(), definitionOf(cli, argv), said);
  });
}

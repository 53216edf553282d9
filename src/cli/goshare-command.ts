// What all commands have in common: the options that every one of them takes, and how a run begins and ends.
// A command adds its options and one function that calls a flow.
import type { Writable } from "node:stream";
import { Command, Option } from "clipanion";
import type { DetailObserver } from "../events/event.js";
import { colorArgument } from "./arguments.js";
import type { CommandContext } from "./context.js";
import { defaultCliOptions, OPTIONS } from "./option-table.js";
import { createReporter } from "./render/create-reporter.js";
import { COLOR_MODES } from "./render/palette.js";
import { type Ending, runSession, type Session } from "./session.js";
import { readSettings, settingsInEffect } from "./settings/settings.js";
import { isOutOfReach, settingsFilePath } from "./settings/settings-file.js";

export abstract class GoshareCommand extends Command<CommandContext> {
  readonly json = Option.Boolean(OPTIONS.json.names, false, { description: OPTIONS.json.description });
  readonly quiet = Option.Boolean(OPTIONS.quiet.names, false, { description: OPTIONS.quiet.description });
  readonly verbose = Option.Boolean(OPTIONS.verbose.names, false, {
    description: OPTIONS.verbose.description,
  });
  readonly color = Option.String(OPTIONS.color.names, defaultCliOptions.color, {
    description: OPTIONS.color.description,
  });

  /** Calls the flow. What it throws ends the command. */
  protected abstract run(session: Session): Promise<Ending>;

  /** Runs the command as a part of another, which reports how it ends. */
  runWithin(session: Session): Promise<Ending> {
    return this.run(session);
  }

  /** What an interrupted run leaves, in words that come before the command line that begins it again. */
  protected afterInterruption(): string {
    return "to start again";
  }

  /** Whether an option was typed, rather than set or left at its default. */
  protected isTyped(option: string): boolean {
    return this.context.argv.some((word) => word === option || word.startsWith(`${option}=`));
  }

  /** Where results and events go. */
  protected resultStream(): Writable {
    return this.context.stdout;
  }

  override async execute(): Promise<number> {
    const { json, quiet, verbose } = this;
    // A wrong --color is refused like any other option, and refusing needs a reporter first.
    const color = COLOR_MODES.find((mode) => mode === this.color) ?? defaultCliOptions.color;
    const reporter = await createReporter(
      { json, quiet, verbose, color },
      { ...this.context, stdout: this.resultStream() },
    );
    return runSession(this.context, reporter, this.afterInterruption(), async (session) => {
      colorArgument(this.color);
      this.#warnOfSettings(session);
      const { detail } = session.observe;
      if (detail !== undefined) await this.#tellSettings(detail);
      return this.run(session);
    });
  }

  #warnOfSettings({ observe }: Session): void {
    const path = settingsFilePath(this.context.env);
    if (!isOutOfReach(path)) return;
    const message =
      "no settings are read from this file, since its folder cannot be accessed: permission denied";
    observe({ type: "warning", code: "PERMISSION_DENIED", message, path });
  }

  async #tellSettings(detail: DetailObserver): Promise<void> {
    const { argv, env } = this.context;
    const path = ["goshare", ...this.path].join(" ");
    const definition = this.cli.definitions().find((one) => one.path === path);
    if (definition === undefined) return;
    for (const { name, value, place } of settingsInEffect(argv, definition, await readSettings(env)))
      detail("setting", `${name} = ${value} (${place})`);
  }
}

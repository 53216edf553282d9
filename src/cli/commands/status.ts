// goshare status: argv → the status flow, which finds downloads that were begun and not finished.
import { Command, Option } from "clipanion";
import { GoshareCommand } from "../goshare-command.js";
import { defaultCliOptions, OPTIONS } from "../option-table.js";
import { printable } from "../render/printable.js";
import { doneWithoutTransfer, type Ending, type Session } from "../session.js";

export class StatusCommand extends GoshareCommand {
  static override paths = [["status"]];
  static override usage = Command.Usage({
    description: "list unfinished downloads",
    details: `
      DIR is a folder that downloads went into (default that of --output). Shows how much of each download is
      there and how to resume it. Changes nothing.
    `,
    examples: [
      ["List what can be resumed", "$0 status"],
      ["The same for other folders", "$0 status isos /data/backups"],
    ],
  });

  readonly directories = Option.Rest({ name: "DIR" });
  readonly output = Option.String(OPTIONS.begunIn.names, defaultCliOptions.outputDirectory, {
    description: OPTIONS.begunIn.description,
  });

  protected override async run(session: Session): Promise<Ending> {
    const named = this.directories;
    const outputDirectories = named.length > 0 ? named : [this.output];
    const startMs = this.context.clock.nowMs();
    const { status } = await this.context.flows.status();
    // The folder of a setting, or the default one, need not exist before the first download.
    const mayBeMissing = named.length === 0 && !this.isTyped(OPTIONS.begunIn.names);
    const options = { outputDirectories, mayBeMissing };
    const count = await status(options, session.observe, session.signal);
    if (count === 0) session.tell(`nothing to resume in ${printable(outputDirectories.join(", "))}`);
    return doneWithoutTransfer(this.context.clock.nowMs() - startMs);
  }
}

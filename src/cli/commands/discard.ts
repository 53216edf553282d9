// goshare discard: argv → the discard flow, which removes what unfinished downloads left.
import { Command, Option } from "clipanion";
import { GoshareError } from "../../core/errors.js";
import { GoshareCommand } from "../goshare-command.js";
import { defaultCliOptions, OPTIONS } from "../option-table.js";
import { printable } from "../render/printable.js";
import { doneWithoutTransfer, type Ending, type Session } from "../session.js";

export class DiscardCommand extends GoshareCommand {
  static override paths = [["discard"]];
  static override usage = Command.Usage({
    description: "remove what unfinished downloads left behind",
    details: `
      NAME is a download as goshare status lists it: its name, path or content id. Removes what was fetched of
      an unfinished download; never a finished one, and nothing that a process is downloading now.
    `,
    examples: [
      ["Remove what there is of one download", "$0 discard ubuntu.iso"],
      ["Remove all that no process is downloading", "$0 discard --all --output isos"],
    ],
  });

  readonly names = Option.Rest({ name: "NAME" });
  readonly all = Option.Boolean(OPTIONS.all.names, false, { description: OPTIONS.all.description });
  readonly output = Option.String(OPTIONS.begunIn.names, defaultCliOptions.outputDirectory, {
    description: OPTIONS.begunIn.description,
  });

  protected override afterInterruption(): string {
    return "to remove the rest";
  }

  protected override async run(session: Session): Promise<Ending> {
    const { names, all, output: outputDirectory } = this;
    if (all ? names.length > 0 : names.length === 0) {
      throw new GoshareError("USAGE", "discard takes either what to remove or --all", {
        hint: "goshare status lists what is there",
      });
    }
    const startMs = this.context.clock.nowMs();
    const { discard } = await this.context.flows.discard();
    const mayBeMissing = !this.isTyped(OPTIONS.begunIn.names);
    const options = { names, all, outputDirectory, mayBeMissing };
    const count = await discard(options, session.observe, session.signal);
    if (count === 0) session.tell(`nothing to discard in ${printable(outputDirectory)}`);
    return doneWithoutTransfer(this.context.clock.nowMs() - startMs);
  }
}

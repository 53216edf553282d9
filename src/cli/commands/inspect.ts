// goshare inspect: argv → the inspect flow, which finds out what a ticket, file or content id stands for.
import { Command, Option } from "clipanion";
import type { ContentId } from "../../core/ids.js";
import { withDetails } from "../../events/event.js";
import { timeoutArgument, trackerChoice } from "../arguments.js";
import { GoshareCommand } from "../goshare-command.js";
import { defaultCliOptions, OPTIONS } from "../option-table.js";
import type { Ending, Session } from "../session.js";

export class InspectCommand extends GoshareCommand {
  static override paths = [["inspect"]];
  static override usage = Command.Usage({
    description: "show what a ticket, .goshare file or content id stands for",
    details: `
      Prints the content id, the name, the size and every entry, without downloading any of it. If nobody
      provides the manifest, prints what is known without it and ends with exit code 3.
    `,
    examples: [["List what a .goshare file describes", "$0 inspect photos.goshare"]],
  });

  readonly what = Option.String({ name: "WHAT" });
  readonly tracker = Option.Array(OPTIONS.tracker.names, { description: OPTIONS.tracker.description });
  readonly timeout = Option.String(OPTIONS.timeout.names, { description: OPTIONS.timeout.description });

  protected override async run(session: Session): Promise<Ending> {
    const options = {
      what: this.what,
      ...trackerChoice(this.tracker),
      timeoutMs: timeoutArgument(this.timeout, defaultCliOptions.timeoutMs),
    };
    const startMs = this.context.clock.nowMs();
    const { inspect } = await this.context.flows.inspect();
    let found: { contentId: ContentId | ""; bytes: number } = { contentId: "", bytes: 0 };
    const observe = withDetails((event) => {
      if (event.type === "inspected") found = { contentId: event.contentId, bytes: event.bytes };
      session.observe(event);
    }, session.observe.detail);
    const problem = await inspect(options, observe, session.signal);
    if (problem !== undefined) throw problem;
    const elapsedMs = this.context.clock.nowMs() - startMs;
    return { type: "done", path: "", ...found, elapsedMs, bytesReceived: 0, bytesWasted: 0, slowTimes: [] };
  }
}

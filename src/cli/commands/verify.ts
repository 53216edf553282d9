// goshare verify: argv → the verify flow, which compares what lies on the disk with a share, and repairs it if wanted.
import { Command, Option } from "clipanion";
import { rateArgument, timeoutArgument, trackerChoice } from "../arguments.js";
import { GoshareCommand } from "../goshare-command.js";
import { defaultCliOptions, OPTIONS } from "../option-table.js";
import type { Ending, Session } from "../session.js";

export class VerifyCommand extends GoshareCommand {
  static override paths = [["verify"]];
  static override usage = Command.Usage({
    description: "compare a file or folder with what was shared",
    details: `
      WHAT is a .goshare file, a ticket or a content id; PATH is the file or folder. Reads all of it and names
      what is wrong or missing (exit code 5); extra entries are named, but do not count as failures. With
      --repair, what is wrong or missing is fetched and put in place; what is right is not touched. With
      --sha256sum, the SHA-256 of every file goes to stdout, as sha256sum prints it.
    `,
    examples: [
      ["Verify a download", "$0 verify ubuntu.iso.goshare downloads/ubuntu.iso"],
      ["Fetch what is wrong or missing", "$0 verify goshare1... downloads/photos --repair"],
      [
        "Compare with published sums",
        "$0 verify photos.goshare photos --sha256sum | diff - photos/SHA256SUMS",
      ],
    ],
  });

  readonly what = Option.String({ name: "WHAT" });
  readonly target = Option.String({ name: "PATH" });
  readonly repair = Option.Boolean(OPTIONS.repair.names, false, { description: OPTIONS.repair.description });
  readonly sums = Option.Boolean(OPTIONS.sums.names, false, { description: OPTIONS.sums.description });
  readonly tracker = Option.Array(OPTIONS.tracker.names, { description: OPTIONS.tracker.description });
  readonly timeout = Option.String(OPTIONS.timeout.names, { description: OPTIONS.timeout.description });
  readonly downloadLimit = Option.String(OPTIONS.downloadLimit.names, {
    description: OPTIONS.downloadLimit.description,
  });

  protected override afterInterruption(): string {
    return "nothing that is right was changed; to resume";
  }

  protected override async run(session: Session): Promise<Ending> {
    const downloadBudget = rateArgument(OPTIONS.downloadLimit, this.downloadLimit);
    const options = {
      what: this.what,
      path: this.target,
      ...trackerChoice(this.tracker),
      timeoutMs: timeoutArgument(this.timeout, defaultCliOptions.timeoutMs),
      sums: this.sums,
      repair: this.repair ? { downloadBudget } : undefined,
    };
    const startMs = this.context.clock.nowMs();
    const { verify } = await this.context.flows.verify();
    const result = await verify(options, session.observe, session.signal);
    const elapsedMs = this.context.clock.nowMs() - startMs;
    return { type: "done", ...result, elapsedMs, slowTimes: [] };
  }
}

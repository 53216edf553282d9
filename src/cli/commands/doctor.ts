// goshare doctor: argv → the doctor flow, which checks whether goshare can work here.
import { Command, Option } from "clipanion";
import { peerListenArgument, trackerChoice } from "../arguments.js";
import { GoshareCommand } from "../goshare-command.js";
import { defaultCliOptions, OPTIONS } from "../option-table.js";
import { doneWithoutTransfer, type Ending, type Session } from "../session.js";

export class DoctorCommand extends GoshareCommand {
  static override paths = [["doctor"]];
  static override usage = Command.Usage({
    description: "check whether goshare can work here",
    details: `
      Checks Node, ports, trackers, the disk, the clock and how fast this machine hashes, and says how to fix
      what is wrong. A tracker that runs elsewhere is asked to dial this machine, to see whether others can
      reach it. Ends with exit code 1 if anything keeps goshare from working; warnings do not count.
    `,
    examples: [
      ["Check this machine", "$0 doctor"],
      ["Check a tracker and another disk too", "$0 doctor --tracker tracker.example:8080 --output /data"],
    ],
  });

  readonly tracker = Option.Array(OPTIONS.tracker.names, { description: OPTIONS.tracker.description });
  readonly listen = Option.String(OPTIONS.peerListen.names, { description: OPTIONS.peerListen.description });
  readonly output = Option.String(OPTIONS.begunIn.names, defaultCliOptions.outputDirectory, {
    description: OPTIONS.begunIn.description,
  });

  protected override async run(session: Session): Promise<Ending> {
    const options = {
      ...trackerChoice(this.tracker),
      listen: peerListenArgument(this.listen),
      listenGiven: this.listen !== undefined,
      outputDirectory: this.output,
    };
    const startMs = this.context.clock.nowMs();
    const { doctor } = await this.context.flows.doctor();
    await doctor(options, session.observe, session.signal);
    return doneWithoutTransfer(this.context.clock.nowMs() - startMs);
  }
}

// goshare tracker status: argv → the tracker status flow, which asks a tracker how it is doing.
import { Command, Option } from "clipanion";
import { requireTrackerEndpoint } from "../../address/endpoint.js";
import { DEFAULT_TRACKER_PORT } from "../../tracker/limits.js";
import { GoshareCommand } from "../goshare-command.js";
import { doneWithoutTransfer, type Ending, type Session } from "../session.js";

export class TrackerStatusCommand extends GoshareCommand {
  static override paths = [["tracker", "status"]];
  static override usage = Command.Usage({
    description: "show how a tracker is doing",
    details: `
      Shows what runs at HOST:PORT, whether it is serving, how quickly it answers and at which address it sees
      this machine. Exit code 4 if it cannot be reached or is not serving.
    `,
    examples: [
      ["Check a tracker", "$0 tracker status tracker.example:8080"],
      ["Check one that speaks TLS", "$0 tracker status tls://tracker.example:8080"],
    ],
  });

  readonly tracker = Option.String({ name: "HOST:PORT", required: true });

  protected override async run(session: Session): Promise<Ending> {
    const tracker = requireTrackerEndpoint(this.tracker, "the tracker", DEFAULT_TRACKER_PORT);
    const { clock, flows } = this.context;
    const startMs = clock.nowMs();
    const { trackerStatus } = await flows.trackerStatus();
    await trackerStatus(tracker, session.observe, session.signal, clock);
    return doneWithoutTransfer(clock.nowMs() - startMs);
  }
}

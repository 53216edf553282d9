// What commands that exchange with peers have in common, and what those of them that download do: their options, and
// the values that flows take.
import { Option } from "clipanion";
import {
  countArgument,
  ifTakenArgument,
  peerListenArgument,
  rateArgument,
  timeoutArgument,
  trackerChoice,
} from "./arguments.js";
import { GoshareCommand } from "./goshare-command.js";
import { defaultCliOptions, OPTIONS } from "./option-table.js";

export abstract class PeerCommand extends GoshareCommand {
  readonly tracker = Option.Array(OPTIONS.tracker.names, { description: OPTIONS.tracker.description });
  readonly listen = Option.String(OPTIONS.peerListen.names, { description: OPTIONS.peerListen.description });
  readonly uploadLimit = Option.String(OPTIONS.uploadLimit.names, {
    description: OPTIONS.uploadLimit.description,
  });

  readonly maxPeers = Option.String(OPTIONS.maxPeers.names, { description: OPTIONS.maxPeers.description });
  readonly maxConnectionsPerHost = Option.String(OPTIONS.maxConnectionsPerHost.names, {
    description: OPTIONS.maxConnectionsPerHost.description,
  });

  protected peerOptions(defaultMaxPeers: number) {
    return {
      ...trackerChoice(this.tracker),
      listen: peerListenArgument(this.listen),
      listenGiven: this.listen !== undefined,
      uploadBudget: rateArgument(OPTIONS.uploadLimit, this.uploadLimit),
      maxPeers: countArgument(OPTIONS.maxPeers, this.maxPeers, defaultMaxPeers),
      maxConnectionsPerHost: countArgument(
        OPTIONS.maxConnectionsPerHost,
        this.maxConnectionsPerHost,
        defaultCliOptions.maxConnectionsPerHost,
      ),
    };
  }
}

export abstract class DownloadingCommand extends PeerCommand {
  readonly output = Option.String(OPTIONS.output.names, defaultCliOptions.outputDirectory, {
    description: OPTIONS.output.description,
  });

  readonly overwrite = Option.Boolean(OPTIONS.overwrite.names, false, {
    description: OPTIONS.overwrite.description,
  });

  readonly rename = Option.Boolean(OPTIONS.rename.names, false, { description: OPTIONS.rename.description });
  readonly timeout = Option.String(OPTIONS.timeout.names, { description: OPTIONS.timeout.description });
  readonly downloadLimit = Option.String(OPTIONS.downloadLimit.names, {
    description: OPTIONS.downloadLimit.description,
  });

  protected downloadOptions() {
    return {
      ...this.peerOptions(defaultCliOptions.maxDownloadPeers),
      outputDirectory: this.output,
      ifTaken: ifTakenArgument(this.overwrite, this.rename),
      timeoutMs: timeoutArgument(this.timeout, defaultCliOptions.timeoutMs),
      downloadBudget: rateArgument(OPTIONS.downloadLimit, this.downloadLimit),
    };
  }
}

// goshare tracker: argv → a tracker that runs until it is told to stop.
import { Command, Option } from "clipanion";
import { requireListenAddress } from "../../address/endpoint.js";
import { hostScope } from "../../address/host.js";
import { EVERY_HOST } from "../../address/listening.js";
import { DEFAULT_TRACKER_PORT } from "../../tracker/limits.js";
import { countArgument, logLevelArgument } from "../arguments.js";
import { GoshareCommand } from "../goshare-command.js";
import { DEFAULT_TRACKER_STORE, defaultCliOptions, OPTIONS } from "../option-table.js";
import type { Ending, Session } from "../session.js";

export class TrackerCommand extends GoshareCommand {
  static override paths = [["tracker"]];
  static override usage = Command.Usage({
    description: "run a tracker, which tells peers about each other",
    details: `
      Knows who has what and never sees a byte of it. Runs until it is stopped with Ctrl-C or SIGTERM (exit
      code 0). Peers use it with --tracker HOST:PORT. What it knows outlives it: a crash loses at most the
      last 30 seconds of it, and peers bring that back when they renew.
    `,
    examples: [
      ["Run a tracker on the default port", "$0 tracker"],
      ["Run one of several that share a Redis", "$0 tracker --store redis://redis.example:6379"],
      ["Keep what it knows in a folder of your choice", "$0 tracker --store file:/var/lib/goshare"],
      ["Use another port, with output for programs", "$0 tracker --listen 0.0.0.0:9090 --json"],
    ],
  });

  readonly listen = Option.String(OPTIONS.trackerListen.names, {
    description: OPTIONS.trackerListen.description,
  });
  readonly store = Option.String(OPTIONS.store.names, DEFAULT_TRACKER_STORE, {
    description: OPTIONS.store.description,
  });
  readonly perAddressLimit = Option.String(OPTIONS.perAddressLimit.names, {
    description: OPTIONS.perAddressLimit.description,
  });
  readonly perContentLimit = Option.String(OPTIONS.perContentLimit.names, {
    description: OPTIONS.perContentLimit.description,
  });
  readonly tlsCert = Option.String(OPTIONS.tlsCert.names, { description: OPTIONS.tlsCert.description });
  readonly tlsKey = Option.String(OPTIONS.tlsKey.names, { description: OPTIONS.tlsKey.description });
  readonly metrics = Option.String(OPTIONS.metrics.names, { description: OPTIONS.metrics.description });
  readonly logLevel = Option.String(OPTIONS.logLevel.names, defaultCliOptions.logLevel, {
    description: OPTIONS.logLevel.description,
  });
  readonly preferNear = Option.Boolean(OPTIONS.preferNear.names, false, {
    description: OPTIONS.preferNear.description,
  });
  readonly trustAnnounced = Option.Boolean(OPTIONS.trustAnnounced.names, false, {
    description: OPTIONS.trustAnnounced.description,
  });

  protected override async run(session: Session): Promise<Ending> {
    const options = {
      store: this.store,
      preferNear: this.preferNear,
      trustAnnounced: this.trustAnnounced,
      perAddressLimit: countArgument(
        OPTIONS.perAddressLimit,
        this.perAddressLimit,
        defaultCliOptions.perAddressLimit,
      ),
      maxLeasesPerSwarm: countArgument(
        OPTIONS.perContentLimit,
        this.perContentLimit,
        defaultCliOptions.perContentLimit,
      ),
      tlsCertPath: this.tlsCert,
      tlsKeyPath: this.tlsKey,
      logLevel: logLevelArgument(this.logLevel),
      ...(this.metrics !== undefined && {
        metrics: requireListenAddress(this.metrics, OPTIONS.metrics.names),
      }),
      ...this.#listenOptions(),
    };
    const { startTracker } = await this.context.flows.tracker();
    const tracker = await startTracker(options, session.observe, session.signal);
    this.#tellOthersName(session, tracker.endpoint, tracker.selfSignedSha256);
    try {
      await session.untilStopped();
    } finally {
      await tracker.close();
    }
    return { type: "stopped", signal: session.stoppedBy(), bytesSent: 0 };
  }

  /** The address that is shown is the one at which this machine reaches the tracker. It may be of no use elsewhere, or
   * not be enough. */
  #tellOthersName(session: Session, endpoint: string, certificateSha256: string | undefined): void {
    const pin = certificateSha256 === undefined ? "" : `#${certificateSha256}`;
    const { listenHost = EVERY_HOST } = this.#listenOptions();
    const option = OPTIONS.tracker.names;
    if (hostScope(listenHost) === "unspecified") {
      const name = endpoint.replace(/[^/]*(:\d+)$/, "HOST$1");
      session.tell(`other machines can use it with ${option} ${name}${pin}, where HOST is this machine`);
    } else if (pin !== "") session.tell(`peers can use it with ${option} ${endpoint}${pin}`);
  }

  /** Nothing if --listen is not given: the tracker then copes with a machine without IPv6 by itself. */
  #listenOptions(): { readonly listenHost?: string; readonly listenPort?: number } {
    if (this.listen === undefined) return {};
    const { host, port } = requireListenAddress(
      this.listen,
      OPTIONS.trackerListen.names,
      DEFAULT_TRACKER_PORT,
    );
    return { listenHost: host, listenPort: port };
  }
}

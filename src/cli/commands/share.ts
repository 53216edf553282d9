// goshare share: argv → the share flow, once for each path; serves until it is told to stop.
import { Command, Option } from "clipanion";
import { requireEndpoint } from "../../address/endpoint.js";
import { GoshareError } from "../../core/errors.js";
import { defaultPeerListen } from "../../flows/defaults.js";
import type { RunningShare } from "../../flows/share.js";
import { Shares } from "../../flows/shares.js";
import { stateDirectory } from "../../storage/state-directory.js";
import { chunkSizeArgument, countArgument } from "../arguments.js";
import { defaultCliOptions, OPTIONS } from "../option-table.js";
import { PeerCommand } from "../peer-command.js";
import { columnsOf } from "../render/palette.js";
import { ticketAsQrCode } from "../render/qr-code.js";
import type { Ending, Session } from "../session.js";

export class ShareCommand extends PeerCommand {
  static override paths = [["share"]];
  static override usage = Command.Usage({
    description: "share files and folders with others",
    details: `
      Reads every PATH, writes its .goshare file, prints the line to run on the other computer, and serves
      until Ctrl-C (exit code 0). Several paths are several shares, on one port; all of them are read before
      the first is served.
    `,
    examples: [
      ["Share a file", "$0 share ubuntu.iso"],
      ["Share a folder through a tracker", "$0 share photos --tracker tracker.example:8080"],
      ["Send a folder to one other machine, then stop", "$0 share project --once --exclude node_modules"],
    ],
  });

  readonly advertise = Option.Array(OPTIONS.advertise.names, [], {
    description: OPTIONS.advertise.description,
  });
  readonly manifest = Option.String(OPTIONS.manifest.names, { description: OPTIONS.manifest.description });
  readonly chunkSize = Option.String(OPTIONS.chunkSize.names, { description: OPTIONS.chunkSize.description });
  readonly noPublish = Option.Boolean(OPTIONS.noPublish.names, false, {
    description: OPTIONS.noPublish.description,
  });
  readonly exclude = Option.Array(OPTIONS.exclude.names, [], { description: OPTIONS.exclude.description });
  readonly once = Option.Boolean(OPTIONS.once.names, false, { description: OPTIONS.once.description });
  readonly untilCopies = Option.String(OPTIONS.untilCopies.names, {
    description: OPTIONS.untilCopies.description,
  });
  readonly qr = Option.Boolean(OPTIONS.qr.names, false, { description: OPTIONS.qr.description });
  readonly rehash = Option.Boolean(OPTIONS.rehash.names, false, { description: OPTIONS.rehash.description });
  readonly sources = Option.Rest({ name: "PATH", required: 1 });

  protected override async run(session: Session): Promise<Ending> {
    const { manifest: manifestPath, sources } = this;
    if (manifestPath !== undefined && sources.length > 1) {
      throw new GoshareError(
        "USAGE",
        `${OPTIONS.manifest.names} names one file, but ${sources.length} paths are given`,
      );
    }
    const options = {
      ...this.peerOptions(defaultCliOptions.maxSharePeers),
      advertise: this.advertise.map((text) =>
        requireEndpoint(text, OPTIONS.advertise.names, defaultPeerListen.port),
      ),
      chunkSizeBytes: chunkSizeArgument(this.chunkSize),
      publish: !this.noPublish,
      stateDirectory: stateDirectory(this.context.env),
      rehash: this.rehash,
      exclude: this.exclude,
      manifestPath,
    };
    const copies = this.#copiesWanted();
    const { prepareShare, requireShareable } = await this.context.flows.share();
    await requireShareable(sources, manifestPath);
    const shares = new Shares(sources.length, session.observe);
    try {
      // One after another, since hashing keeps the whole machine busy as it is; and none is served before all are read:
      // a line that was passed on must not stop working because of what is in another path.
      const serves: (() => Promise<RunningShare>)[] = [];
      for (const path of sources) {
        session.signal.throwIfAborted();
        const serve = await shares.add(path, (observe, group) =>
          prepareShare({ ...options, path }, observe, session.signal, group),
        );
        serves.push(serve);
      }
      const running: RunningShare[] = [];
      for (const serve of serves) {
        session.signal.throwIfAborted();
        running.push(await serve());
      }
      // When all are served, so that trackers hear of them together.
      for (const one of running) {
        session.signal.throwIfAborted();
        await one.announce();
        if (this.qr) session.tell(await ticketAsQrCode(one.ticket, columnsOf(this.context.stderr)));
      }
      session.tell("Ctrl-C stops sharing");
      if (copies !== undefined) {
        const who = copies === 1 ? "one peer has" : `${copies} peers have`;
        session.tell(`sharing will end when ${who} everything`);
      }
      await Promise.race([session.untilStopped(), shares.untilOver(copies)]);
    } finally {
      await shares.close();
    }
    if (shares.failure !== undefined) throw shares.failure;
    return { type: "stopped", signal: session.stoppedBy(), bytesSent: shares.bytesSent };
  }

  /** Undefined: it serves until it is told to stop. */
  #copiesWanted(): number | undefined {
    if (this.once && this.untilCopies !== undefined) {
      const { once, untilCopies } = OPTIONS;
      throw new GoshareError("USAGE", `${once.names} and ${untilCopies.names} cannot be used together`);
    }
    if (this.once) return 1;
    return countArgument(OPTIONS.untilCopies, this.untilCopies, undefined);
  }
}

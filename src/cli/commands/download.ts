// goshare download: argv → the download flow.
import type { Writable } from "node:stream";
import { Command, Option } from "clipanion";
import { GoshareError } from "../../core/errors.js";
import type { DownloadOptions } from "../../flows/downloading/download-options.js";
import type { RunningSeed } from "../../flows/downloading/serving-download.js";
import { OPTIONS, TICKET_VARIABLE } from "../option-table.js";
import { payloadOutput, STANDARD_OUTPUT } from "../payload-output.js";
import { DownloadingCommand } from "../peer-command.js";
import type { Ending, Session } from "../session.js";
import { whatToDownload } from "../ticket-input.js";

export class DownloadCommand extends DownloadingCommand {
  static override paths = [["download"]];
  static override usage = Command.Usage({
    description: "download what somebody shares",
    details: `
      WHAT is a ticket, a .goshare file or a content id; - reads it from standard input, and if none is given
      it is taken from ${TICKET_VARIABLE}. Several are downloaded at once; the exit code is that of the first
      that failed. Every chunk is verified. An interrupted download keeps what is verified; the same command
      resumes it where it stopped. What is verified is passed on to others who download the same share; with
      --seed that continues after the download, until Ctrl-C (exit code 0).
    `,
    examples: [
      ["Download by ticket", "$0 download goshare1..."],
      ["Download two at once", "$0 download goshare1... ubuntu.iso.goshare"],
      [
        "Download by .goshare file, into a folder of your choice",
        "$0 download ubuntu.iso.goshare --output isos",
      ],
      [
        "Download all the pictures in a folder except one",
        "$0 download goshare1... --select '*.jpg' --select '!blurred.jpg'",
      ],
      [
        "Use one file of a share without keeping it",
        "$0 download goshare1... --select notes.txt --output - | less",
      ],
      ["Fetch only what is new since the last version", "$0 download goshare1... --reuse checkpoints/1000"],
      ["Keep the ticket out of the shell's history", "$0 download - < ticket.txt"],
    ],
  });

  readonly what = Option.Rest({ name: "WHAT" });
  readonly select = Option.Array(OPTIONS.select.names, { description: OPTIONS.select.description });
  readonly reuse = Option.String(OPTIONS.reuse.names, { description: OPTIONS.reuse.description });
  readonly sequential = Option.Boolean(OPTIONS.sequential.names, false, {
    description: OPTIONS.sequential.description,
  });

  readonly seed = Option.Boolean(OPTIONS.seed.names, false, { description: OPTIONS.seed.description });

  protected override afterInterruption(): string {
    return this.#isPiped ? super.afterInterruption() : "what is verified is kept; to resume";
  }

  /** The file itself goes to stdout. */
  protected override resultStream(): Writable {
    return this.#isPiped ? this.context.stderr : super.resultStream();
  }

  get #isPiped(): boolean {
    return this.output === STANDARD_OUTPUT;
  }

  protected override async run(session: Session): Promise<Ending> {
    const output = this.#payloadOutput();
    const whats = await whatToDownload(this.what, this.context, session);
    const options = {
      ...this.downloadOptions(),
      sequential: this.sequential,
      reuseDirectory: this.reuse,
      select: this.select ?? [],
      seed: this.seed,
    };
    const [what = ""] = whats;
    return whats.length === 1
      ? this.#downloadOne({ ...options, what, output }, session)
      : this.#downloadSeveral(whats, options, session);
  }

  async #downloadOne(options: DownloadOptions, session: Session): Promise<Ending> {
    const { download } = await this.context.flows.download();
    const { seed, isCutShort, ...result } = await download(options, session.observe, session.signal);
    if (isCutShort) return { type: "stopped", signal: "", bytesSent: 0 };
    const done = { type: "done", ...result } as const;
    if (seed === undefined) return done;
    session.observe(done);
    return this.#untilStopped(seed, seed.failed, session);
  }

  async #downloadSeveral(
    whats: readonly string[],
    options: Omit<DownloadOptions, "what" | "output">,
    session: Session,
  ): Promise<Ending> {
    if (this.#isPiped) {
      throw new GoshareError("USAGE", `--output - takes one file, but there are ${whats.length} downloads`, {
        hint: "see: goshare download --help",
      });
    }
    const { downloadSeveral } = await this.context.flows.downloads();
    const { observe, signal } = session;
    const several = await downloadSeveral(whats, options, observe, signal);
    const { last, unserved } = several;
    if (last !== undefined && several.failure === undefined && unserved === undefined) return last;
    if (last !== undefined) observe(last);
    const stopped = unserved && (await this.#untilStopped(several, unserved, session));
    if (several.failure !== undefined) throw several.failure;
    if (stopped === undefined) throw new Error("downloads of which none failed have a last one");
    return stopped;
  }

  #payloadOutput(): Writable | undefined {
    if (!this.#isPiped) return undefined;
    const given = [
      [this.seed, OPTIONS.seed],
      [this.overwrite, OPTIONS.overwrite],
      [this.rename, OPTIONS.rename],
      [this.reuse !== undefined, OPTIONS.reuse],
    ] as const;
    const [wrong] = given.filter(([isGiven]) => isGiven);
    if (wrong !== undefined) {
      throw new GoshareError("USAGE", `--output - and ${wrong[1].names} cannot be used together`, {
        hint: "name a folder with --output DIR, or leave out the other option",
      });
    }
    return payloadOutput(this.context.stdout);
  }

  /** Serves until the user ends it, or `unserved` resolves. */
  async #untilStopped(
    serving: Pick<RunningSeed, "bytesSent" | "close">,
    unserved: Promise<void>,
    session: Session,
  ): Promise<Ending> {
    try {
      await Promise.race([session.untilStopped(), unserved]);
    } finally {
      await serving.close();
    }
    return { type: "stopped", signal: session.stoppedBy(), bytesSent: serving.bytesSent };
  }
}

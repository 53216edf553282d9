// goshare resume: finds downloads that were begun and runs `goshare download` for each of them as its last run left it.
import { Command, Option } from "clipanion";
import { GoshareError } from "../../core/errors.js";
import { GoshareCommand } from "../goshare-command.js";
import { defaultCliOptions, OPTIONS } from "../option-table.js";
import { DownloadingCommand } from "../peer-command.js";
import { printable } from "../render/printable.js";
import { downloadArguments } from "../resume-line.js";
import { doneWithoutTransfer, type Ending, type Session } from "../session.js";

export class ResumeCommand extends DownloadingCommand {
  static override paths = [["resume"]];
  static override usage = Command.Usage({
    description: "resume unfinished downloads",
    details: `
      NAME is a download as goshare status lists it: its name, path or content id. Without one, all downloads
      in the folder that no process is running are resumed, one after another. Only what is missing is
      fetched.
    `,
    examples: [
      ["Resume all of them", "$0 resume"],
      ["Resume one", "$0 resume ubuntu.iso"],
      [
        "Resume one in another folder, at another rate",
        "$0 resume /data/backups/photos --download-limit 5MiB/s",
      ],
    ],
  });

  readonly names = Option.Rest({ name: "NAME" });
  override readonly output = Option.String(OPTIONS.begunIn.names, defaultCliOptions.outputDirectory, {
    description: OPTIONS.begunIn.description,
  });

  protected override afterInterruption(): string {
    return "what is verified is kept; to resume";
  }

  protected override async run(session: Session): Promise<Ending> {
    const startMs = this.context.clock.nowMs();
    const { resumableDownloads } = await this.context.flows.begun();
    const folder = { outputDirectory: this.output, mayBeMissing: !this.isTyped(OPTIONS.begunIn.names) };
    const begun = resumableDownloads(this.names, folder, session.observe);
    const [only, ...others] = begun;
    if (only !== undefined && others.length === 0) {
      try {
        return await this.#download(only, session);
      } catch (thrown) {
        if (!this.#isLeftAlone(thrown)) throw thrown;
        tellSkipped(only.path, thrown, session);
        return doneWithoutTransfer(this.context.clock.nowMs() - startMs);
      }
    }
    if (only === undefined) session.tell(`nothing to resume in ${printable(this.output)}`);
    let bytesReceived = 0;
    let failures = 0;
    for (const one of begun) {
      session.tell(`resuming ${printable(one.path)}`);
      try {
        const ending = await this.#download(one, session);
        session.observe(ending);
        if (ending.type === "done") bytesReceived += ending.bytesReceived;
      } catch (thrown) {
        session.signal.throwIfAborted();
        if (GoshareError.from(thrown).code === "BUG") throw thrown;
        tellSkipped(one.path, thrown, session);
        if (!this.#isLeftAlone(thrown)) failures++;
      }
    }
    if (failures > 0) {
      throw new GoshareError("INCOMPLETE", `${failures} of ${begun.length} downloads did not finish`, {
        hint: "the warnings say why; run the same command again to resume",
      });
    }
    const elapsedMs = this.context.clock.nowMs() - startMs;
    return { ...doneWithoutTransfer(elapsedMs), bytesReceived };
  }

  /** If no download was named, one that another process has taken up meanwhile is left to that process. */
  #isLeftAlone(thrown: unknown): boolean {
    return this.names.length === 0 && GoshareError.from(thrown).code === "TARGET_BUSY";
  }

  /** Runs what the person could have typed, within this session. */
  async #download(one: Parameters<typeof downloadArguments>[0], session: Session): Promise<Ending> {
    const given: readonly (readonly [string, string | undefined])[] = [
      ...(this.tracker ?? []).map((tracker) => [OPTIONS.tracker.names, tracker] as const),
      [OPTIONS.peerListen.names, this.listen],
      [OPTIONS.timeout.names, this.timeout],
      [OPTIONS.downloadLimit.names, this.downloadLimit],
      [OPTIONS.uploadLimit.names, this.uploadLimit],
      [OPTIONS.maxPeers.names, this.maxPeers],
      [OPTIONS.maxConnectionsPerHost.names, this.maxConnectionsPerHost],
    ];
    const switches = [
      ...(this.overwrite ? [OPTIONS.overwrite.names] : []),
      ...(this.rename ? [OPTIONS.rename.names] : []),
    ];
    const options = given.flatMap(([name, value]) => (value === undefined ? [] : [`${name}=${value}`]));
    const moreArguments = one.moreArguments.filter((argument) => !this.#isOutdated(argument));
    const begun = downloadArguments({ ...one, moreArguments });
    const command = this.cli.process([...begun, ...switches, ...options], this.context);
    if (!(command instanceof GoshareCommand)) throw new Error("goshare download is one of our commands");
    return command.runWithin(session);
  }

  /** Whoever asks for another name does not want to replace anything any more. */
  #isOutdated(argument: string): boolean {
    return this.rename && argument === OPTIONS.overwrite.names;
  }
}

function tellSkipped(path: string, thrown: unknown, session: Session): void {
  const { code, message } = GoshareError.from(thrown);
  session.observe({ type: "warning", code, message, path });
}

// goshare completion: prints the completion script of a shell, made from the commands themselves.
import { Command, Option } from "clipanion";
import { GoshareError } from "../../core/errors.js";
import { bashCompletion } from "../completion/bash.js";
import { type CompletedCommand, completedCommands } from "../completion/completed-commands.js";
import { fishCompletion } from "../completion/fish.js";
import { SHELLS, type Shell } from "../completion/shells.js";
import { zshCompletion } from "../completion/zsh.js";
import { GoshareCommand } from "../goshare-command.js";
import { usageOf } from "../render/help.js";
import { doneWithoutTransfer, type Ending, type Session } from "../session.js";

const SCRIPTS: { readonly [K in Shell]: (commands: readonly CompletedCommand[]) => string } = {
  bash: bashCompletion,
  zsh: zshCompletion,
  fish: fishCompletion,
};

export class CompletionCommand extends GoshareCommand {
  static override paths = [["completion"]];
  static override usage = Command.Usage({
    description: "print a script that lets a shell complete commands and options",
    details: `
      SHELL is one of ${SHELLS.join(", ")}. The script goes to stdout; its first lines say where to put it.
    `,
    examples: [
      ["In bash, for every new shell", "echo 'source <($0 completion bash)' >> ~/.bashrc"],
      ["In zsh, the same", "echo 'source <($0 completion zsh)' >> ~/.zshrc"],
      [
        "In fish",
        "mkdir -p ~/.config/fish/completions && $0 completion fish > ~/.config/fish/completions/goshare.fish",
      ],
    ],
  });

  readonly shell = Option.String({ name: "SHELL" });

  protected override async run(session: Session): Promise<Ending> {
    const shell = SHELLS.find((one) => one === this.shell);
    if (shell === undefined) {
      throw new GoshareError("USAGE", `there is no completion for ${JSON.stringify(this.shell)}`, {
        hint: `there is one for ${SHELLS.join(", ")}`,
      });
    }
    const script = SCRIPTS[shell](completedCommands(this.cli.definitions(), usageOf));
    session.observe({ type: "completionScript", shell, script });
    return doneWithoutTransfer(0);
  }
}

// goshare config: prints every setting, the value that holds for it, and where that comes from. Changes nothing.
import { existsSync } from "node:fs";
import { Command } from "clipanion";
import { GoshareCommand } from "../goshare-command.js";
import { printable } from "../render/printable.js";
import { doneWithoutTransfer, type Ending, type Session } from "../session.js";
import { readSettings } from "../settings/settings.js";
import { isOutOfReach, settingsFilePath } from "../settings/settings-file.js";

export class ConfigCommand extends GoshareCommand {
  static override paths = [["config"]];
  static override usage = Command.Usage({
    description: "show the settings and where they come from",
    details: `
      Options on the command line take precedence over environment variables, these over your settings file,
      and that over the defaults. Changes nothing.
    `,
    examples: [
      ["Show the settings in effect here", "$0 config"],
      [
        "Limit every upload",
        `mkdir -p ~/.config/goshare && echo 'upload-limit = "10MiB/s"' >> ~/.config/goshare/config.toml`,
      ],
    ],
  });

  protected override async run(session: Session): Promise<Ending> {
    const { env } = this.context;
    const filePath = settingsFilePath(env);
    const isMissed = !existsSync(filePath) && !isOutOfReach(filePath);
    session.tell(`settings; the file is ${printable(filePath)}${isMissed ? ", which does not exist" : ""}`);
    for (const { setting, texts, source, place } of await readSettings(env)) {
      const { name, variable, defaultText: defaultValue } = setting;
      session.observe({
        type: "setting",
        name,
        variable,
        values: texts.map(setting.shown),
        defaultValue,
        source,
        place,
      });
    }
    return doneWithoutTransfer(0);
  }
}

// The values that hold where the command line says nothing: the environment's before those of the user's file, and
// these before the defaults. They become options that a person could have typed, so commands know no other source.
// Decides nothing else.
import type { Definition } from "clipanion";
import { GoshareError } from "../../core/errors.js";
import { longName, SETTINGS, type Setting, settingFor } from "./setting-table.js";
import { type FileValue, readSettingsFile, settingsFilePath } from "./settings-file.js";

export interface SettingValue {
  readonly setting: Setting;
  /** As typed; none where the default holds. */
  readonly texts: readonly string[];
  readonly source: "default" | "environment" | "file";
  /** The variable, or the file and its line; empty for defaults. */
  readonly place: string;
}

const SWITCH_WORDS: Readonly<Record<string, boolean>> = { true: true, "1": true, false: false, "0": false };

/** Every setting with the value that holds for it. Throws USAGE that names the variable, or the file and its line. */
export async function readSettings(env: Readonly<NodeJS.ProcessEnv>): Promise<readonly SettingValue[]> {
  const inFile = await readSettingsFile(settingsFilePath(env));
  return SETTINGS.map((setting) => valueOfSetting(setting, env, inFile.get(setting.name)));
}

/** `argv` and, after the command's name, options for the settings that the command takes and the person has not
 * typed. */
export function withSettings(
  argv: readonly string[],
  definition: Definition,
  values: readonly SettingValue[],
): readonly string[] {
  const { words, rest, typed, taken } = typedAndTaken(argv, definition);
  const added = values
    .filter(({ setting }) => taken.includes(setting) && !isTyped(setting, typed))
    .flatMap(optionsOf);
  return [...argv.slice(0, words), ...added, ...rest];
}

export interface SettingInEffect {
  readonly name: string;
  /** As it may be shown on a screen. */
  readonly value: string;
  /** Where it comes from. */
  readonly place: string;
}

/** The settings that the command typed as `argv` takes, each with the value that holds for it. */
export function settingsInEffect(
  argv: readonly string[],
  definition: Definition,
  values: readonly SettingValue[],
): readonly SettingInEffect[] {
  const { typed, taken } = typedAndTaken(argv, definition);
  return values
    .filter(({ setting }) => taken.includes(setting))
    .map(({ setting, texts, place }) => {
      const { name, defaultText, shown } = setting;
      const given = typedTexts(setting, typed);
      const value = (given.length > 0 ? given : texts).map(shown).join(", ");
      if (given.length > 0) return { name, value, place: "command line" };
      return texts.length > 0 ? { name, value, place } : { name, value: defaultText, place: "default" };
    });
}

/** How many words name the command, the words after them, those of these before "--", and the settings that it
 * takes. */
function typedAndTaken(argv: readonly string[], definition: Definition) {
  // "goshare tracker status" is three words, and options come after them.
  const words = definition.path.split(" ").length - 1;
  const rest = argv.slice(words);
  const end = rest.indexOf("--");
  const typed = end === -1 ? rest : rest.slice(0, end);
  const taken = definition.options.map(({ definition: text, description = "" }) =>
    settingFor(text.split(" ", 1)[0] ?? "", description),
  );
  return { words, rest, typed, taken };
}

function valueOfSetting(
  setting: Setting,
  env: Readonly<NodeJS.ProcessEnv>,
  inFile: FileValue | undefined,
): SettingValue {
  const { variable, kind } = setting;
  const text = env[variable] ?? "";
  const texts = kind === "list" ? text.split(",").map((one) => one.trim()) : [text];
  const given = texts.filter((one) => one !== "");
  const expanded = (all: readonly string[]) => all.map(setting.expanded);
  if (given.length > 0)
    return checked({ setting, texts: expanded(given), source: "environment", place: variable });
  if (inFile !== undefined)
    return checked({ setting, texts: expanded(inFile.texts), source: "file", place: inFile.place });
  return { setting, texts: [], source: "default", place: "" };
}

function checked(value: SettingValue): SettingValue {
  const { setting, texts, place } = value;
  for (const text of texts) {
    try {
      if (setting.kind === "switch" && SWITCH_WORDS[text] === undefined) throw wrongSwitch(setting, text);
      if (text === "") throw new GoshareError("USAGE", `${setting.name} is empty`);
      setting.check(text);
    } catch (thrown) {
      const { code, message, hint } = GoshareError.from(thrown);
      if (code !== "USAGE") throw thrown;
      const what = message.replace(longName(setting.option.names), setting.name);
      throw new GoshareError("USAGE", `${place}: ${what}`, {
        hint: hint || `for example: ${setting.name} = ${setting.example}`,
        cause: thrown,
      });
    }
  }
  return value;
}

function wrongSwitch({ name }: Setting, text: string): GoshareError {
  return new GoshareError("USAGE", `${name} ${JSON.stringify(text)} is not understood`, {
    hint: "it takes true or false",
  });
}

function isTyped(setting: Setting, typed: readonly string[]): boolean {
  return typedTexts(setting, typed).length > 0;
}

/** The values that were typed for it. */
function typedTexts({ option, kind }: Setting, typed: readonly string[]): readonly string[] {
  const names = option.names.split(",");
  const forms = kind === "switch" ? [...names, `--no-${longName(option.names).slice(2)}`] : names;
  return typed.flatMap((word, index) => {
    const form = forms.find((one) => word === one || word.startsWith(`${one}=`));
    if (form === undefined) return [];
    if (word !== form) return [word.slice(form.length + 1)];
    return kind === "switch" ? [String(!word.startsWith("--no-"))] : [typed[index + 1] ?? ""];
  });
}

function optionsOf({ setting, texts }: SettingValue): readonly string[] {
  const option = longName(setting.option.names);
  if (setting.kind === "switch") return texts.some((text) => SWITCH_WORDS[text] === true) ? [option] : [];
  return texts.map((text) => `${option}=${text}`);
}

// Every setting: an option that also takes its value from the environment or from the user's file. Its names follow
// from the option's, and its checks are those of the command line. Reads nothing.
import * as os from "node:os";
import {
  colorArgument,
  countArgument,
  peerListenArgument,
  rateArgument,
  trackerChoice,
} from "../arguments.js";
import { OPTIONS } from "../option-table.js";

interface OptionText {
  readonly names: string;
  readonly description: string;
}

export interface Setting {
  /** In the file: "upload-limit". */
  readonly name: string;
  /** In the environment: "GOSHARE_UPLOAD_LIMIT". */
  readonly variable: string;
  readonly option: OptionText;
  /** The same option with another text, which some commands have for it. */
  readonly alike: readonly OptionText[];
  /** A list may have several values, with commas between them in the environment; a switch is true or false. */
  readonly kind: "text" | "list" | "switch";
  /** What holds if it is not set, in words for people. */
  readonly defaultText: string;
  /** In the file. */
  readonly example: string;
  /** Throws USAGE for what the option would not take. */
  check(text: string): unknown;
  /** `text` as a shell would have expanded it. */
  expanded(text: string): string;
  /** `text` as it may be shown on a screen. */
  shown(text: string): string;
}

type Given = Pick<Setting, "option" | "example" | "check"> &
  Partial<Pick<Setting, "kind" | "alike" | "expanded" | "shown">>;

export const SETTINGS: readonly Setting[] = [
  setting({
    option: OPTIONS.tracker,
    kind: "list",
    example: '["tracker.example:8080"]',
    check: (text) => trackerChoice([text]),
  }),
  setting({ option: OPTIONS.peerListen, example: '"0.0.0.0:9000"', check: peerListenArgument }),
  setting({
    option: OPTIONS.output,
    alike: [OPTIONS.begunIn],
    example: '"/data/downloads"',
    check: (text) => text !== "",
    expanded: homeExpanded,
  }),
  setting({
    option: OPTIONS.uploadLimit,
    example: '"10MiB/s"',
    check: (text) => rateArgument(OPTIONS.uploadLimit, text),
  }),
  setting({
    option: OPTIONS.downloadLimit,
    example: '"10MiB/s"',
    check: (text) => rateArgument(OPTIONS.downloadLimit, text),
  }),
  setting({
    option: OPTIONS.maxPeers,
    example: "50",
    check: (text) => countArgument(OPTIONS.maxPeers, text, 0),
  }),
  setting({
    option: OPTIONS.maxConnectionsPerHost,
    example: "512",
    check: (text) => countArgument(OPTIONS.maxConnectionsPerHost, text, 0),
  }),
  setting({
    option: OPTIONS.store,
    example: '"redis://redis.example:6379"',
    check: (text) => text !== "",
    expanded: (text) => text.replace(/^(file:)(.*)$/s, (_all, kind, path) => kind + homeExpanded(path)),
    shown: (text) => text.replace(/^([a-z-]+:\/\/)[^/]*@/, "$1…@"),
  }),
  setting({
    option: OPTIONS.perAddressLimit,
    example: "100",
    check: (text) => countArgument(OPTIONS.perAddressLimit, text, 0),
  }),
  setting({
    option: OPTIONS.perContentLimit,
    example: "125000",
    check: (text) => countArgument(OPTIONS.perContentLimit, text, 0),
  }),
  setting({ option: OPTIONS.color, example: '"never"', check: colorArgument }),
  setting({ option: OPTIONS.quiet, kind: "switch", example: "true", check: () => true }),
  setting({ option: OPTIONS.verbose, kind: "switch", example: "true", check: () => true }),
];

function setting(given: Given): Setting {
  const same = (text: string) => text;
  const { option, alike = [], kind = "text", example, check, expanded = same, shown = same } = given;
  const name = longName(option.names).slice(2);
  const variable = `GOSHARE_${name.toUpperCase().replaceAll("-", "_")}`;
  const [, defaultText = "false"] = /\(default ([^)]*)\)$/.exec(option.description) ?? [];
  return { name, variable, option, alike, kind, defaultText, example, check, expanded, shown };
}

/** Replaces a "~" that stands for the home directory; leaves alone a "~NAME", which shells would expand too. */
function homeExpanded(path: string): string {
  return path.replace(/^~(?=\/|$)/, () => os.homedir());
}

/** "--quiet" of "-q,--quiet". */
export function longName(names: string): string {
  return names.split(",").at(-1) ?? names;
}

/** The setting for an option of a command, found by the option's names and text, since --listen means two things. */
export function settingFor(names: string, description: string): Setting | undefined {
  return SETTINGS.find(({ option, alike }) =>
    [option, ...alike].some((one) => one.names === names && one.description.trim() === description.trim()),
  );
}

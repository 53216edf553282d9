// The user's settings file, TOML, as texts with the lines that they stand in. Knows which settings there are; what
// their values mean is checked elsewhere.
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { GoshareError, isErrno, readProblem } from "../../core/errors.js";
import { KIB } from "../../core/units.js";
import { SETTINGS } from "./setting-table.js";

/** A larger file is no settings file. */
const MAX_FILE_BYTES = 64 * KIB;

export interface FileValue {
  readonly texts: readonly string[];
  /** "/home/x/.config/goshare/config.toml, line 3". */
  readonly place: string;
}

/** Where the file is: as the XDG Base Directory Specification (0.8) says, or on Windows in APPDATA. */
export function settingsFilePath(env: Readonly<NodeJS.ProcessEnv>): string {
  const { XDG_CONFIG_HOME: given = "", APPDATA: roaming = "" } = env;
  if (path.isAbsolute(given)) return path.join(given, "goshare", "config.toml");
  const isWindows = process.platform === "win32" && path.isAbsolute(roaming);
  const home = isWindows ? roaming : path.join(os.homedir(), ".config");
  return path.join(home, "goshare", "config.toml");
}

/** Whether the file's folder may not be accessed, as when HOME is that of another user, whose settings would not be
 * meant. That is no reason for a command to fail. */
export function isOutOfReach(filePath: string): boolean {
  try {
    fs.statSync(filePath);
    return false;
  } catch (thrown) {
    return isErrno(thrown, "EACCES", "EPERM");
  }
}

/** The values by the name of their setting; empty if there is no file, or its folder may not be accessed. Throws USAGE
 * that names file and line, or a disk error. */
export async function readSettingsFile(filePath: string): Promise<ReadonlyMap<string, FileValue>> {
  const text = readBounded(filePath);
  const values = new Map<string, FileValue>();
  if (text === undefined) return values;
  for (const [name, value] of Object.entries(await parseToml(text, filePath))) {
    const place = `${filePath}, line ${lineOf(text, name)}`;
    const setting = SETTINGS.find((one) => one.name === name);
    if (setting === undefined) {
      throw new GoshareError("USAGE", `${place}: there is no setting ${JSON.stringify(name)}`, {
        hint: `the settings are: ${SETTINGS.map((one) => one.name).join(", ")}`,
      });
    }
    const list: readonly unknown[] = Array.isArray(value) && setting.kind === "list" ? value : [value];
    const texts = list.map(textOf);
    if (!texts.every((one) => one !== undefined)) {
      throw new GoshareError("USAGE", `${place}: ${name} has the wrong kind of value`, {
        hint: `for example: ${name} = ${setting.example}`,
      });
    }
    values.set(name, { texts, place });
  }
  return values;
}

function readBounded(filePath: string): string | undefined {
  if (isOutOfReach(filePath)) return undefined;
  try {
    const stats = fs.statSync(filePath);
    if (stats.isFile() && stats.size <= MAX_FILE_BYTES) return fs.readFileSync(filePath, "utf8");
  } catch (thrown) {
    if (isErrno(thrown, "ENOENT", "ENOTDIR")) return undefined;
    const { reason, hint } = readProblem(thrown);
    throw new GoshareError(
      GoshareError.from(thrown).code,
      `the settings in ${filePath} cannot be read: ${reason}`,
      {
        hint: `${hint}; or set XDG_CONFIG_HOME to a folder that can be read`,
        cause: thrown,
      },
    );
  }
  throw new GoshareError("USAGE", `${filePath} is not a settings file`, {
    hint: `it may have at most ${MAX_FILE_BYTES} bytes`,
  });
}

async function parseToml(text: string, filePath: string): Promise<Record<string, unknown>> {
  // Loaded only where there is something to read.
  const { parse, TomlError } = await import("smol-toml");
  try {
    return parse(text);
  } catch (cause) {
    if (!(cause instanceof TomlError)) throw cause;
    const [, what = "it is not TOML"] = /^(?:Invalid TOML document: )?([^\n]*)/.exec(cause.message) ?? [];
    throw new GoshareError("USAGE", `${filePath}, line ${cause.line}: ${what}`, {
      cause,
      hint: 'each line is a name, = and a value: output = "downloads"',
    });
  }
}

function textOf(value: unknown): string | undefined {
  if (typeof value === "string") return value;
  return typeof value === "number" || typeof value === "boolean" ? String(value) : undefined;
}

/** The line of a top-level key; 1 if it is written in a way that is not recognised. */
function lineOf(text: string, name: string): number {
  const bare = name.replaceAll(/[^\w-]/g, "\\$&");
  const at = text.search(new RegExp(`^[ \\t]*\\[*[ \\t]*["']?${bare}["']?[ \\t]*[=.\\]]`, "m"));
  return text.slice(0, Math.max(0, at)).split("\n").length;
}

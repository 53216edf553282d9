// The repository, for tests of its shape: where it is, which files it holds, and its tools.
import { execFile } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { delimiter, join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";

/** The compiled form of this file is in dist/test/support. */
export const REPOSITORY = fileURLToPath(new URL("../../../", import.meta.url));

const TOOLS = join(REPOSITORY, "node_modules", ".bin");
const TOOL_LIMIT_MS = 120_000;

export interface SourceFile {
  /** From the top of the repository, "/" between components. */
  readonly path: string;
  readonly text: string;
}

/** Every TypeScript file below these folders. */
export function sourceFiles(...folders: readonly string[]): SourceFile[] {
  return folders.flatMap((folder) => filesBelow(folder, ".ts"));
}

export function filesBelow(folder: string, extension: string): SourceFile[] {
  return readdirSync(join(REPOSITORY, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(extension))
    .map((entry) => join(entry.parentPath, entry.name))
    .map((path) => ({
      path: relative(REPOSITORY, path).split(sep).join("/"),
      text: readFileSync(path, "utf8"),
    }))
    .sort((a, b) => (a.path < b.path ? -1 : 1));
}

export interface ToolResult {
  readonly exitCode: number;
  readonly output: string;
}

/** Runs a tool of the repository (buf, biome), and says how it ended. Rejects only if it cannot be started. */
export function runTool(name: string, args: readonly string[], cwd = REPOSITORY): Promise<ToolResult> {
  const env = { ...process.env, PATH: `${TOOLS}${delimiter}${process.env["PATH"] ?? ""}`, NO_COLOR: "1" };
  return new Promise((resolve, reject) => {
    execFile(join(TOOLS, name), args, { cwd, env, timeout: TOOL_LIMIT_MS }, (error, stdout, stderr) => {
      const output = `${stdout}${stderr}`;
      if (error === null) resolve({ exitCode: 0, output });
      else if (typeof error.code === "number") resolve({ exitCode: error.code, output });
      else reject(error);
    });
  });
}

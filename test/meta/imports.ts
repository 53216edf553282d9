// Which room, and which folder of a room, may import which: the one table of it. Reads source text, never the file system.
import { posix } from "node:path";

/** Imports go down this list only, and not to a sibling. */
const LAYERS: readonly (readonly string[])[] = [
  ["index"],
  ["cli", "library"],
  ["flows"],
  ["swarm"],
  ["tracker", "peer", "workers"],
  ["storage", "rpc"],
  ["manifest", "address", "events"],
  ["core"],
];

/** Within a room with folders imports go down this list only. What lies beside the folders is above them, and may lend
 * them limits and types. */
const FOLDERS: Readonly<Record<string, readonly string[]>> = {
  flows: ["verifying", "downloading", "checking", "sharing", "finding", "hashing", "peers"],
  swarm: ["downloading", "neighbours", "uploading", "availability"],
  storage: ["final", "source", "part", "files"],
};

/** Beside every wire.ts: who may import generated code, for the service's descriptor. */
const MAY_USE_DESCRIPTORS: readonly string[] = [
  "src/tracker/client.ts",
  "src/tracker/server/service.ts",
  "src/tracker/server/start.ts",
];

const SPECIFIERS: readonly RegExp[] = [
  // import … from, export … from, with or without "type"
  /\b(?:import|export)\b[^;"'()]*?\bfrom\s*["']([^"']+)["']/g,
  // import "x"
  /\bimport\s*["']([^"']+)["']/g,
  // import("x"), typeof import("x")
  /\bimport\s*\(\s*["'`]([^"'`]+)["'`]/g,
  // files that workers are started from
  /\bnew URL\(\s*["'`](\.[^"'`]+\.js)["'`]/g,
];

/** Everything that `source` imports, as written. */
export function importsOf(source: string): string[] {
  const code = source.replaceAll(/^\s*\/\/.*$/gm, "").replaceAll(/\/\*[\s\S]*?\*\//g, "");
  return SPECIFIERS.flatMap((pattern) => [...code.matchAll(pattern)].map((match) => match[1] ?? ""));
}

/** Why a file below src/ must not import this; undefined if it may. */
export function importProblem(path: string, specifier: string): string | undefined {
  if (!specifier.startsWith(".")) return undefined;
  const target = posix.join(posix.dirname(path), specifier);
  const complaint = `${path} imports ${specifier}`;
  if (target.startsWith("gen/")) {
    const allowed = posix.basename(path) === "wire.ts" || MAY_USE_DESCRIPTORS.includes(path);
    return allowed ? undefined : `${complaint}: generated code is for wire.ts only`;
  }
  if (target === "package.json") return undefined;
  if (!target.startsWith("src/")) return `${complaint}: not below src/`;
  const from = roomOf(path);
  const to = roomOf(target);
  if (from === to) return folderProblem(path, target, complaint);
  const fromLayer = LAYERS.findIndex((rooms) => rooms.includes(from));
  const toLayer = LAYERS.findIndex((rooms) => rooms.includes(to));
  if (fromLayer === -1) return `${path}: the table has no room ${from}`;
  if (toLayer === -1) return `${complaint}: the table has no room ${to}`;
  if (toLayer <= fromLayer) return `${complaint}: ${from} must not import ${to}`;
  return undefined;
}

function folderProblem(path: string, target: string, complaint: string): string | undefined {
  const folders = FOLDERS[roomOf(path)];
  const from = folderOf(path);
  const to = folderOf(target);
  if (folders === undefined || from === undefined || to === undefined) return undefined;
  const unknown = [from, to].find((folder) => !folders.includes(folder));
  if (unknown !== undefined) return `${complaint}: the list has no folder ${unknown}`;
  return folders.indexOf(to) < folders.indexOf(from)
    ? `${complaint}: ${from} must not import ${to}`
    : undefined;
}

/** The folder within its room; undefined for a file that lies beside the folders. */
function folderOf(path: string): string | undefined {
  const [, , folder, file] = path.split("/");
  return file === undefined ? undefined : folder;
}

function roomOf(path: string): string {
  const [, room = ""] = path.split("/");
  return room.replace(/\.[jt]s$/, "");
}

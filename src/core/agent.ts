// The name and version under which this program introduces itself to peers and trackers.
import { readFileSync } from "node:fs";

/** This package's version. */
export const VERSION: string = readVersion();

/** "goshare/0.1.0". */
export const AGENT = `goshare/${VERSION}`;

function readVersion(): string {
  // The same path from dist/src/core and from dist/src/program, where the bundle is.
  const text = readFileSync(new URL("../../../package.json", import.meta.url), "utf8");
  const parsed: unknown = JSON.parse(text);
  return typeof parsed === "object" && parsed !== null && "version" in parsed ? String(parsed.version) : "0";
}

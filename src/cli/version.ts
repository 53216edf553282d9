// The version in package.json, which stands three folders above this file once it is compiled.
import { readFileSync } from "node:fs";

/** "0.1.0"; "unknown" if the package is not laid out as it was built. */
export function goshareVersion(): string {
  const parsed: unknown = JSON.parse(readFileSync(new URL("../../../package.json", import.meta.url), "utf8"));
  return typeof parsed === "object" &&
    parsed !== null &&
    "version" in parsed &&
    typeof parsed.version === "string"
    ? parsed.version
    : "unknown";
}

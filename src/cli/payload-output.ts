// Standard output as the place for the bytes of a file. Everything else that a command says goes elsewhere then.
import { createWriteStream, fstatSync } from "node:fs";
import type { Writable } from "node:stream";
import { GoshareError } from "../core/errors.js";
import { isTerminal } from "./render/palette.js";

/** What --output says for it. */
export const STANDARD_OUTPUT = "-";

/** The stream to write to. Throws USAGE for a terminal: what a stranger shares could do anything to it. */
export function payloadOutput(stdout: Writable): Writable {
  if (isTerminal(stdout)) {
    throw new GoshareError("USAGE", "--output - writes to standard output, which is a terminal", {
      hint: "pipe it into a program, or name a folder with --output DIR",
    });
  }
  if (!("fd" in stdout) || typeof stdout.fd !== "number") return stdout;
  // As big integers, since Node takes the numbers of the latest other call for those of any path that realpathSync knows
  // already: after one that said FIFO, modules were looked for behind links that were not followed, and not found.
  const stats = fstatSync(stdout.fd, { bigint: true });
  if (stats.isFIFO() || stats.isSocket()) return stdout;
  // Node's own stream for a file does not notice that only a part of what it was given has been written, and the one
  // for a device writes nothing at all.
  return createWriteStream("", { fd: stdout.fd, autoClose: false });
}

// Standard output as the place for the bytes of a file. Everything else that the command says then goes elsewhere.
import { createWriteStream, fstatSync } from "node:fs";
import type { Writable } from "node:stream";
import { GoshareError } from "../core/errors.js";
import { isTerminal } from "./render/palette.js";

/** The value of --output that stands for it. */
export const STANDARD_OUTPUT = "-";

/** The stream to write to. Throws USAGE for a terminal: what a stranger shares could do anything to it. */
export function payloadOutput(stdout: Writable): Writable {
  if (isTerminal(stdout)) {
    throw new GoshareError("USAGE", "--output - writes to standard output, which is a terminal", {
      hint: "pipe it into a program, or name a folder with --output DIR",
    });
  }
  if (!("fd" in stdout) || typeof stdout.fd !== "number") return stdout;
  // With big integers: for any path that realpathSync already knows, Node takes the numbers that the latest call
  // without them has left. After one that said FIFO, Node did not follow links, and so did not find the modules behind
  // them.
  const stats = fstatSync(stdout.fd, { bigint: true });
  if (stats.isFIFO() || stats.isSocket()) return stdout;
  // Node's own stream for a file does not notice when only a part of what it was given has been written, and the one
  // for a device writes nothing at all.
  return createWriteStream("", { fd: stdout.fd, autoClose: false });
}

// What to download, if it is not on the command line: a ticket from standard input or from the environment, where it
// appears neither in the shell's history nor in the list of processes. Knows where a ticket ends, not what it holds.
import { addAbortSignal, type Readable } from "node:stream";
import { GoshareError } from "../core/errors.js";
import { KIB } from "../core/units.js";
import { TICKET_VARIABLE } from "./option-table.js";
import { isTerminal } from "./render/palette.js";
import type { Session } from "./session.js";

/** Stands for what is on standard input. */
const FROM_STDIN = "-";

/** As long as a path may be; a ticket is shorter, however many lines it is broken into. */
const MAX_LINE_BYTES = 4 * KIB;

const NEWLINE = 10;

const HINT = "see: goshare download --help";

export interface TicketSurroundings {
  readonly stdin: Readable;
  readonly env: Readonly<NodeJS.ProcessEnv>;
}

/** What is to be downloaded: what is `given`, else what the environment names. Throws USAGE if that is nothing. */
export async function whatToDownload(
  given: readonly string[],
  { stdin, env }: TicketSurroundings,
  session: Session,
): Promise<readonly string[]> {
  if (given.length === 0) {
    const fromEnvironment = env[TICKET_VARIABLE]?.trim() ?? "";
    if (fromEnvironment !== "") return [fromEnvironment];
    throw new GoshareError(
      "USAGE",
      `nothing to download: no WHAT is given, and ${TICKET_VARIABLE} is not set`,
      {
        hint: HINT,
      },
    );
  }
  const places = given.filter((what) => what === FROM_STDIN).length;
  if (places === 0) return given;
  if (places > 1) throw new GoshareError("USAGE", "- is given more than once", { hint: HINT });
  if (isTerminal(stdin)) session.tell("paste the ticket and press Enter");
  const read = await whatIn(stdin, session);
  return given.map((what) => (what === FROM_STDIN ? read : what));
}

/** Reads `stream`, which is closed afterwards, up to the end of its first line, or of the line in which a ticket ends
 * that begins in the first: one is easily broken when it is copied. Throws USAGE if there is none, or a very long one. */
async function whatIn(stream: Readable, session: Session): Promise<string> {
  const { isWholeTicket, looksLikeTicket, withoutCommand } = await import("../address/ticket.js");
  let first: string | undefined;
  for await (const text of textsUpToLines(stream, session.signal)) {
    const what = text.trim();
    if (first === undefined && what === "") break;
    first ??= what;
    if (!looksLikeTicket(withoutCommand(what))) return first;
    if (isWholeTicket(withoutCommand(what))) return what;
    const isOver = /\n\s*\n$/.test(text) || /[^a-z0-9\s]/i.test(what);
    if (isOver) break;
    if (isTerminal(stream)) session.tell("the ticket is not complete: paste the rest, or press Enter again");
  }
  if (first !== undefined) return first;
  throw new GoshareError("USAGE", "there is no ticket on standard input", {
    hint: "for example: goshare download - < ticket.txt",
  });
}

/** What `stream` holds up to the end of each of its lines in turn, within MAX_LINE_BYTES. Throws USAGE if its first line
 * is longer. */
async function* textsUpToLines(stream: Readable, signal: AbortSignal): AsyncIterable<string> {
  let read = Buffer.alloc(0);
  for await (const chunk of addAbortSignal(signal, stream)) {
    const seen = read.length;
    read = Buffer.concat([read, Buffer.from(chunk)]).subarray(0, MAX_LINE_BYTES + 1);
    for (let end = read.indexOf("\n", seen); end !== -1; end = read.indexOf("\n", end + 1))
      yield read.toString("utf8", 0, end + 1);
    if (read.length <= MAX_LINE_BYTES) continue;
    if (read.includes("\n")) return;
    throw new GoshareError(
      "USAGE",
      `the first line of standard input has more than ${MAX_LINE_BYTES} bytes`,
      { hint: "it should be just a ticket (goshare1…)" },
    );
  }
  if (read.at(-1) !== NEWLINE) yield read.toString("utf8");
}

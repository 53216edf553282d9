// What to download, if it is not on the command line: a ticket from standard input or from the environment, where it
// appears neither in the shell's history nor in the list of processes. Understands no ticket.
import { addAbortSignal, type Readable } from "node:stream";
import { GoshareError } from "../core/errors.js";
import { KIB } from "../core/units.js";
import { TICKET_VARIABLE } from "./option-table.js";
import { isTerminal } from "./render/palette.js";
import type { Session } from "./session.js";

/** Stands for the first line of standard input. */
const FROM_STDIN = "-";

/** As long as a path may be; a ticket is shorter. */
const MAX_LINE_BYTES = 4 * KIB;

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
  const line = await firstLine(stdin, session.signal);
  return given.map((what) => (what === FROM_STDIN ? line : what));
}

/** The first line of `stream`, which is closed afterwards. Throws USAGE if there is none, or a very long one. */
async function firstLine(stream: Readable, signal: AbortSignal): Promise<string> {
  const read: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of addAbortSignal(signal, stream)) {
    const more = Buffer.from(chunk);
    const end = more.indexOf("\n");
    const wanted = end === -1 ? more : more.subarray(0, end);
    bytes += wanted.byteLength;
    if (bytes > MAX_LINE_BYTES) {
      throw new GoshareError(
        "USAGE",
        `the first line of standard input has more than ${MAX_LINE_BYTES} bytes`,
        {
          hint: "it should be just a ticket (goshare1…)",
        },
      );
    }
    read.push(wanted);
    if (end !== -1) break;
  }
  const line = Buffer.concat(read).toString("utf8").trim();
  if (line !== "") return line;
  throw new GoshareError("USAGE", "there is no ticket on standard input", {
    hint: "for example: goshare download - < ticket.txt",
  });
}

// The one error class of goshare and the table of its codes: who is to blame, and with what exit code a
// command ends when nothing else helped. Never formats for a terminal, never knows a flow.
import * as os from "node:os";

/** Who caused an error, which decides the reaction: peer → drop it and ask elsewhere; tracker → ask another;
 * local → stop; user → one line and a hint. */
export type Blame = "user" | "peer" | "tracker" | "local";

/** Exit codes of every command. They never change meaning; unknown non-zero codes are failures. */
export const EXIT = {
  ok: 0,
  other: 1,
  usage: 2,
  notFound: 3,
  network: 4,
  integrity: 5,
  disk: 6,
  incomplete: 7,
  bug: 70,
  sighup: 129,
  sigint: 130,
  sigterm: 143,
} as const;

interface CodeEntry {
  readonly blame: Blame;
  readonly exitCode: number;
  /** What the code means, for docs/errors.md and for readers of `--json`. */
  readonly meaning: string;
}

const entry = (blame: Blame, exitCode: number, meaning: string): CodeEntry => ({ blame, exitCode, meaning });

/** Every error code. docs/errors.md is this table; a test compares them. */
export const ERROR_CODES = {
  USAGE: entry("user", EXIT.usage, "The command line is wrong, or the value of an option is not valid."),
  NEWER_FORMAT: entry(
    "user",
    EXIT.usage,
    "A manifest, ticket, .goshare file or peer was made by a newer goshare.",
  ),
  TICKET_INVALID: entry(
    "user",
    EXIT.usage,
    "A ticket has a typing error, was cut short, or holds something that no ticket may hold.",
  ),
  MANIFEST_FILE_INVALID: entry(
    "user",
    EXIT.usage,
    "A .goshare file is damaged, cut short or not a .goshare file at all.",
  ),
  MANIFEST_INVALID: entry(
    "peer",
    EXIT.integrity,
    "A manifest breaks the rules of its format or does not match its content id.",
  ),
  LIMIT_EXCEEDED: entry(
    "user",
    EXIT.other,
    "A share is larger than the format allows, or a list is too long.",
  ),
  SOURCE_UNREADABLE: entry("user", EXIT.disk, "A path to share or verify does not exist or cannot be read."),
  SOURCE_UNSUPPORTED: entry(
    "user",
    EXIT.other,
    "A path to share is neither a file nor a folder, or has a name that cannot be shared.",
  ),
  SOURCE_CHANGED: entry("user", EXIT.other, "A file has changed since it was hashed."),
  CONTENT_NOT_FOUND: entry("user", EXIT.notFound, "No tracker and no peer knows the content id."),
  NO_PEERS: entry("user", EXIT.notFound, "Nobody who has the share could be reached."),
  PROBLEM_FOUND: entry(
    "user",
    EXIT.other,
    "doctor found something that keeps goshare from working properly.",
  ),
  DOWNLOAD_NOT_FOUND: entry(
    "user",
    EXIT.notFound,
    "No unfinished download has that name, or more than one has; or there is no such folder.",
  ),
  PEER_UNREACHABLE: entry(
    "peer",
    EXIT.network,
    "A peer did not accept a connection or did not answer in time.",
  ),
  PEER_PROTOCOL: entry("peer", EXIT.network, "A peer broke a rule of the protocol."),
  PEER_REFUSED: entry("peer", EXIT.network, "A peer refused a request."),
  PEER_SELF: entry("peer", EXIT.network, "An address that was dialled leads back to the same process."),
  PEER_CLOSED: entry("peer", EXIT.network, "A peer ended the connection."),
  TRACKER_UNREACHABLE: entry("tracker", EXIT.network, "A tracker did not answer in time."),
  TRACKER_REFUSED: entry("tracker", EXIT.network, "A tracker refused a call."),
  TRACKER_PROTOCOL: entry("tracker", EXIT.network, "A tracker sent an answer that no tracker may send."),
  STORE_UNAVAILABLE: entry("local", EXIT.network, "The store of a tracker cannot be used."),
  ADDRESS_IN_USE: entry(
    "user",
    EXIT.network,
    "The address to listen on is taken, or is not one of this machine's.",
  ),
  DIGEST_MISMATCH: entry("peer", EXIT.integrity, "A peer sent bytes that do not match their digest."),
  CONTENT_DIFFERS: entry("user", EXIT.integrity, "What was verified is not what was shared."),
  TARGET_EXISTS: entry(
    "user",
    EXIT.disk,
    "Something else already has the name of the download or the .goshare file.",
  ),
  TARGET_BUSY: entry("user", EXIT.disk, "Another process is downloading to the same place."),
  STORE_BUSY: entry("user", EXIT.disk, "Another tracker is keeping its state in the same folder."),
  TARGET_NAME_UNSUPPORTED: entry("user", EXIT.disk, "This machine's disk cannot hold a name in the share."),
  PART_UNUSABLE: entry(
    "user",
    EXIT.disk,
    "What an earlier download left behind belongs to another share or is damaged.",
  ),
  PART_CHANGED: entry(
    "local",
    EXIT.disk,
    "Something else changed a download before it was complete; the same command checks all of it again.",
  ),
  DISK_FULL: entry("local", EXIT.disk, "There is no space left for a file."),
  DISK_FAILED: entry("local", EXIT.disk, "A file could not be read or written."),
  SYNC_FAILED: entry(
    "local",
    EXIT.disk,
    "The disk did not confirm what was written; none of it is relied on, and it is fetched again.",
  ),
  PERMISSION_DENIED: entry("local", EXIT.disk, "The process is not allowed to read or write there."),
  INCOMPLETE: entry(
    "user",
    EXIT.incomplete,
    "A download stopped before it was complete; the same command resumes it.",
  ),
  INTERRUPTED: entry("user", EXIT.sigint, "The command was interrupted by a signal."),
  BUG: entry("local", EXIT.bug, "Something happened that should not be possible. Please report it."),
} as const satisfies Record<string, CodeEntry>;

export type ErrorCode = keyof typeof ERROR_CODES;

export interface ErrorDetails {
  /** What to do next, one sentence or command; shown to people. */
  readonly hint?: string | undefined;
  /** What led to it. */
  readonly cause?: unknown;
  /** Overrides the exit code of the table (for a signal other than SIGINT). */
  readonly exitCode?: number | undefined;
}

/** What happened, to what, and what to do next. `message` is one sentence without a full stop. */
export class GoshareError extends Error {
  override readonly name = "GoshareError";
  readonly code: ErrorCode;
  readonly hint: string;
  readonly exitCode: number;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, { cause: details.cause });
    this.code = code;
    this.hint = details.hint ?? "";
    this.exitCode = details.exitCode ?? ERROR_CODES[code].exitCode;
  }

  get blame(): Blame {
    return ERROR_CODES[this.code].blame;
  }

  /** Anything thrown, as a GoshareError: itself, a file system error by its errno, or a BUG with its cause. */
  static from(thrown: unknown): GoshareError {
    if (thrown instanceof GoshareError) return thrown;
    const errno = errnoOf(thrown);
    if (thrown instanceof Error && errno !== undefined && isOfFileSystem(thrown, errno))
      return fileSystemError(
        errno,
        thrown.message.replace(UNKNOWN_PREFIX, `${shownErrno(thrown, errno)}:`),
        thrown,
      );
    if (errno === "" && thrown instanceof Error)
      return fileSystemError(errno, thrown.message.replace(NAMELESS_PREFIX, ""), thrown);
    const message = thrown instanceof Error ? thrown.message : String(thrown);
    return new GoshareError("BUG", `unexpected: ${message}`, { cause: thrown });
  }
}

/** The errno names and numbers of this system, and those of Linux that Node does not list. */
const ERRNO_NAMES: readonly (readonly [string, number])[] = [
  ...Object.entries(os.constants.errno),
  ["EUCLEAN", 117],
  ["EREMOTEIO", 121],
];

const DISK_ERRNOS: Readonly<Record<string, ErrorCode>> = {
  ENOSPC: "DISK_FULL",
  EDQUOT: "DISK_FULL",
  EFBIG: "DISK_FULL",
  EACCES: "PERMISSION_DENIED",
  EPERM: "PERMISSION_DENIED",
  EROFS: "PERMISSION_DENIED",
  EIO: "DISK_FAILED",
  EREMOTEIO: "DISK_FAILED",
  EUCLEAN: "DISK_FAILED",
  ESTALE: "DISK_FAILED",
  ENODEV: "DISK_FAILED",
  ENXIO: "DISK_FAILED",
  EMFILE: "DISK_FAILED",
  ENFILE: "DISK_FAILED",
  ENOENT: "DISK_FAILED",
  ENOTDIR: "DISK_FAILED",
  EISDIR: "DISK_FAILED",
  ELOOP: "DISK_FAILED",
  EEXIST: "DISK_FAILED",
  ENOTEMPTY: "DISK_FAILED",
  EBUSY: "DISK_FAILED",
  EXDEV: "DISK_FAILED",
  ENAMETOOLONG: "TARGET_NAME_UNSUPPORTED",
};

/** What a file system fails with only if goshare asks for something wrong. */
const OWN_MISTAKES: readonly string[] = ["EBADF", "EFAULT"];

/** What a file system fails with if it does not know what is asked for, such as links or modes. */
export const UNSUPPORTED_ERRNOS = ["ENOTSUP", "EOPNOTSUPP", "ENOSYS"] as const;

/** What making a link, hard or symbolic, fails with on a disk that has none. */
export const NO_LINKS_ERRNOS = ["EPERM", "EINVAL", ...UNSUPPORTED_ERRNOS] as const;

/** What to do about a failure of the file system, whatever the command; a command that knows more says more. */
export const DISK_HINTS: Partial<Record<ErrorCode, string>> = {
  DISK_FULL: "free some space and run the same command again",
  DISK_FAILED: "check the path and the disk, or use another folder",
  PERMISSION_DENIED: "check its owner and mode, and whether the disk is read-only",
  SYNC_FAILED: "check the disk; the same command fetches again what was written to it",
  TARGET_NAME_UNSUPPORTED:
    "choose a shorter path or, if a single name is too long, another name or another disk",
};

/** For errnos that say more than their code. */
const ERRNO_HINTS: Readonly<Record<string, string>> = {
  EFBIG: "use a disk, and a limit (ulimit -f), that allow files as large as that",
  EMFILE: "raise the limit on open files per process (ulimit -n)",
  ENFILE: "raise this machine's limit on open files, or stop whatever has many open",
};

/** The code for a file system errno name such as "ENOSPC"; undefined if it is none. */
export function diskErrorCode(errno: string): ErrorCode | undefined {
  return DISK_ERRNOS[errno];
}

/** Network file systems and those of programs (FUSE) fail with whatever their servers or authors have chosen, ETIMEDOUT
 * or ENOTSUP for instance, so no list has all of it. Node begins the message of their errors with the errno, and that
 * of a socket's with the call. */
function isOfFileSystem({ message }: Error, errno: string): boolean {
  if (diskErrorCode(errno) !== undefined) return true;
  return !OWN_MISTAKES.includes(errno) && FILE_SYSTEM_PREFIX.test(message);
}

/** A file system failure as a GoshareError; `message` is Node's own, which names the call and the path. */
export function fileSystemError(errno: string, message: string, cause?: unknown): GoshareError {
  const code = diskErrorCode(errno) ?? "DISK_FAILED";
  return new GoshareError(code, message, { cause, hint: ERRNO_HINTS[errno] ?? DISK_HINTS[code] });
}

/** `thrown` as a GoshareError that names `place`: Node does so only for calls that are given a path. */
export function errorAt(thrown: unknown, place: string): GoshareError {
  const error = GoshareError.from(thrown);
  const { code, message, hint } = error;
  if (error === thrown || code === "BUG" || message.endsWith("'")) return error;
  return new GoshareError(code, `${message} '${place}'`, { hint, cause: thrown });
}

/** Why a path could not be read, and what to do about it, in words that follow the path. */
export function readProblem(thrown: unknown): { readonly reason: string; readonly hint: string } {
  if (isErrno(thrown, "ENOENT")) return { reason: "it does not exist", hint: "check the path" };
  if (isErrno(thrown, "ENOTDIR")) {
    return { reason: "it is not a folder, or is inside something that is not one", hint: "check the path" };
  }
  if (isErrno(thrown, "ENAMETOOLONG"))
    return { reason: "its path, or a name in it, is too long", hint: "check the path" };
  const hint = "check its owner and mode, and the disk";
  if (isErrno(thrown, "EACCES", "EPERM")) return { reason: "permission denied", hint };
  return { reason: thrown instanceof Error ? thrown.message : String(thrown), hint };
}

/** How Node begins the message of a file system error. */
const FILE_SYSTEM_PREFIX = /^(E[A-Z0-9]+|UNKNOWN|Unknown system error -\d+): /;

/** How Node begins the message of an error whose number it has no name for, thrown at once or later. */
const UNKNOWN_PREFIX = /^(UNKNOWN: unknown error|Unknown system error -\d+: Unknown system error -\d+),/;
/** And the code it gives them. */
const UNKNOWN_CODE = /^(UNKNOWN|Unknown system error -\d+)$/;

/** How rmSync, from Node 24 on, begins the message of most of its errors: they have neither code nor number, only the
 * system's words. */
const NAMELESS_PREFIX = /^, Unknown error: /;

/** The errno name of a Node system error such as "ENOSPC"; undefined for anything else. Node calls some UNKNOWN, such
 * as a quota that is used up (EDQUOT). */
export function errnoOf(thrown: unknown): string | undefined {
  if (!(thrown instanceof Error && "code" in thrown && typeof thrown.code === "string")) return undefined;
  if (!UNKNOWN_CODE.test(thrown.code) || !("errno" in thrown)) return thrown.code;
  return ERRNO_NAMES.find(([, number]) => number === -Number(thrown.errno))?.[0] ?? "UNKNOWN";
}

/** The name, or for an error without one here its number, which people can look up. */
function shownErrno(thrown: Error, errno: string): string {
  return errno === "UNKNOWN" && "errno" in thrown ? `error ${-Number(thrown.errno)}` : errno;
}

/** Whether `thrown` is a Node system error with one of these errno names. */
export function isErrno(thrown: unknown, ...errnos: readonly string[]): boolean {
  const errno = errnoOf(thrown);
  return errno !== undefined && errnos.includes(errno);
}

/** NEWER_FORMAT: `what` has a format that is not known here. */
export function newerFormat(what: string, format: number): GoshareError {
  return new GoshareError("NEWER_FORMAT", `${what} has format ${format}, made by a newer goshare`, {
    hint: "install a newer goshare",
  });
}

// docs/errors.md, from the table of error codes and the exit codes. Run by hand to write it:
// `node dist/test/meta/write-docs.js`.
import { ERROR_CODES, EXIT } from "../../src/core/errors.js";

const EXIT_MEANINGS: { readonly [K in keyof typeof EXIT]: string } = {
  ok: "The command did what it was asked to, or was told to stop and did.",
  other: "Another failure.",
  usage: "The command line was wrong, or something was made by a newer goshare.",
  notFound: "Nobody knows the content id, or nobody has it.",
  network: "Network or tracker.",
  integrity: "Bytes are not what they should be.",
  disk: "Disk, permission, or something in the way.",
  incomplete: "Not all of it is there; the same command resumes it.",
  bug: "A bug in goshare.",
  sighup: "Interrupted because the terminal was closed (SIGHUP); what is verified is kept.",
  sigint: "Interrupted by Ctrl-C; what is verified is kept.",
  sigterm: "Interrupted by SIGTERM; what is verified is kept.",
};

const BLAME_MEANINGS = {
  user: "what was asked for",
  peer: "a peer",
  tracker: "a tracker",
  local: "this machine",
} as const;

export function errorsPage(): string {
  const exits = Object.entries(EXIT)
    .sort(([, a], [, b]) => a - b)
    .flatMap(([name, code]) => (isExitName(name) ? [`| ${code} | ${EXIT_MEANINGS[name]} |`] : []));
  const codes = Object.entries(ERROR_CODES).map(
    ([code, { exitCode, blame, meaning }]) =>
      `| \`${code}\` | ${exitCode} | ${BLAME_MEANINGS[blame]} | ${meaning} |`,
  );
  return [
    "# Errors and exit codes",
    "",
    "Generated from `src/core/errors.ts` by `pnpm write-docs`; a test compares them.",
    "",
    "With `--json`, a command that fails prints, as its last line, a `failed` event with a code from the table below,",
    "the exit code, a message and often a hint. Without it, the message and the hint go to stderr.",
    "",
    "## Exit codes",
    "",
    "Their meanings never change. Treat unknown codes other than 0 as failures.",
    "",
    "| Exit code | Meaning |",
    "|---|---|",
    ...exits,
    "",
    "## Codes",
    "",
    "Codes are never renamed; new ones may be added. They appear in `failed`, `warning` and `peerDisconnected` events.",
    "",
    "| Code | Exit code | Cause | Meaning |",
    "|---|---|---|---|",
    ...codes,
    "",
  ].join("\n");
}

function isExitName(name: string): name is keyof typeof EXIT {
  return name in EXIT;
}

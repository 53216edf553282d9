// Words as a POSIX shell reads them back, for command lines that people are to copy. Runs nothing.

const PLAIN_WORD = /^[\w@%+=:,./-]+$/;

/** `goshare` and these arguments in one line. */
export function goshareCommand(argv: readonly string[]): string {
  return ["goshare", ...argv].map(shellQuote).join(" ");
}

export function shellQuote(word: string): string {
  return PLAIN_WORD.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

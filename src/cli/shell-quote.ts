// Words as a POSIX shell reads them back, for command lines that people are to copy. Runs nothing.

const PLAIN_WORD = /^[\w@%+=:,./-]+$/;

/** `goshare` and these arguments in one line. */
export function goshareCommand(argv: readonly string[]): string {
  return ["goshare", ...argv].map(shellQuote).join(" ");
}

export function shellQuote(word: string): string {
  return PLAIN_WORD.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

/** A path that no command takes for an option, nor for standard input or output. */
export function pathArgument(path: string): string {
  return path.startsWith("-") ? `./${path}` : path;
}

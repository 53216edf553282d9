// Characters that no name from another machine may hold, for manifests and tickets alike, and how such a
// name is shown in a message. Never repairs a name.

/** Control and bidirectional formatting characters (proto/goshare/v1/manifest.proto, FileEntry.path). */
function isForbiddenCode(code: number): boolean {
  if (code < 0x20) return true;
  if (code < 0x7f) return false;
  return (
    code <= 0x9f ||
    code === 0x061c ||
    code === 0x200e ||
    code === 0x200f ||
    (code >= 0x202a && code <= 0x202e) ||
    (code >= 0x2066 && code <= 0x2069)
  );
}

const LONE_SURROGATE = /\p{Surrogate}/u;

/** What is wrong with the characters of `text`, as "holds …"; undefined if nothing is. */
export function characterProblem(text: string): string | undefined {
  let mayHoldSurrogates = false;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code < 0x7f && code >= 0x20) continue;
    if (isForbiddenCode(code)) return `holds the character ${codePointName(code)}`;
    if (code >= 0xd800 && code <= 0xdfff) mayHoldSurrogates = true;
  }
  return mayHoldSurrogates && LONE_SURROGATE.test(text) ? "is not valid Unicode" : undefined;
}

/** Longest text quoted in a message, in UTF-16 units. */
const MAX_QUOTED_LENGTH = 300;

/** `text` from another machine in quotes, for a message: cut where long, forbidden characters spelled out. */
export function quoted(text: string): string {
  const shown = text.length > MAX_QUOTED_LENGTH ? `${text.slice(0, MAX_QUOTED_LENGTH)}…` : text;
  let safe = "";
  for (const character of shown) {
    const code = character.codePointAt(0) ?? 0;
    safe += isForbiddenCode(code) || LONE_SURROGATE.test(character) ? `<${codePointName(code)}>` : character;
  }
  return `"${safe}"`;
}

/** The beginning of `text` that takes at most `maxBytes` in UTF-8, cut between two characters. */
export function cutToBytes(text: string, maxBytes: number): string {
  let bytes = 0;
  let end = 0;
  for (const character of text) {
    bytes += Buffer.byteLength(character);
    if (bytes > maxBytes) break;
    end += character.length;
  }
  return text.slice(0, end);
}

function codePointName(code: number): string {
  return `U+${code.toString(16).toUpperCase().padStart(4, "0")}`;
}

// JSON.stringify escapes C0 controls only; DEL, C1 and direction marks reach a terminal if the line does. All
// of them stand inside strings, where an escape means the same character.
const STEERS_TERMINALS = /[\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

/** A line of JSON in which nothing steers a terminal. */
export function escapeSteering(json: string): string {
  return json.replace(STEERS_TERMINALS, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

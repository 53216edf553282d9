// Names one of several downloads or shares of a command by what is known of it: errors do not say to which they belong.
// Prints nothing.
import { basename } from "node:path";
import { GoshareError } from "../core/errors.js";
import type { ContentId } from "../core/ids.js";
import { type EventObserver, type GoshareEvent, withDetails } from "../events/event.js";

/** How much of a ticket is shown if nothing better names a download. */
const MAX_NAME_CHARACTERS = 24;

export class OneOfSeveral {
  readonly observe: EventObserver;
  readonly #observe: EventObserver;
  #name: string;
  #contentId: ContentId | "" = "";

  constructor(what: string, observe: EventObserver) {
    const name = basename(what);
    this.#name = name.length > MAX_NAME_CHARACTERS ? `${name.slice(0, MAX_NAME_CHARACTERS)}…` : name;
    this.#observe = observe;
    const { detail } = observe;
    this.observe = withDetails(
      (event) => this.#take(event),
      detail && ((topic, text) => detail(topic, `${this.#name}: ${text}`)),
    );
  }

  /** Replaces what was given by the name of the share. */
  named(name: string): void {
    this.#name = name;
  }

  #take(event: GoshareEvent): void {
    if (event.type === "sharing") this.named(event.name);
    if (event.type === "downloading" || event.type === "waiting" || event.type === "sharing")
      this.#contentId = event.contentId;
    this.#observe(event);
  }

  /** Reports a failure; returns the error with the name in it. */
  failed({ code, exitCode, message, hint, cause }: GoshareError): GoshareError {
    const named = new GoshareError(code, `${this.#name}: ${message}`, { hint, exitCode, cause });
    const contentId = this.#contentId;
    this.#observe({ type: "failed", code, exitCode, message: named.message, hint, contentId });
    return named;
  }
}

/** One error for all of them, made from the first failure; undefined if there was none. `nouns`: what they are. */
export function failureOfSeveral(
  failures: readonly GoshareError[],
  count: number,
  nouns: "downloads" | "shares",
): GoshareError | undefined {
  const [first] = failures;
  if (first === undefined) return undefined;
  const { code, message, hint, exitCode } = first;
  const which = failures.length === 1 ? "" : "the first: ";
  return new GoshareError(code, `${failures.length} of ${count} ${nouns} failed; ${which}${message}`, {
    ...{ hint, exitCode, cause: first },
  });
}

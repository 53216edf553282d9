// --verbose: says what goes on, in lines with the time of day, for whoever looks for a fault. Only adds lines.
// Everything is escaped here: addresses, names and what others say of themselves come from anywhere.
import type { Writable } from "node:stream";
import { isUnread } from "../../core/unread.js";
import type { DetailObserver } from "../../events/event.js";
import { folded } from "./fold.js";
import { printable } from "./printable.js";

const TOPIC_CELLS = 8;

export function detailLines(stderr: Writable): DetailObserver {
  return (topic, text) => {
    if (isUnread(stderr)) return;
    const line = `${timeOfDay(new Date())} ${topic.padEnd(TOPIC_CELLS)}${printable(text)}`;
    stderr.write(`${folded(stderr, line)}\n`);
  };
}

/** "14:03:22.105", as the clock on the wall shows it. */
function timeOfDay(now: Date): string {
  const two = (value: number) => String(value).padStart(2, "0");
  const clock = [now.getHours(), now.getMinutes(), now.getSeconds()].map(two).join(":");
  return `${clock}.${String(now.getMilliseconds()).padStart(3, "0")}`;
}

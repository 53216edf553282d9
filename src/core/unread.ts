// How much may wait for a reader that takes nothing any more: a program that starts goshare and leaves its pipe alone, or a
// log whose disk stands still. Pipes keep 64 KiB of it, Node keeps the rest.
import type { Writable } from "node:stream";
import { MIB } from "./units.js";

const MAX_UNREAD_BYTES = MIB;

/** Whether so much waits that nothing should be added that another line will say again, or that anybody who connects could
 * make happen: whoever reads for a while and then no more must not cost the process its memory. */
export function isUnread(stream: Writable): boolean {
  return stream.writableLength > MAX_UNREAD_BYTES;
}

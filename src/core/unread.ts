// How much output may wait for a reader that has stopped reading: a program that starts goshare and ignores its pipe,
// or a log on a disk that hangs. The pipe keeps 64 KiB of it, Node keeps the rest.
import type { Writable } from "node:stream";
import { MIB } from "./units.js";

const MAX_UNREAD_BYTES = MIB;

/** Whether so much waits that nothing should be added that another line will repeat, or that anybody who connects could
 * cause: a reader that stops must not cost the process its memory. */
export function isUnread(stream: Writable): boolean {
  return stream.writableLength > MAX_UNREAD_BYTES;
}

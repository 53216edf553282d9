// A line that --json printed, read by the proto, as strictly as a program in another language would read it.
import { fromJsonString } from "@bufbuild/protobuf";
import { EventSchema } from "../../gen/goshare/v1/event_pb.js";

export type JsonBody = Readonly<Record<string, unknown>>;
export type JsonEvent = Readonly<Record<string, JsonBody | undefined>>;

/** The one key of the result is what happened. Throws for anything that is no goshare.v1.Event, or has a field that the
 * proto does not name. */
export function parseEventLine(line: string): JsonEvent {
  if (fromJsonString(EventSchema, line).event.case === undefined)
    throw new Error(`${line} says of nothing that it happened`);
  return JSON.parse(line);
}

// A line that --json printed, read as strictly as a program in another language would read it: by the proto.
import { fromJsonString } from "@bufbuild/protobuf";
import { EventSchema } from "../../gen/goshare/v1/event_pb.js";

export type JsonBody = Readonly<Record<string, unknown>>;
export type JsonEvent = Readonly<Record<string, JsonBody | undefined>>;

/** Its one key is what happened. Throws for what is no goshare.v1.Event, or has a field that the proto does not name. */
export function parseEventLine(line: string): JsonEvent {
  if (fromJsonString(EventSchema, line).event.case === undefined)
    throw new Error(`${line} says of nothing that it happened`);
  return JSON.parse(line);
}

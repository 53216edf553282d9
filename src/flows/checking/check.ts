// What a check of doctor says. Types only.
import type { FindingEvent } from "../../events/finding-event.js";

export type Check = Omit<Extract<FindingEvent, { type: "checked" }>, "type">;

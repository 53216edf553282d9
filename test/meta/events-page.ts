// docs/events.md, from event.proto and its comments, with examples that the program's own encoder writes. Run by hand to
// write it: `node dist/test/meta/write-docs.js`.
import { type DescEnum, type DescField, type DescMessage, ScalarType } from "@bufbuild/protobuf";
import type { GoshareEvent } from "../../src/events/event.js";
import { eventLine } from "../../src/events/wire.js";
import { SAMPLE_EVENTS } from "../events/sample-events.js";
import { DocumentedProtos } from "./documented-protos.js";

const FILE = "goshare/v1/event.proto";

/** Events that are the last line of a command. */
const LAST = ["done", "stopped", "failed"];

export async function eventsPage(): Promise<string> {
  const protos = await DocumentedProtos.read();
  const event = protos.message("goshare.v1.Event");
  const parts = new Map<string, DescMessage | DescEnum>();
  const sections = event.fields.flatMap((field) => eventSection(protos, event, field, parts));
  return [
    "# Events",
    "",
    `Generated from \`proto/${FILE}\` by \`pnpm write-docs\`; a test compares them.`,
    "",
    protos.commentOfFile(FILE),
    "",
    "Each line is an object with one key, which says what happened. `goshare resume` prints the same events as `download`.",
    "",
    ...endingLines(),
    "## All events",
    "",
    "| Event | When (from which command) |",
    "|---|---|",
    ...event.fields.map(
      (field) =>
        `| [\`${field.jsonName}\`](#${field.jsonName.toLowerCase()}) | ${cell(protos.commentOfMember(event, field.name))} |`,
    ),
    "",
    ...sections,
    "## Types of fields",
    "",
    ...partSections(protos, parts),
  ].join("\n");
}

function endingLines(): readonly string[] {
  return [
    "## The last line",
    "",
    "| Last line | Exit code | What it means |",
    "|---|---|---|",
    "| `done` | 0 | The command reached its end. |",
    "| `stopped` | 0 | It serves until it is told to stop, and it was; or its reader has gone away. |",
    "| `failed` | `exitCode` | It did not reach its end. [errors.md](errors.md) lists every `code`. |",
    "",
    "It is printed after Ctrl-C, SIGTERM, SIGHUP and a crash as well. If it is missing, the process was killed: that is a failure.",
    "",
  ];
}

function eventSection(
  protos: DocumentedProtos,
  event: DescMessage,
  field: DescField,
  parts: Map<string, DescMessage | DescEnum>,
): readonly string[] {
  const { message, jsonName } = field;
  if (!message) throw new Error(`${jsonName} is no message`);
  const when = protos.commentOfMember(event, field.name);
  // It may begin with what was said at the event.
  const said = when.replace(/ \([^()]*\)\.$/, ".");
  const more = protos.commentOf(message);
  const rest = (more.startsWith(said) ? more.slice(said.length) : more).trim();
  return [
    `### ${jsonName}`,
    "",
    when,
    ...(rest === "" || when.startsWith(rest.slice(0, -1)) ? [] : [rest]),
    ...(LAST.includes(jsonName) ? ["It is a last line."] : []),
    "",
    ...fieldTable(protos, message, parts),
    "",
    "```json",
    eventLine(sampleOf(jsonName)),
    "```",
    "",
  ];
}

function sampleOf(jsonName: string): GoshareEvent {
  const sample = Object.values(SAMPLE_EVENTS).find(({ type }) => type === jsonName);
  if (sample === undefined) throw new Error(`there is no example of ${jsonName}`);
  return sample;
}

function partSections(
  protos: DocumentedProtos,
  parts: Map<string, DescMessage | DescEnum>,
): readonly string[] {
  const lines: string[] = [];
  // Grows while it is gone through: a part may hold parts.
  for (const [name, type] of parts) {
    lines.push(`### ${name}`, "", protos.commentOf(type), "");
    lines.push(...(type.kind === "enum" ? valueTable(protos, type) : fieldTable(protos, type, parts)), "");
  }
  return lines;
}

function fieldTable(
  protos: DocumentedProtos,
  message: DescMessage,
  parts: Map<string, DescMessage | DescEnum>,
): readonly string[] {
  return [
    "| Field | Type | Meaning |",
    "|---|---|---|",
    ...message.fields.map((field) => {
      const type = field.message ?? field.enum;
      if (type) parts.set(type.name, type);
      const meaning = protos.commentOfMember(message, field.name);
      return `| \`${field.jsonName}\` | ${typeText(field)} | ${cell(meaning)} |`;
    }),
  ];
}

function valueTable(protos: DocumentedProtos, type: DescEnum): readonly string[] {
  return [
    "| Value | Meaning |",
    "|---|---|",
    ...type.values.map(({ name }) => `| \`${name}\` | ${cell(protos.commentOfMember(type, name))} |`),
  ];
}

/** As it stands in JSON, with the unit that its name has. */
function typeText(field: DescField): string {
  const type = field.message ?? field.enum;
  const one = type ? `[${type.name}](#${type.name.toLowerCase()})` : scalarText(field.scalar);
  const unit = unitOf(field.name);
  const many = field.fieldKind === "list" ? `list of ${one}` : one;
  const optional = field.proto.proto3Optional ? ", may be missing" : "";
  return `${many}${unit === "" ? "" : `, ${unit}`}${optional}`;
}

function scalarText(scalar: ScalarType | undefined): string {
  switch (scalar) {
    case ScalarType.STRING:
      return "text";
    case ScalarType.BOOL:
      return "true or false";
    case ScalarType.UINT32:
      return "number";
    case ScalarType.UINT64:
      return "number as text";
    default:
      throw new Error(`no words for the scalar ${scalar}`);
  }
}

const UNITS: readonly (readonly [RegExp, string])[] = [
  [/bytes_per_second$/, "bytes a second"],
  [/bytes|^size$|chunk_size$/, "bytes"],
  [/(^|_)ms$/, "milliseconds"],
  [/_us$/, "microseconds"],
];

function unitOf(name: string): string {
  return UNITS.find(([pattern]) => pattern.test(name))?.[1] ?? "";
}

function cell(text: string): string {
  return text.replaceAll("|", "\\|");
}

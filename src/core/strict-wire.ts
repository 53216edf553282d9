// Strict reading of protobuf (the rules stand at the top of proto/goshare/v1/manifest.proto): what is decoded must
// account for every byte that came, so that one content has one id in every language. Instead of encoding again and
// comparing lengths, this walks the bytes once before they are decoded: what would make the lengths differ is a field
// that is doubled, spelled out though it holds its default, or written with a padded number. The walk also refuses what
// this decoder lets pass and others refuse (wrong wire types, messages that run over their end), and costs no memory,
// whatever the bytes are. Knows no message of its own; never throws anything but StrictReadError.
import assert from "node:assert/strict";
import {
  type DescField,
  type DescMessage,
  fromBinary,
  type MessageShape,
  ScalarType,
} from "@bufbuild/protobuf";
import { WireType } from "@bufbuild/protobuf/wire";

/** Unknown fields from this number up are hints: kept and ignored. Those below it make a message invalid. */
export const FIRST_HINT_FIELD = 1000;

/** Groups in a hint nest no deeper than this. */
const MAX_GROUP_DEPTH = 8;

/** Why bytes are not a message under strict reading; callers turn it into their own typed error. */
export class StrictReadError extends Error {
  override readonly name = "StrictReadError";
}

/** The message in `bytes`. Its byte fields may be views of `bytes`. Throws StrictReadError. */
export function readStrictly<D extends DescMessage>(desc: D, bytes: Uint8Array): MessageShape<D> {
  walkStrictly(desc, bytes);
  try {
    return fromBinary(desc, bytes, { readUnknownFields: false });
  } catch (cause) {
    throw new StrictReadError(`not a ${desc.name}: ${cause instanceof Error ? cause.message : "malformed"}`);
  }
}

/** The first half of readStrictly, for callers that decode by themselves: all of strict reading except the UTF-8 of
 * strings. Throws StrictReadError. */
export function walkStrictly(desc: DescMessage, bytes: Uint8Array): void {
  new Walk(bytes).message(formOf(desc), bytes.length);
}

/** How a field must stand on the wire. */
interface FieldForm {
  readonly wireType: WireType;
  /** Bytes a varint may take. */
  readonly maxVarintBytes: number;
  /** The largest number that reads back as itself. */
  readonly maxValue: number;
  /** The bit that a singular field sets when seen, one bit for all members of a oneof; 0 for repeated fields. */
  readonly seenBit: number;
  /** Whether the default value is never written. */
  readonly implicit: boolean;
  readonly message: MessageForm | undefined;
}

interface MessageForm {
  readonly name: string;
  readonly fields: ReadonlyMap<number, FieldForm>;
}

const forms = new WeakMap<DescMessage, MessageForm>();

function formOf(desc: DescMessage): MessageForm {
  const known = forms.get(desc);
  if (known !== undefined) return known;
  const fields = new Map<number, FieldForm>();
  for (const field of desc.fields) {
    const first = field.oneof?.fields[0] ?? field;
    fields.set(field.number, fieldForm(field, 2 ** desc.fields.indexOf(first)));
  }
  assert(desc.fields.length < 31, "one bit for each field");
  const form = { name: desc.name, fields };
  forms.set(desc, form);
  return form;
}

function fieldForm(field: DescField, bit: number): FieldForm {
  const repeated = field.fieldKind === "list";
  const kind = repeated ? field.listKind : field.fieldKind;
  const seenBit = repeated ? 0 : bit;
  const implicit = !repeated && field.oneof === undefined;
  const maxValue = kind === "enum" ? MAX_ENUM : Number.POSITIVE_INFINITY;
  const delimited = { wireType: WireType.LengthDelimited, maxVarintBytes: 5, maxValue, seenBit, implicit };
  if (kind === "message" && field.message !== undefined) {
    return { ...delimited, implicit: false, message: formOf(field.message) };
  }
  const scalar = kind === "enum" ? ScalarType.INT32 : field.scalar;
  if (scalar === ScalarType.STRING || scalar === ScalarType.BYTES)
    return { ...delimited, message: undefined };
  const maxVarintBytes = scalar === undefined || repeated ? undefined : VARINT_BYTES[scalar];
  assert(maxVarintBytes !== undefined, `strict reading does not know the type of ${field.name}`);
  return { wireType: WireType.Varint, maxVarintBytes, maxValue, seenBit, implicit, message: undefined };
}

const MAX_ENUM = 2 ** 31 - 1;

const VARINT_BYTES: { readonly [K in ScalarType]?: number } = {
  [ScalarType.UINT32]: 5,
  [ScalarType.UINT64]: 10,
  // Enums. A negative one would take ten bytes; no message read strictly has any.
  [ScalarType.INT32]: 5,
  [ScalarType.BOOL]: 1,
};

class Walk {
  readonly #bytes: Uint8Array;
  #position = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  message(form: MessageForm, end: number): void {
    let seen = 0;
    while (this.#position < end) {
      const tag = this.#varint(form, end, 5);
      const fieldNumber = Math.floor(tag / 8);
      const wireType: WireType = tag % 8;
      const field = form.fields.get(fieldNumber);
      if (field === undefined || field.wireType !== wireType) {
        this.#hint(form, fieldNumber, wireType, end);
        continue;
      }
      if ((seen & field.seenBit) !== 0)
        throw new StrictReadError(`${form.name} has field ${fieldNumber} twice`);
      seen |= field.seenBit;
      const value = this.#varint(form, end, field.maxVarintBytes);
      if (wireType === WireType.Varint && value > field.maxValue) {
        throw new StrictReadError(`${form.name} has a number out of range in field ${fieldNumber}`);
      }
      if (field.implicit && value === 0) {
        throw new StrictReadError(`${form.name} spells out field ${fieldNumber} though it holds its default`);
      }
      if (wireType !== WireType.LengthDelimited) continue;
      const fieldEnd = this.#position + value;
      if (fieldEnd > end) throw cutShort(form);
      if (field.message === undefined) this.#position = fieldEnd;
      else this.message(field.message, fieldEnd);
    }
  }

  #hint(form: MessageForm, fieldNumber: number, wireType: WireType, end: number): void {
    if (fieldNumber < FIRST_HINT_FIELD) {
      throw new StrictReadError(`${form.name} has a field ${fieldNumber} that its format does not know`);
    }
    this.#skip(form, fieldNumber, wireType, end, 0);
  }

  /** Skips the value of an unknown field, whatever is inside. */
  #skip(form: MessageForm, fieldNumber: number, wireType: WireType, end: number, depth: number): void {
    if (wireType === WireType.Varint) this.#varint(form, end, 10);
    else if (wireType === WireType.Bit32) this.#position += 4;
    else if (wireType === WireType.Bit64) this.#position += 8;
    else if (wireType === WireType.LengthDelimited) {
      const length = this.#varint(form, end, 5);
      this.#position += length;
    } else if (wireType === WireType.StartGroup && depth < MAX_GROUP_DEPTH) {
      for (;;) {
        const tag = this.#varint(form, end, 5);
        const innerNumber = Math.floor(tag / 8);
        const innerType: WireType = tag % 8;
        if (innerType === WireType.EndGroup && innerNumber === fieldNumber) break;
        this.#skip(form, innerNumber, innerType, end, depth + 1);
      }
    } else throw new StrictReadError(`${form.name} has a field ${fieldNumber} of wire type ${wireType}`);
    if (this.#position > end) throw cutShort(form);
  }

  /** Reads a number without padding. Inexact above 2^53, where it matters only that there is one. */
  #varint(form: MessageForm, end: number, maxBytes: number): number {
    let value = 0;
    let scale = 1;
    for (let count = 1; count <= maxBytes; count++) {
      const byte = this.#bytes[this.#position];
      if (byte === undefined || this.#position >= end) throw cutShort(form);
      this.#position += 1;
      value += (byte & 0x7f) * scale;
      scale *= 0x80;
      if (byte >= 0x80) continue;
      if (byte === 0 && count > 1) throw new StrictReadError(`${form.name} has a padded number`);
      if ((count === 5 && maxBytes === 5 && byte > 0x0f) || (count === 10 && byte > 1)) break;
      return value;
    }
    throw new StrictReadError(`${form.name} has a number out of range`);
  }
}

function cutShort(form: MessageForm): StrictReadError {
  return new StrictReadError(`${form.name} is cut short`);
}

/** The number in field 1, if that is the first field of the message, as writers write it; else undefined. Tells a newer
 * format, of which nothing else may be assumed, from damage. Reads no further. */
export function peekFormat(bytes: Uint8Array): number | undefined {
  if (bytes[0] !== 0x08) return undefined;
  let format = 0;
  for (let index = 1; index <= 5; index++) {
    const byte = bytes[index];
    if (byte === undefined) return undefined;
    format += (byte & 0x7f) * 2 ** (7 * (index - 1));
    if (byte < 0x80) return format;
  }
  return undefined;
}

// Messages to bytes and back, for calls between strangers: bytes are measured before they are decoded, and unknown
// fields are dropped. Knows no service and no transport.
import {
  create,
  type DescMessage,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from "@bufbuild/protobuf";
import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";

/** Thrown for bytes that are no message of the wanted kind, or hold more fields than they may. */
export class MalformedMessageError extends Error {
  override readonly name = "MalformedMessageError";
}

/** Nothing that crosses an RPC nests deeper: answer → peer → endpoint. */
const MAX_DEPTH = 8;

/** The encoded message; the Buffer is a view, not a copy. */
export function encodeMessage<D extends DescMessage>(desc: D, init: MessageInitShape<D>): Buffer {
  const bytes = toBinary(desc, create(desc, init));
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** The message in `bytes`, without unknown fields; its byte fields are views of `bytes`.
 * Throws MalformedMessageError, before anything is decoded if there are more than `maxFields` fields in it at
 * all depths: two bytes on the wire can cost a hundred of heap. */
export function decodeMessage<D extends DescMessage>(
  desc: D,
  bytes: Uint8Array,
  maxFields: number,
): MessageShape<D> {
  try {
    spendFields(desc, bytes, maxFields, 0);
    return fromBinary(desc, bytes, { readUnknownFields: false, recursionLimit: MAX_DEPTH });
  } catch (cause) {
    if (cause instanceof MalformedMessageError) throw cause;
    const reason = cause instanceof Error ? cause.message : "malformed";
    throw new MalformedMessageError(`not a ${desc.name}: ${reason}`, { cause });
  }
}

/** What is left of `budget` after every field in `bytes`, submessages included. */
function spendFields(desc: DescMessage, bytes: Uint8Array, budget: number, depth: number): number {
  if (depth > MAX_DEPTH) throw new MalformedMessageError(`${desc.name} is nested too deeply`);
  const submessages = submessagesOf(desc);
  const reader = new BinaryReader(bytes);
  let left = budget;
  while (reader.pos < reader.len) {
    const [fieldNumber, wireType] = reader.tag();
    left -= 1;
    if (left < 0) throw new MalformedMessageError(`${desc.name} holds more fields than allowed`);
    const submessage = wireType === WireType.LengthDelimited ? submessages.get(fieldNumber) : undefined;
    if (submessage === undefined) {
      reader.skip(wireType, fieldNumber, MAX_DEPTH);
    } else {
      const length = reader.uint32();
      const end = reader.pos + length;
      if (end > reader.len) throw new MalformedMessageError(`${desc.name} is cut short`);
      left = spendFields(submessage, bytes.subarray(reader.pos, end), left, depth + 1);
      reader.pos = end;
    }
  }
  return left;
}

const submessageTables = new WeakMap<DescMessage, ReadonlyMap<number, DescMessage>>();

function submessagesOf(desc: DescMessage): ReadonlyMap<number, DescMessage> {
  const known = submessageTables.get(desc);
  if (known !== undefined) return known;
  const table = new Map<number, DescMessage>();
  for (const field of desc.fields) {
    if (field.message !== undefined) table.set(field.number, field.message);
  }
  submessageTables.set(desc, table);
  return table;
}

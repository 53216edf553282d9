// Strict reading of protobuf (the rules stand at the top of proto/goshare/v1/manifest.proto): what is decoded
// must account for every byte that came, so that one content has one id in every language. Knows no message
// of its own; never throws anything but StrictReadError.
import { type DescMessage, fromBinary, type MessageShape, toBinary } from "@bufbuild/protobuf";
import { isReflectList, isReflectMessage, type ReflectMessage, reflect } from "@bufbuild/protobuf/reflect";

/** Unknown fields from here up are hints: kept and ignored. Below they make a message invalid. */
export const FIRST_HINT_FIELD = 1000;

/** No message read strictly nests deeper than Manifest → entry; strangers' groups end here. */
const MAX_DEPTH = 8;

/** Why bytes are not a message under strict reading; callers turn it into their own typed error. */
export class StrictReadError extends Error {
  override readonly name = "StrictReadError";
}

/** The message in `bytes`. Its byte fields may be views of `bytes`. Throws StrictReadError. */
export function readStrictly<D extends DescMessage>(desc: D, bytes: Uint8Array): MessageShape<D> {
  // Almost no message has unknown fields, and one that re-encodes to its own length without them has none.
  const plain = decode(desc, bytes, false);
  if (toBinary(desc, plain).byteLength === bytes.byteLength) return plain;

  const message = decode(desc, bytes, true);
  refuseUnknownFields(reflect(desc, message));
  const encodedBytes = toBinary(desc, message, { writeUnknownFields: true }).byteLength;
  if (encodedBytes !== bytes.byteLength) {
    throw new StrictReadError(
      `${desc.name} takes ${bytes.byteLength} bytes where ${encodedBytes} say the same: fields are doubled, padded or spelled out`,
    );
  }
  return message;
}

function decode<D extends DescMessage>(
  desc: D,
  bytes: Uint8Array,
  readUnknownFields: boolean,
): MessageShape<D> {
  try {
    return fromBinary(desc, bytes, { readUnknownFields, recursionLimit: MAX_DEPTH });
  } catch (cause) {
    throw new StrictReadError(`not a ${desc.name}: ${cause instanceof Error ? cause.message : "malformed"}`);
  }
}

function refuseUnknownFields(message: ReflectMessage): void {
  for (const unknown of message.getUnknown() ?? []) {
    if (unknown.no < FIRST_HINT_FIELD) {
      throw new StrictReadError(
        `${message.desc.name} has a field ${unknown.no} that its format does not know`,
      );
    }
  }
  for (const field of message.fields) {
    const value: unknown = message.isSet(field) ? message.get(field) : undefined;
    if (isReflectMessage(value)) refuseUnknownFields(value);
    else if (isReflectList(value)) {
      for (const item of value) if (isReflectMessage(item)) refuseUnknownFields(item);
    }
  }
}

/** The number in field 1 where it is the first field of the message, as writers write it; else undefined.
 * Tells a newer format, of which nothing else may be assumed, from damage. Reads no further. */
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

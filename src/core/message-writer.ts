// Writes messages field by field into memory that it reuses, for answers that are written so often that the general
// codec is too slow: that one makes an object of each submessage and walks its descriptor. Writes the same bytes as the
// general codec, if fields are written in the order of their numbers and repeated ones hold nothing empty. Knows no
// message.
import type { DescField } from "@bufbuild/protobuf";
import { WireType } from "@bufbuild/protobuf/wire";
import { writeHex } from "./ids.js";

/** A tag and a 32-bit number take no more. */
const MAX_NUMBER_BYTES = 10;

const LENGTH_DELIMITED = WireType.LengthDelimited;
const VARINT = WireType.Varint;

export class MessageWriter {
  #buffer = Buffer.allocUnsafeSlow(1024);
  #length = 0;

  /** Forgets what was written. */
  start(): void {
    this.#length = 0;
  }

  /** A copy of what was written since `start`. */
  finish(): Buffer {
    return Buffer.from(this.#buffer.subarray(0, this.#length));
  }

  /** Writes nothing if `value` is empty, as for every field. */
  bytes({ number }: DescField, value: Uint8Array): void {
    if (value.length === 0) return;
    this.#makeRoom(value.length);
    this.#lengthDelimited(number, value.length);
    this.#buffer.set(value, this.#length);
    this.#length += value.length;
  }

  /** Writes the bytes of hex digits. */
  hex({ number }: DescField, digits: string): void {
    const length = digits.length / 2;
    if (length === 0) return;
    this.#makeRoom(length);
    this.#lengthDelimited(number, length);
    writeHex(digits, this.#buffer, this.#length);
    this.#length += length;
  }

  /** Writes the bytes of `from` between `start` and `end`; of a text, ASCII. */
  slice({ number }: DescField, from: Uint8Array, start: number, end: number): void {
    if (start === end) return;
    this.#makeRoom(end - start);
    this.#lengthDelimited(number, end - start);
    // So few are copied faster here than by a call that leaves JavaScript.
    const [buffer, shift] = [this.#buffer, this.#length - start];
    for (let i = start; i < end; i++) buffer[shift + i] = from[i] ?? 0;
    this.#length += end - start;
  }

  string({ number }: DescField, value: string): void {
    if (value === "") return;
    const length = isShortAscii(value) ? value.length : Buffer.byteLength(value);
    this.#makeRoom(length);
    this.#lengthDelimited(number, length);
    // As many bytes as characters: ASCII.
    if (length === value.length) {
      for (let i = 0; i < length; i++) this.#buffer[this.#length + i] = value.charCodeAt(i);
    } else this.#buffer.write(value, this.#length, length);
    this.#length += length;
  }

  /** An unsigned number of up to 32 bits, or that of an enum. */
  number({ number }: DescField, value: number): void {
    if (value === 0) return;
    this.#makeRoom(0);
    this.#varint((number << 3) | VARINT);
    this.#varint(value);
  }

  bool(field: DescField, value: boolean): void {
    this.number(field, value ? 1 : 0);
  }

  /** Begins a message in a field: everything written until `end` is called with what this returns. It is there even if
   * that is nothing. */
  begin({ number }: DescField): number {
    this.#makeRoom(0);
    this.#varint((number << 3) | LENGTH_DELIMITED);
    // Most messages have fewer than 128 bytes, so their length takes one byte.
    return ++this.#length;
  }

  end(begun: number): void {
    const length = this.#length - begun;
    if (length < 0x80) {
      this.#buffer[begun - 1] = length;
      return;
    }
    const more = lengthBytes(length) - 1;
    this.#makeRoom(more);
    this.#buffer.copyWithin(begun + more, begun, this.#length);
    this.#length = begun - 1;
    this.#varint(length);
    this.#length += length;
  }

  #lengthDelimited(number: number, length: number): void {
    this.#varint((number << 3) | LENGTH_DELIMITED);
    this.#varint(length);
  }

  #varint(value: number): void {
    let rest = value;
    for (; rest > 0x7f; rest >>>= 7) this.#buffer[this.#length++] = (rest & 0x7f) | 0x80;
    this.#buffer[this.#length++] = rest;
  }

  /** Makes room for a tag, a number and `bytes` more. */
  #makeRoom(bytes: number): void {
    const wanted = this.#length + MAX_NUMBER_BYTES + bytes;
    if (wanted <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(wanted, 2 * this.#buffer.length));
    this.#buffer.copy(larger, 0, 0, this.#length);
    this.#buffer = larger;
  }
}

/** Up to this many characters are copied faster here than by a call that leaves JavaScript. */
const MAX_SHORT = 64;

function isShortAscii(text: string): boolean {
  if (text.length > MAX_SHORT) return false;
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 0x7f) return false;
  return true;
}

function lengthBytes(length: number): number {
  let bytes = 1;
  for (let rest = length; rest > 0x7f; rest >>>= 7) bytes++;
  return bytes;
}

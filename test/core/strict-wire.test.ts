import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { TicketSchema } from "../../gen/goshare/v1/endpoint_pb.js";
import { ManifestBodySchema, ManifestSchema } from "../../gen/goshare/v1/manifest_pb.js";
import { peekFormat, readStrictly, StrictReadError } from "../../src/core/strict-wire.js";

const SCHEMAS = [ManifestSchema, ManifestBodySchema, TicketSchema] as const;
type Schema = (typeof SCHEMAS)[number];

function accepts(schema: Schema, bytes: Uint8Array): boolean {
  try {
    readStrictly(schema, bytes);
    return true;
  } catch (thrown) {
    assert.instance(thrown, StrictReadError);
    return false;
  }
}

/** The rule as manifest.proto words it, on top of a decoder that is lax in other ways. */
function acceptedByEncodingAgain(schema: Schema, bytes: Uint8Array): boolean {
  try {
    const message = fromBinary(schema, bytes);
    return toBinary(schema, message).length === bytes.length;
  } catch {
    return false;
  }
}

const hex = (text: string) => Buffer.from(text.replaceAll(" ", ""), "hex");

test("what a writer writes is read back the same", () => {
  const entry = fc.record({
    path: fc.string(),
    size: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
    executable: fc.boolean(),
  });
  const body = fc.record({
    files: fc.array(entry),
    emptyDirectories: fc.array(fc.string()),
    chunkDigests: fc.uint8Array(),
  });
  fc.assert(
    fc.property(body, (init) => {
      const message = create(ManifestBodySchema, init);
      const bytes = toBinary(ManifestBodySchema, message);
      assert.equal(toBinary(ManifestBodySchema, readStrictly(ManifestBodySchema, bytes)), bytes);
    }),
  );
});

test("what the walk accepts has the same length when it is encoded again", () => {
  // Bytes that are often nearly a message: small numbers as tags and lengths.
  const byte = fc.oneof(
    fc.constantFrom(0x08, 0x0a, 0x10, 0x12, 0x18, 0x1a, 0x22, 0, 1, 2, 3, 4, 5, 0x80, 0xc0, 0x3e),
    fc.nat(255),
  );
  const bytes = fc.array(byte, { maxLength: 24 }).map((values) => Uint8Array.from(values));
  let accepted = 0;
  fc.assert(
    fc.property(fc.constantFrom(...SCHEMAS), bytes, (schema, input) => {
      if (!accepts(schema, input)) return;
      accepted += 1;
      assert.ok(acceptedByEncodingAgain(schema, input), Buffer.from(input).toString("hex"));
    }),
    { numRuns: 20_000 },
  );
  assert.ok(accepted > 100, `${accepted}`);
});

test("doubled, padded, spelled out and unknown fields are refused", () => {
  const bad: readonly (readonly [Schema, string, RegExp])[] = [
    [ManifestSchema, "08 01 08 01", /field 1 twice/],
    [ManifestSchema, "52 01 00 5a 01 00", /field 11 twice/],
    [ManifestSchema, "08 00", /spells out field 1/],
    [ManifestSchema, "12 00", /spells out field 2/],
    [ManifestSchema, "08 81 00", /padded/],
    [ManifestSchema, "88 00 01", /padded/],
    [ManifestSchema, "08 ff ff ff ff 1f", /out of range/],
    // 2^31 as an enum reads back as a negative number, which takes ten bytes.
    [ManifestSchema, "18 80 80 80 80 08", /out of range/],
    [ManifestSchema, "30 ff ff ff ff ff ff ff ff ff 02", /out of range/],
    [ManifestSchema, "60 01", /field 12/],
    [ManifestSchema, "b8 3e 01", /field 999/],
    [ManifestBodySchema, "0a 02 20 01", /FileEntry has a field 4/],
    [ManifestBodySchema, "0a 06 0a 01 61 18 80 01", /out of range/],
  ];
  for (const [schema, text, message] of bad) assert.throws(() => readStrictly(schema, hex(text)), message);
});

test("a known field of another wire type and a message that runs over its end are refused", () => {
  assert.throws(() => readStrictly(ManifestSchema, hex("0a 01 61")), /field 1 that its format does not know/);
  assert.throws(() => readStrictly(ManifestSchema, hex("0d 01 00 00 00")), /field 1/);
  assert.throws(
    () => readStrictly(ManifestBodySchema, hex("0a 02 0a 05 61 62 63 64 65")),
    /FileEntry is cut short/,
  );
  assert.throws(() => readStrictly(ManifestBodySchema, hex("0a 05 0a 02 61")), /cut short/);
});

test("both halves of a oneof may be empty, one at a time", () => {
  assert.ok(accepts(ManifestSchema, hex("52 00")));
  assert.ok(accepts(ManifestSchema, hex("5a 00")));
  assert.not(accepts(ManifestSchema, hex("52 00 52 00")));
});

test("hints of every wire type are ignored at every depth", () => {
  const hints =
    "c0 3e 00" + "c1 3e 0102030405060708" + "c2 3e 02 ffff" + "c5 3e 01020304" + "c3 3e 08 01 0b 0c c4 3e";
  assert.ok(accepts(ManifestSchema, hex(`08 01 ${hints}`)));
  const inner = hex(`0a 01 61 ${hints}`);
  assert.ok(accepts(ManifestBodySchema, Buffer.concat([Buffer.from([0x0a, inner.length]), inner])));
});

test("hints that are cut short, or groups that nest too deep or do not end, are refused", () => {
  for (const text of [
    "c0 3e",
    "c1 3e 01",
    "c2 3e 05 01",
    "c5 3e 01",
    "c3 3e",
    "c3 3e 08 01",
    "c4 3e",
    "c6 3e",
  ]) {
    assert.not(accepts(ManifestSchema, hex(text)), text);
  }
  assert.not(accepts(ManifestSchema, hex("c3 3e".repeat(5000) + "c4 3e".repeat(5000))));
});

test("the format is seen where a writer puts it", () => {
  assert.is(peekFormat(hex("08 01 12 01 61")), 1);
  assert.is(peekFormat(hex("08 ac 02")), 300);
  assert.is(peekFormat(hex("12 01 61 08 01")), undefined);
  assert.is(peekFormat(hex("08")), undefined);
  assert.is(peekFormat(hex("08 ff ff ff ff ff ff")), undefined);
});

test.run();

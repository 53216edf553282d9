// Manifests that no goshare would write, for tests of those who read them.
import { createHash } from "node:crypto";
import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import {
  HashAlgorithm,
  ManifestBodySchema,
  ManifestSchema,
  ShareKind,
} from "../../gen/goshare/v1/manifest_pb.js";
import { KIB, MIB } from "../../src/core/units.js";
import type { FileEntry } from "../../src/manifest/manifest.js";

type RootInit = MessageInitShape<typeof ManifestSchema>;
type BodyInit = MessageInitShape<typeof ManifestBodySchema>;

export function bodyBytes(body: BodyInit): Uint8Array {
  return toBinary(ManifestBodySchema, create(ManifestBodySchema, body));
}

/** A root that fits `body` (as an inline or a paged one), with `changes` over it. */
export function rootBytes(body: Uint8Array, changes: RootInit = {}): Uint8Array {
  const digests: Uint8Array[] = [];
  for (let offset = 0; offset < body.length; offset += MIB) {
    digests.push(
      createHash("sha256")
        .update(body.subarray(offset, offset + MIB))
        .digest(),
    );
  }
  const inline = body.length <= 512 * KIB;
  return toBinary(
    ManifestSchema,
    create(ManifestSchema, {
      format: 1,
      name: "share",
      kind: ShareKind.FOLDER,
      hashAlgorithm: HashAlgorithm.SHA256,
      chunkSize: 64 * KIB,
      bodySize: BigInt(body.length),
      bodyForm: inline
        ? { case: "body", value: body }
        : { case: "bodyDigests", value: Buffer.concat(digests) },
      ...changes,
    }),
  );
}

/** Chunk digests that nobody computed. */
export function madeUpDigests(chunks: number): Uint8Array {
  const digests = new Uint8Array(chunks * 32);
  for (let index = 0; index < digests.length; index++) digests[index] = (index * 7 + (index >>> 8)) & 0xff;
  return digests;
}

export function file(path: string, size = 0, executable = false): FileEntry {
  return { path, size, executable };
}

/** `bytes` with a raw field behind them. */
export function withField(bytes: Uint8Array, hex: string): Uint8Array {
  return Buffer.concat([bytes, Buffer.from(hex.replaceAll(" ", ""), "hex")]);
}

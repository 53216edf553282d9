// What the test vectors are made from; generate.ts writes them. Cases are added, never changed.
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { TicketSchema } from "../../gen/goshare/v1/endpoint_pb.js";
import {
  HashAlgorithm,
  type ManifestBodySchema,
  type ManifestSchema,
  ShareKind,
} from "../../gen/goshare/v1/manifest_pb.js";
import type { Endpoint } from "../../src/address/endpoint.js";
import type { Ticket } from "../../src/address/ticket.js";
import { type ContentId, toHex } from "../../src/core/ids.js";
import { KIB, MIB } from "../../src/core/units.js";
import { assembleManifest, type ShareContent } from "../../src/manifest/assemble.js";
import { computeLayout } from "../../src/manifest/layout.js";
import type { Manifest } from "../../src/manifest/manifest.js";
import { sortEntries } from "../../src/manifest/names.js";
import { bodyBytes, file, madeUpDigests, rootBytes, withField } from "../manifest/craft.js";

function assemble(name: string, content: Partial<ShareContent>): Manifest {
  const files = sortEntries(content.files ?? []);
  const chunkSize = content.chunkSize ?? 64 * KIB;
  const { chunkCount } = computeLayout(
    files.map(({ size }) => size),
    chunkSize,
  );
  return assembleManifest({
    name,
    kind: "folder",
    chunkSize,
    emptyDirectories: [],
    symbolicLinks: [],
    chunkDigests: madeUpDigests(chunkCount),
    ...content,
    files,
  });
}

export const MANIFESTS: Readonly<Record<string, Manifest>> = {
  "empty-folder": assemble("empty-folder", {}),
  "empty-file": assemble("empty-file", { kind: "file", files: [file("empty-file")] }),
  "one-file": assemble("one-file", { kind: "file", files: [file("one-file", 100_000, true)] }),
  folder: assemble("Fotos für 日本", {
    files: [
      file("a", 1),
      file("a-b", 2),
      file("b/c", 3, true),
      file("\uffff", 4),
      file("😀", 5),
      file("\ufeffbom"),
    ],
    emptyDirectories: ["leer", "b/d"],
    symbolicLinks: [
      { path: "b/up", target: "../a" },
      { path: "link", target: "b/./c" },
    ],
  }),
  packs: assemble("packs", {
    files: [
      file("1", 40_000),
      file("2", 200_000),
      file("3", 20_000),
      file("4", 65_536),
      file("5", 5537),
      file("6", 0),
    ],
  }),
  paged: assemble("paged", { kind: "file", files: [file("paged", 16_385 * 64 * KIB)] }),
};

export function manifestOf(name: string): Manifest {
  const manifest = MANIFESTS[name];
  if (manifest === undefined) throw new Error(`no manifest is called ${name}`);
  return manifest;
}

type BodyInit = MessageInitShape<typeof ManifestBodySchema>;
type RootInit = MessageInitShape<typeof ManifestSchema>;
const paths = (...names: readonly string[]) => names.map((path) => ({ path }));
export const hex = (text: string) => Buffer.from(text.replaceAll(" ", ""), "hex");
export const ONE_BYTE = {
  files: [{ path: "a", size: 1n }],
  chunkDigests: madeUpDigests(1),
} satisfies BodyInit;
export const ONE_BYTE_ROOT = { totalSize: 1n, chunkCount: 1, entryCount: 1 } satisfies RootInit;
/** As a newer goshare might send it. */
const UNKNOWN_NUMBER: number = 9;

export const BAD_ROOTS: Readonly<Record<string, RootInit>> = {
  "bad-name-empty": { name: "" },
  "bad-name-dots": { name: ".." },
  "bad-name-slash": { name: "a/b" },
  "bad-name-control": { name: "a\u001b[31m" },
  "bad-kind-unspecified": { kind: ShareKind.UNSPECIFIED },
  "bad-kind-unknown": { kind: UNKNOWN_NUMBER },
  "bad-hash-unknown": { hashAlgorithm: UNKNOWN_NUMBER },
  "bad-hash-unspecified": { hashAlgorithm: HashAlgorithm.UNSPECIFIED },
  "bad-chunk-size-small": { chunkSize: 32 * KIB },
  "bad-chunk-size-large": { chunkSize: 8 * MIB },
  "bad-chunk-size-no-power": { chunkSize: 65_537 },
  "bad-total-size": { totalSize: 2n ** 53n },
  "bad-chunk-count": { chunkCount: 2 ** 24 + 1 },
  "bad-entry-count": { entryCount: 2 ** 23 + 1 },
  "bad-body-size": { bodySize: 5n },
  "bad-body-missing": { bodyForm: { case: undefined } },
  "bad-paged-though-small": { bodyForm: { case: "bodyDigests", value: madeUpDigests(1) } },
  "bad-page-digests": {
    bodySize: BigInt(MIB + 1),
    bodyForm: { case: "bodyDigests", value: madeUpDigests(1) },
  },
};

export const GOOD_ROOT = rootBytes(bodyBytes(ONE_BYTE), ONE_BYTE_ROOT);
export const RAW_ROOTS: Readonly<Record<string, Uint8Array>> = {
  "bad-empty": new Uint8Array(0),
  "bad-cut-short": GOOD_ROOT.subarray(0, -1),
  "bad-doubled-field": withField(GOOD_ROOT, "08 01"),
  "bad-both-body-forms": withField(GOOD_ROOT, "5a 01 00"),
  "bad-unknown-field": withField(GOOD_ROOT, "60 01"),
  "bad-unknown-field-999": withField(GOOD_ROOT, "b8 3e 01"),
  "bad-default-written": withField(rootBytes(new Uint8Array(0)), "30 00"),
  "bad-padded-number": Buffer.from(
    toHex(rootBytes(new Uint8Array(0))).replace("28808004", "2880808400"),
    "hex",
  ),
  "bad-wire-type": withField(rootBytes(new Uint8Array(0)), "35 01 00 00 00"),
  "newer-format": hex("08 02 12 01 61 ff"),
};

type BadBody = readonly [body: BodyInit, root?: RootInit];
export const BAD_BODIES: Readonly<Record<string, BadBody>> = {
  "bad-order": [{ files: paths("b", "a") }],
  "bad-order-utf16": [{ files: paths("😀", "\uffff") }],
  "bad-twice": [{ files: paths("a", "a") }],
  "bad-file-and-link": [{ files: paths("a"), symbolicLinks: [{ path: "a", target: "b" }] }],
  "bad-file-with-files": [{ files: paths("a", "a-b", "a/b") }],
  "bad-link-with-files": [{ files: paths("a/b"), symbolicLinks: [{ path: "a", target: "c" }] }],
  "bad-empty-directory-with-files": [{ files: paths("a/b"), emptyDirectories: ["a"] }],
  "bad-path-empty": [{ files: paths("", "abc") }],
  "bad-path-absolute": [{ files: paths("/a") }],
  "bad-path-dot": [{ files: paths("a/./b") }],
  "bad-path-dots": [{ files: paths("a/../b") }],
  "bad-path-slash-at-end": [{ emptyDirectories: ["a/"] }],
  "bad-path-nul": [{ files: paths("a\u0000") }],
  "bad-path-c1": [{ files: paths("a\u0085") }],
  "bad-path-bidi": [{ files: paths("a\u202egpj.exe") }],
  "bad-path-long-component": [{ files: paths("é".repeat(128)) }],
  "bad-link-absolute": [{ symbolicLinks: [{ path: "l", target: "/etc/passwd" }] }],
  "bad-link-outside": [{ symbolicLinks: [{ path: "d/l", target: "../../x" }] }],
  "bad-link-outside-on-its-way": [{ symbolicLinks: [{ path: "l", target: "../share/x" }] }],
  "bad-link-climbs-through-a-name": [
    {
      symbolicLinks: [
        { path: "a/l", target: ".." },
        { path: "m", target: "a/l/../.." },
      ],
    },
  ],
  "bad-link-empty": [{ symbolicLinks: [{ path: "l" }] }],
  "bad-file-size": [{ files: [{ path: "a", size: 2n ** 53n }] }],
  "bad-sum": [ONE_BYTE, { ...ONE_BYTE_ROOT, totalSize: 2n }],
  "bad-chunks": [
    { ...ONE_BYTE, files: [{ path: "a" }, { path: "b", size: 2n }], chunkDigests: madeUpDigests(2) },
    { chunkCount: 2, totalSize: 2n },
  ],
  "bad-digests": [{ ...ONE_BYTE, chunkDigests: madeUpDigests(2) }, ONE_BYTE_ROOT],
  "bad-entries": [{ files: paths("a-long-path") }, { entryCount: 2 }],
  "bad-file-kind-path": [{ files: paths("other") }, { kind: ShareKind.FILE }],
  "bad-file-kind-link": [{ symbolicLinks: [{ path: "share", target: "a" }] }, { kind: ShareKind.FILE }],
};

export const RAW_BODIES: Readonly<Record<string, string>> = {
  "bad-utf8": "0a 03 0a 01 ff",
  "bad-utf8-cut": "0a 05 0a 03 f0 9f 98",
  "bad-utf8-surrogate": "0a 05 0a 03 ed a0 80",
  "bad-nested-unknown-field": "0a 05 0a 01 61 20 01",
  "bad-nested-doubled-field": "0a 06 0a 01 61 0a 01 61",
  "bad-nested-default-written": "0a 05 0a 01 61 18 00",
  "bad-nested-padded-length": "0a 04 0a 81 00 61",
  "bad-nested-overrun": "0a 01 0a 01 61",
};

/** Fields from 1000 up, in the root and in an entry. */
export const HINTS_BODY = hex("0a 07 0a 01 61 c2 3e 01 ff");
export const HINTS = withField(rootBytes(HINTS_BODY, { name: "hints", entryCount: 1 }), "c0 3e 05");

export const ID: ContentId = manifestOf("one-file").root.contentId;
const PIN = "0123456789abcdef".repeat(4);
const TRACKER_PIN = "fedcba9876543210".repeat(4);
export const PEER4: Endpoint = { host: "192.168.1.5", port: 9000, transport: "tcp" };
export const PEER6: Endpoint = { host: "2001:db8::5", port: 9001, transport: "tcp" };
export const NAMED: Endpoint = { host: "tracker.example.com", port: 8080, transport: "tcp" };
const TLS_PEER: Endpoint = { ...PEER4, transport: "tls", certificateSha256: PIN };
export const TLS_TRACKER: Endpoint = { ...NAMED, transport: "tls", certificateSha256: TRACKER_PIN };

export const TICKETS: Readonly<Record<string, Ticket>> = {
  "id-only": { contentId: ID, name: "", trackers: [], peers: [] },
  "one-peer": { contentId: ID, name: "", trackers: [], peers: [PEER4] },
  full: { contentId: ID, name: "Fotos für 日本", trackers: [NAMED, PEER6], peers: [PEER4, PEER6, NAMED] },
  tls: {
    contentId: ID,
    name: "x",
    trackers: [TLS_TRACKER],
    peers: [TLS_PEER, PEER6],
    peerCertificateSha256: PIN,
  },
};

export type TicketInit = MessageInitShape<typeof TicketSchema>;
const PACKED = hex("01 c0a80105 2328");
export const BAD_TICKETS: Readonly<Record<string, TicketInit>> = {
  "bad-content-id": { contentId: hex(ID).subarray(1) },
  "bad-name-long": { name: "n".repeat(65) },
  "bad-name-control": { name: "a\u001b[2J" },
  "bad-three-trackers": { trackers: [PACKED, PACKED, PACKED] },
  "bad-four-peers": { peers: [PACKED, PACKED, PACKED, PACKED] },
  "bad-pin": { peerCertificateSha256: hex(PIN).subarray(1) },
  "bad-peer-short": { peers: [PACKED.subarray(0, -1)] },
  "bad-peer-long": { peers: [withField(PACKED, "00")] },
  "bad-peer-port": { peers: [hex("01 c0a80105 0000")] },
  "bad-peer-name": { peers: [hex("03 03 612f62 2328")] },
  "bad-peer-tls-without-pin": { peers: [hex("11 c0a80105 2328")] },
  "bad-tracker-tls-without-pin": { trackers: [hex("11 c0a80105 2328")] },
};
export const ODD_TICKETS: Readonly<Record<string, readonly [TicketInit, Ticket]>> = {
  "unknown-kind": [
    { peers: [hex("09 010203"), PACKED] },
    { contentId: ID, name: "", trackers: [], peers: [PEER4] },
  ],
  "mapped-address": [
    { peers: [hex("02 00000000 00000000 0000ffff c0a80105 2328")] },
    { contentId: ID, name: "", trackers: [], peers: [PEER4] },
  ],
};

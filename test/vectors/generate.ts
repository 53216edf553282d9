// Writes the test vectors. Run by hand: node dist/test/vectors/generate.js, then format. Vectors that are there already
// must come out the same.
import { createHash } from "node:crypto";
import { create, fromBinary, type JsonObject, type JsonValue, toBinary } from "@bufbuild/protobuf";
import { bech32m } from "@scure/base";
import { ManifestFileSchema, TicketSchema } from "../../gen/goshare/v1/endpoint_pb.js";
import { ManifestBodySchema, ManifestSchema } from "../../gen/goshare/v1/manifest_pb.js";
import type { Endpoint } from "../../src/address/endpoint.js";
import { encodeTicket, type Ticket } from "../../src/address/ticket.js";
import { KIB } from "../../src/core/units.js";
import { encodeManifestFile } from "../../src/storage/manifest-file.js";
import { bodyBytes, rootBytes, withField } from "../manifest/craft.js";
import { naiveLayout } from "../manifest/naive-layout.js";
import * as cases from "./cases.js";
import { hex, ID, NAMED, PEER4, PEER6, TLS_TRACKER } from "./cases.js";
import { writeIndex, writeMessageJson, writeText, writeVector } from "./store.js";

async function generateManifests(): Promise<void> {
  const index: Record<string, JsonValue> = {};
  const bodies: Record<string, JsonValue> = {};
  for (const [name, manifest] of Object.entries(cases.MANIFESTS)) {
    await writeVector("manifests", name, manifest.root.bytes);
    await writeMessageJson(
      "manifests",
      name,
      ManifestSchema,
      fromBinary(ManifestSchema, manifest.root.bytes),
    );
    index[name] = { contentId: manifest.root.contentId };
    if (manifest.root.inlineBody === undefined) continue;
    await writeVector("bodies", name, manifest.bodyBytes);
    await writeMessageJson(
      "bodies",
      name,
      ManifestBodySchema,
      fromBinary(ManifestBodySchema, manifest.bodyBytes),
    );
    bodies[name] = {
      files: manifest.files.map(({ path, size, executable }) => ({ path, size, executable })),
      emptyDirectories: [...manifest.emptyDirectories],
      symbolicLinks: manifest.symbolicLinks.map(({ path, target }) => ({ path, target })),
      chunks: manifest.layout.chunkCount,
    };
  }
  await writeVector("manifests", "hints", cases.HINTS);
  index["hints"] = { contentId: createHash("sha256").update(cases.HINTS).digest("hex") };
  await writeVector("bodies", "hints", cases.HINTS_BODY);
  bodies["hints"] = {
    files: [{ path: "a", size: 0, executable: false }],
    emptyDirectories: [],
    symbolicLinks: [],
    chunks: 0,
  };

  for (const [name, changes] of Object.entries(cases.BAD_ROOTS)) {
    const bytes = rootBytes(bodyBytes(cases.ONE_BYTE), { ...cases.ONE_BYTE_ROOT, ...changes });
    await writeVector("manifests", name, bytes);
    await writeMessageJson("manifests", name, ManifestSchema, fromBinary(ManifestSchema, bytes));
    index[name] = { error: "MANIFEST_INVALID", stage: "root" };
  }
  for (const [name, bytes] of Object.entries(cases.RAW_ROOTS)) {
    await writeVector("manifests", name, bytes);
    index[name] = { error: name === "newer-format" ? "NEWER_FORMAT" : "MANIFEST_INVALID", stage: "root" };
  }
  for (const [name, [init, changes]] of Object.entries(cases.BAD_BODIES)) {
    const { files = [], emptyDirectories = [], symbolicLinks = [] } = init;
    const entryCount = files.length + emptyDirectories.length + symbolicLinks.length;
    const body = bodyBytes(init);
    await writeVector("bodies", name, body);
    await writeMessageJson("bodies", name, ManifestBodySchema, create(ManifestBodySchema, init));
    await writeVector("manifests", name, rootBytes(body, { entryCount, ...changes }));
    index[name] = { error: "MANIFEST_INVALID", stage: "body" };
  }
  for (const [name, text] of Object.entries(cases.RAW_BODIES)) {
    await writeVector("bodies", name, hex(text));
    await writeVector("manifests", name, rootBytes(hex(text), { entryCount: 1 }));
    index[name] = { error: "MANIFEST_INVALID", stage: "body" };
  }
  await writeIndex("manifests", index);
  await writeIndex("bodies", bodies);
}

function ticketText(bytes: Uint8Array): string {
  return bech32m.encode("goshare", bech32m.toWords(Uint8Array.from(bytes)), 600);
}

const ticketJson = ({ contentId, name, trackers, peers, peerCertificateSha256 }: Ticket): JsonObject => ({
  contentId,
  name,
  trackers: trackers.map(endpointJson),
  peers: peers.map(endpointJson),
  ...(peerCertificateSha256 === undefined ? {} : { peerCertificateSha256 }),
});

function endpointJson({ host, port, transport, certificateSha256 }: Endpoint): JsonObject {
  return { host, port, transport, ...(certificateSha256 === undefined ? {} : { certificateSha256 }) };
}

async function generateTickets(): Promise<void> {
  const index: Record<string, JsonValue> = {};
  const write = async (name: string, bytes: Uint8Array, text: string) => {
    await writeVector("tickets", name, bytes);
    await writeText("tickets", `${name}.txt`, `${text}\n`);
  };
  const writeMessage = async (name: string, init: cases.TicketInit) => {
    const message = create(TicketSchema, { format: 1, contentId: hex(ID), ...init });
    const bytes = toBinary(TicketSchema, message);
    await write(name, bytes, ticketText(bytes));
    await writeMessageJson("tickets", name, TicketSchema, message);
  };
  for (const [name, ticket] of Object.entries(cases.TICKETS)) {
    const text = encodeTicket(ticket);
    const bytes = bech32m.decodeToBytes(text, 600).bytes;
    await write(name, bytes, text);
    await writeMessageJson("tickets", name, TicketSchema, fromBinary(TicketSchema, bytes));
    index[name] = { ticket: ticketJson(ticket), written: true };
  }
  for (const [name, [init, ticket]] of Object.entries(cases.ODD_TICKETS)) {
    await writeMessage(name, init);
    index[name] = { ticket: ticketJson(ticket), written: false };
  }
  for (const [name, init] of Object.entries(cases.BAD_TICKETS)) {
    await writeMessage(name, init);
    index[name] = { error: "TICKET_INVALID" };
  }
  const good = toBinary(TicketSchema, create(TicketSchema, { format: 1, contentId: hex(ID) }));
  const raw = {
    "bad-doubled-field": withField(good, "08 01"),
    "bad-unknown-field": withField(good, "38 01"),
  };
  for (const [name, bytes] of Object.entries(raw)) {
    await write(name, bytes, ticketText(bytes));
    index[name] = { error: "TICKET_INVALID" };
  }
  await write("newer-format", hex("08 02 ff"), ticketText(hex("08 02 ff")));
  index["newer-format"] = { error: "NEWER_FORMAT" };
  const text = ticketText(good);
  await writeText("tickets", "bad-checksum.txt", `${text.slice(0, -1)}${text.endsWith("q") ? "p" : "q"}\n`);
  index["bad-checksum"] = { error: "TICKET_INVALID" };
  await writeIndex("tickets", index);
}

async function generateManifestFiles(): Promise<void> {
  const index: Record<string, JsonValue> = {};
  const trackers = [NAMED, TLS_TRACKER];
  const peers = [PEER4, PEER6];
  for (const name of ["one-file", "folder", "paged"]) {
    const manifest = cases.manifestOf(name);
    const bytes = encodeManifestFile({ root: manifest.root.bytes, trackers, peers });
    await writeVector("manifest-files", name, bytes);
    await writeMessageJson("manifest-files", name, ManifestFileSchema, fromBinary(ManifestFileSchema, bytes));
    const endpoints = { trackers: trackers.map(endpointJson), peers: peers.map(endpointJson) };
    index[name] = { contentId: manifest.root.contentId, body: name !== "paged", ...endpoints };
  }
  const good = encodeManifestFile({ root: cases.GOOD_ROOT, trackers: [], peers: [] });
  const raw: Readonly<Record<string, readonly [Uint8Array, string]>> = {
    "bad-empty": [new Uint8Array(0), "MANIFEST_FILE_INVALID"],
    "bad-cut-short": [good.subarray(0, -1), "MANIFEST_FILE_INVALID"],
    "bad-second-body": [withField(good, "2a 01 00"), "MANIFEST_FILE_INVALID"],
    "bad-no-manifest": [hex("08 01"), "MANIFEST_FILE_INVALID"],
    "bad-manifest": [hex("08 01 12 02 08 01"), "MANIFEST_INVALID"],
    "newer-format": [hex("08 02"), "NEWER_FORMAT"],
  };
  for (const [name, [bytes, error]] of Object.entries(raw)) {
    await writeVector("manifest-files", name, bytes);
    index[name] = { error };
  }
  await writeIndex("manifest-files", index);
}

async function generateLayouts(): Promise<void> {
  const chunkSize = 64 * KIB;
  const sizes: Readonly<Record<string, readonly number[]>> = {
    none: [],
    "only-empty-files": [0, 0],
    "one-byte": [1],
    "exactly-a-chunk": [chunkSize],
    "a-chunk-and-a-byte": [chunkSize + 1],
    "pack-filled-exactly": [1, chunkSize - 1, 1],
    "pack-overflows": [2, chunkSize - 1, 1],
    "large-file-leaves-pack-open": [10, 3 * chunkSize + 5, 0, 10, chunkSize, 10],
    "pack-of-1024-files": new Array<number>(1025).fill(3),
  };
  const index: Record<string, JsonValue> = {};
  for (const [name, fileSizes] of Object.entries(sizes)) {
    const chunks = naiveLayout(fileSizes, chunkSize).map((segments) =>
      segments.map(({ fileIndex, fileOffset, chunkOffset, length }) =>
        [fileIndex, fileOffset, chunkOffset, length].join(" "),
      ),
    );
    index[name] = { chunkSize, fileSizes: [...fileSizes], chunks };
  }
  await writeIndex("layouts", index);
}

async function generateIds(): Promise<void> {
  const texts: readonly string[] = [ID, ID.toUpperCase(), ` ${ID}\n`];
  const index: Record<string, JsonValue> = {};
  for (const text of texts) index[text] = ID;
  for (const text of ["", "00", `${ID}0`, ID.slice(1), `0x${ID}`, `g${ID.slice(1)}`]) index[text] = null;
  await writeIndex("ids", index);
}

await generateManifests();
await generateTickets();
await generateManifestFiles();
await generateLayouts();
await generateIds();

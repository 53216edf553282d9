// The committed vectors against this implementation: read as index.json says, written to exactly these bytes.
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { Endpoint } from "../../src/address/endpoint.js";
import { decodeTicket, encodeTicket, type Ticket } from "../../src/address/ticket.js";
import { GoshareError } from "../../src/core/errors.js";
import { parseContentId } from "../../src/core/ids.js";
import { assembleManifest } from "../../src/manifest/assemble.js";
import { checkManifest, checkRoot } from "../../src/manifest/check.js";
import { computeLayout } from "../../src/manifest/layout.js";
import type { FileEntry, Manifest, SymbolicLink } from "../../src/manifest/manifest.js";
import { decodeManifestFile, encodeManifestFile } from "../../src/storage/manifest-file.js";
import { bodyBytes, madeUpDigests } from "../manifest/craft.js";
import { type Room, readText, readVector, vectorNames } from "./store.js";

interface Refused {
  readonly error: string;
}
type Index<T> = Readonly<Record<string, T | Refused>>;

async function readIndex<T>(room: Room): Promise<Index<T>> {
  const index: Index<T> = JSON.parse(await readText(room, "index.json"));
  return index;
}

/** Vectors of a room, in two lists. */
async function vectorsOf<T extends object>(room: Room) {
  const index = await readIndex<T>(room);
  const accepted: (readonly [string, T])[] = [];
  const refused: (readonly [string, Refused])[] = [];
  for (const [name, expected] of Object.entries(index)) {
    if ("error" in expected) refused.push([name, expected]);
    else accepted.push([name, expected]);
  }
  assert.ok(accepted.length > 0);
  return { accepted, refused };
}

function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (thrown) {
    if (thrown instanceof GoshareError) return thrown.code;
    throw thrown;
  }
  return "nothing was thrown";
}

/** The body of manifests/paged.binpb, which is not stored. */
function pagedBody(): Uint8Array {
  return bodyBytes({
    files: [{ path: "paged", size: 16_385n * 65_536n }],
    chunkDigests: madeUpDigests(16_385),
  });
}

function readWhole(rootBytes: Uint8Array): Manifest {
  const root = checkRoot(rootBytes);
  return checkManifest(root, root.inlineBody ?? pagedBody());
}

test("good manifests have their content ids", async () => {
  const { accepted } = await vectorsOf<{ contentId: string }>("manifests");
  for (const [name, { contentId }] of accepted) {
    assert.is(checkRoot(await readVector("manifests", name)).contentId, contentId, name);
  }
});

test("good bodies hold their entries, and stand in the root of the same name", async () => {
  interface Body {
    readonly files: readonly FileEntry[];
    readonly emptyDirectories: readonly string[];
    readonly symbolicLinks: readonly SymbolicLink[];
    readonly chunks: number;
  }
  for (const [name, { chunks, ...entries }] of (await vectorsOf<Body>("bodies")).accepted) {
    const root = checkRoot(await readVector("manifests", name));
    const manifest = checkManifest(root, await readVector("bodies", name));
    const { files, emptyDirectories, symbolicLinks } = manifest;
    assert.equal({ files, emptyDirectories, symbolicLinks }, entries, name);
    assert.is(manifest.layout.chunkCount, chunks, name);
  }
});

test("manifests are written to exactly these bytes", async () => {
  for (const [name] of (await vectorsOf("manifests")).accepted) {
    // No writer of format 1 writes hints.
    if (name === "hints") continue;
    const bytes = await readVector("manifests", name);
    const { root, files, emptyDirectories, symbolicLinks, chunkDigests } = readWhole(bytes);
    const { kind, chunkSize } = root;
    const content = {
      name: root.name,
      kind,
      chunkSize,
      files,
      emptyDirectories,
      symbolicLinks,
      chunkDigests,
    };
    assert.is(Buffer.compare(assembleManifest(content).root.bytes, bytes), 0, name);
  }
});

test("bad manifests are refused with their codes, at the stage they say", async () => {
  const { refused } = await vectorsOf<{ contentId: string }>("manifests");
  assert.ok(refused.length > 50);
  for (const [name, expected] of refused) {
    const bytes = await readVector("manifests", name);
    assert.is(
      codeOf(() => readWhole(bytes)),
      expected.error,
      name,
    );
    const rootPasses = codeOf(() => checkRoot(bytes)) === "nothing was thrown";
    assert.is("stage" in expected && expected.stage === "body", rootPasses, name);
  }
});

test("tickets are read as they say and written to exactly these texts", async () => {
  const { accepted, refused } = await vectorsOf<{ ticket: Ticket; written: boolean }>("tickets");
  for (const [name, { ticket, written }] of accepted) {
    const text = (await readText("tickets", `${name}.txt`)).trim();
    assert.equal(decodeTicket(text), ticket, name);
    assert.is(encodeTicket(ticket) === text, written, name);
  }
  for (const [name, { error }] of refused) {
    const text = await readText("tickets", `${name}.txt`);
    assert.is(
      codeOf(() => decodeTicket(text)),
      error,
      name,
    );
  }
});

test(".goshare files are read as they say and written to exactly these bytes", async () => {
  interface File {
    readonly contentId: string;
    readonly body: boolean;
    readonly trackers: readonly Endpoint[];
    readonly peers: readonly Endpoint[];
  }
  const { accepted, refused } = await vectorsOf<File>("manifest-files");
  for (const [name, { contentId, body, trackers, peers }] of accepted) {
    const bytes = await readVector("manifest-files", name);
    const read = decodeManifestFile(bytes);
    assert.is(read.root.contentId, contentId, name);
    assert.is(read.manifest !== undefined, body, name);
    assert.equal({ trackers: read.trackers, peers: read.peers }, { trackers, peers }, name);
    const written = encodeManifestFile({ root: read.root.bytes, trackers, peers });
    assert.is(Buffer.compare(written, bytes), 0, name);
  }
  for (const [name, { error }] of refused) {
    const bytes = await readVector("manifest-files", name);
    assert.is(
      codeOf(() => decodeManifestFile(bytes)),
      error,
      name,
    );
  }
});

test("layouts are as they say", async () => {
  interface Case {
    readonly chunkSize: number;
    readonly fileSizes: readonly number[];
    readonly chunks: readonly (readonly string[])[];
  }
  for (const [name, { chunkSize, fileSizes, chunks }] of (await vectorsOf<Case>("layouts")).accepted) {
    const layout = computeLayout(fileSizes, chunkSize);
    const found = chunks.map((_, index) =>
      layout
        .segments(index)
        .map(({ fileIndex, fileOffset, chunkOffset, length }) =>
          [fileIndex, fileOffset, chunkOffset, length].join(" "),
        ),
    );
    assert.equal(found, chunks, name);
    assert.is(layout.chunkCount, chunks.length, name);
  }
});

test("content ids are told from other texts", async () => {
  const index: Readonly<Record<string, string | null>> = JSON.parse(await readText("ids", "index.json"));
  for (const [text, id] of Object.entries(index))
    assert.is(parseContentId(text) ?? null, id, JSON.stringify(text));
});

test("every vector is in its index", async () => {
  for (const room of ["manifests", "tickets", "manifest-files"] as const) {
    const index = await readIndex(room);
    for (const name of await vectorNames(room, ".binpb")) assert.ok(name in index, `${room}/${name}`);
  }
  const manifests = await readIndex("manifests");
  for (const name of await vectorNames("bodies", ".binpb")) assert.ok(name in manifests, `bodies/${name}`);
});

test.run();

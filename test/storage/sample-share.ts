// Shares made up for tests: content that follows from the path alone, a manifest that describes it, and what a
// disk has to hold when it was downloaded.
import { createCipheriv, createHash } from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";
import { KIB } from "../../src/core/units.js";
import { assembleManifest } from "../../src/manifest/assemble.js";
import type { FileEntry, Manifest, ShareKind, SymbolicLink } from "../../src/manifest/manifest.js";
import { sortEntries } from "../../src/manifest/names.js";
import { file } from "../manifest/craft.js";
import { naiveLayout } from "../manifest/naive-layout.js";

export interface SampleShare {
  readonly manifest: Manifest;
  /** The bytes of chunk `chunkIndex`. */
  chunk(chunkIndex: number): Buffer;
}

export interface SampleInit {
  readonly name?: string;
  readonly kind?: ShareKind;
  readonly chunkSize?: number;
  readonly files?: readonly FileEntry[];
  readonly emptyDirectories?: readonly string[];
  readonly symbolicLinks?: readonly SymbolicLink[];
}

export const CHUNK = 64 * KIB;

/** `size` bytes that follow from `filePath`. */
export function contentOf(filePath: string, size: number): Buffer {
  const key = createHash("sha256").update(filePath).digest().subarray(0, 16);
  return createCipheriv("aes-128-ctr", key, Buffer.alloc(16)).update(Buffer.alloc(size));
}

export function sampleShare(init: SampleInit): SampleShare {
  const files = sortEntries(init.files ?? []);
  const chunkSize = init.chunkSize ?? CHUNK;
  const sizes = files.map(({ size }) => size);
  const chunks = naiveLayout(sizes, chunkSize).map((segments) =>
    Buffer.concat(
      segments.map(({ fileIndex, fileOffset, length }) => {
        const { path: filePath, size } = files[fileIndex] ?? file("");
        return contentOf(filePath, size).subarray(fileOffset, fileOffset + length);
      }),
    ),
  );
  const digests = chunks.map((chunk) => createHash("sha256").update(chunk).digest());
  const manifest = assembleManifest({
    name: init.name ?? "sample",
    kind: init.kind ?? "folder",
    chunkSize,
    files,
    emptyDirectories: init.emptyDirectories ?? [],
    symbolicLinks: init.symbolicLinks ?? [],
    chunkDigests: Buffer.concat(digests),
  });
  return { manifest, chunk: (chunkIndex) => chunks[chunkIndex] ?? Buffer.alloc(0) };
}

export function singleFile(size: number, init: { name?: string; executable?: boolean } = {}): SampleShare {
  const name = init.name ?? "big.bin";
  return sampleShare({ name, kind: "file", files: [file(name, size, init.executable)] });
}

/** Every form an entry can have: packs, large files with tails, an empty file, modes, folders, links. */
export function mixedFolder(name = "mixed"): SampleShare {
  return sampleShare({
    name,
    files: [
      file("a/one", 10),
      file("a/two", 1000, true),
      file("b/deep/large", 2 * CHUNK + 123),
      file("b/deep/run", CHUNK, true),
      file("empty"),
      file("empty-run", 0, true),
      file("z", 5000),
    ],
    emptyDirectories: ["hollow", "nested/hollow"],
    symbolicLinks: [
      { path: "a/to-large", target: "../b/deep/large" },
      { path: "links/nowhere", target: "missing" },
      { path: "to-folder", target: "b" },
    ],
  });
}

/** Puts the share's files, folders and links at `rootPath`, as somebody has them who shares it. */
export function writeSource(rootPath: string, { manifest }: SampleShare): void {
  const place = (entryPath: string) => {
    const absolute = manifest.root.kind === "file" ? rootPath : path.join(rootPath, entryPath);
    fs.mkdirSync(path.dirname(absolute), { recursive: true });
    return absolute;
  };
  for (const entry of manifest.files) {
    fs.writeFileSync(place(entry.path), contentOf(entry.path, entry.size), {
      mode: entry.executable ? 0o755 : 0o644,
    });
  }
  for (const directory of manifest.emptyDirectories) fs.mkdirSync(place(directory));
  for (const link of manifest.symbolicLinks) fs.symlinkSync(link.target, place(link.path));
}

/** One line for each entry: what is there, or what should be. */
export type Tree = Readonly<Record<string, string>>;

const fileLine = (bytes: Uint8Array, executable: boolean) =>
  `${executable ? "program" : "file"} ${bytes.byteLength} ${createHash("sha256").update(bytes).digest("hex")}`;

/** What must stand under the final name. The entry "" is the file or folder itself. */
export function expectedTree({ manifest }: SampleShare): Tree {
  const tree: Record<string, string> = {};
  const lineOf = (entry: FileEntry) => fileLine(contentOf(entry.path, entry.size), entry.executable);
  if (manifest.root.kind === "file") return { "": lineOf(manifest.files[0] ?? file("")) };
  const addFolders = (directory: string): void => {
    tree[directory === "." ? "" : directory] = "folder";
    if (directory !== ".") addFolders(path.dirname(directory));
  };
  addFolders(".");
  for (const entry of manifest.files) {
    tree[entry.path] = lineOf(entry);
    addFolders(path.dirname(entry.path));
  }
  for (const directory of manifest.emptyDirectories) addFolders(directory);
  for (const link of manifest.symbolicLinks) {
    tree[link.path] = `link ${link.target}`;
    addFolders(path.dirname(link.path));
  }
  return tree;
}

/** What stands at `targetPath`; empty if nothing does. */
export function actualTree(targetPath: string): Tree {
  const tree: Record<string, string> = {};
  const visit = (absolute: string): void => {
    const relative = path.relative(targetPath, absolute);
    const stats = fs.lstatSync(absolute);
    if (stats.isSymbolicLink()) tree[relative] = `link ${fs.readlinkSync(absolute)}`;
    else if (stats.isFile()) {
      tree[relative] = fileLine(fs.readFileSync(absolute), (stats.mode & 0o100) !== 0);
    } else {
      tree[relative] = "folder";
      for (const name of fs.readdirSync(absolute)) visit(path.join(absolute, name));
    }
  };
  if (fs.lstatSync(targetPath, { throwIfNoEntry: false }) !== undefined) visit(targetPath);
  return tree;
}

// Where the vectors lie and how one is read and written.
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import type { DescMessage, JsonValue, MessageShape } from "@bufbuild/protobuf";
import { toJsonString } from "@bufbuild/protobuf";

// From dist/test/vectors to test/vectors.
const ROOT = new URL("../../../test/vectors/", import.meta.url);

export type Room = "manifests" | "bodies" | "tickets" | "manifest-files" | "layouts" | "ids";

export function vectorUrl(room: Room, fileName: string): URL {
  return new URL(`${room}/${fileName}`, ROOT);
}

export async function readVector(room: Room, name: string): Promise<Uint8Array> {
  return new Uint8Array(await readFile(vectorUrl(room, `${name}.binpb`)));
}

export async function readText(room: Room, fileName: string): Promise<string> {
  return await readFile(vectorUrl(room, fileName), "utf8");
}

/** Names of the vectors that have a file with this ending. */
export async function vectorNames(room: Room, ending: string): Promise<readonly string[]> {
  const files = await readdir(vectorUrl(room, ""));
  return files
    .filter((file) => file.endsWith(ending) && file !== "index.json")
    .map((file) => file.slice(0, -ending.length));
}

export async function writeVector(room: Room, name: string, bytes: Uint8Array): Promise<void> {
  await mkdir(vectorUrl(room, ""), { recursive: true });
  await writeFile(vectorUrl(room, `${name}.binpb`), bytes);
}

export async function writeMessageJson<D extends DescMessage>(
  room: Room,
  name: string,
  desc: D,
  message: MessageShape<D>,
): Promise<void> {
  await writeFile(vectorUrl(room, `${name}.json`), `${toJsonString(desc, message, { prettySpaces: 2 })}\n`);
}

export async function writeText(room: Room, fileName: string, text: string): Promise<void> {
  await mkdir(vectorUrl(room, ""), { recursive: true });
  await writeFile(vectorUrl(room, fileName), text);
}

export async function writeIndex(room: Room, index: JsonValue): Promise<void> {
  await writeText(room, "index.json", `${JSON.stringify(index, null, 2)}\n`);
}

// Writes the vectors in frames/. Run by hand: node dist/test/vectors/generate-frames.js. Vectors that are there
// already must come out the same.
import { mkdir, writeFile } from "node:fs/promises";
import { create, toBinary, toJsonString } from "@bufbuild/protobuf";
import { PeerFrameSchema } from "../../gen/goshare/v1/peer_pb.js";
import { decodeHeader } from "../../src/peer/wire.js";
import type { BodyInit } from "../support/scripted-peer.js";
import { BAD_FRAMES, FRAMES, GOOD_FRAMES, RAW_BAD_FRAMES, UNKNOWN_FRAMES } from "./frame-cases.js";

const index: Record<string, unknown> = {};

async function writeMessage(name: string, requestId: number, body: BodyInit): Promise<Uint8Array> {
  const message = create(PeerFrameSchema, { requestId, body });
  const bytes = toBinary(PeerFrameSchema, message);
  await writeFile(new URL(`${name}.binpb`, FRAMES), bytes);
  const json = toJsonString(PeerFrameSchema, message, { prettySpaces: 2 });
  await writeFile(new URL(`${name}.json`, FRAMES), `${json}\n`);
  return bytes;
}

async function writeRaw(name: string, hex: string): Promise<Uint8Array> {
  const bytes = Buffer.from(hex.replaceAll(" ", ""), "hex");
  await writeFile(new URL(`${name}.binpb`, FRAMES), bytes);
  return bytes;
}

await mkdir(FRAMES, { recursive: true });
for (const [name, [id, body]] of Object.entries(GOOD_FRAMES))
  index[name] = decodeHeader(await writeMessage(name, id, body));
for (const [name, hex] of Object.entries(UNKNOWN_FRAMES))
  index[name] = decodeHeader(await writeRaw(name, hex));
for (const [name, [id, body]] of Object.entries(BAD_FRAMES)) {
  await writeMessage(name, id, body);
  index[name] = { error: "PEER_PROTOCOL" };
}
for (const [name, hex] of Object.entries(RAW_BAD_FRAMES)) {
  await writeRaw(name, hex);
  index[name] = { error: "PEER_PROTOCOL" };
}
await writeFile(new URL("index.json", FRAMES), `${JSON.stringify(index, null, 2)}\n`);

// The vectors against an encoder in another language: buf turns each vector's JSON into the very bytes of it.
import { execFile } from "node:child_process";
import { createRequire } from "node:module";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { type Room, readVector, vectorNames, vectorUrl } from "./store.js";

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
const BUF = path.join(
  path.dirname(createRequire(import.meta.url).resolve("@bufbuild/buf/package.json")),
  "bin",
  "buf",
);

async function assertEncodedAlike(
  room: Room,
  type: string,
  wanted: (name: string) => boolean,
): Promise<void> {
  const names = (await vectorNames(room, ".json")).filter(wanted);
  assert.ok(names.length > 0);
  for (const name of names) {
    const from = `${fileURLToPath(vectorUrl(room, `${name}.json`))}#format=json`;
    const args = [BUF, "convert", "proto", "--type", type, "--from", from, "--to", "-#format=binpb"];
    const { stdout } = await run(process.execPath, args, { cwd: ROOT, encoding: "buffer", timeout: 60_000 });
    assert.is(
      stdout.toString("hex"),
      Buffer.from(await readVector(room, name)).toString("hex"),
      `${room}/${name}`,
    );
  }
}

const good = (name: string) => !name.startsWith("bad-");

test("manifests are encoded alike", async () => {
  await assertEncodedAlike("manifests", "goshare.v1.Manifest", good);
});

test("bodies are encoded alike", async () => {
  await assertEncodedAlike("bodies", "goshare.v1.ManifestBody", good);
});

test("tickets are encoded alike", async () => {
  await assertEncodedAlike("tickets", "goshare.v1.Ticket", good);
});

test(".goshare files are encoded alike", async () => {
  await assertEncodedAlike("manifest-files", "goshare.v1.ManifestFile", good);
});

test.run();

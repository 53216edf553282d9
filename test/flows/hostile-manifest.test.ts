// Manifests that no goshare would write, with the content id that was asked for, as a user meets them: through a
// tracker, from a peer, in a .goshare file. Each ends the command at once, and nothing is made on the disk.
import { createHash } from "node:crypto";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { create, toBinary } from "@bufbuild/protobuf";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { ManifestFileSchema } from "../../gen/goshare/v1/endpoint_pb.js";
import { encodeTicket } from "../../src/address/ticket.js";
import { type ContentId, contentIdFromBytes } from "../../src/core/ids.js";
import { KIB } from "../../src/core/units.js";
import { bodyBytes, madeUpDigests, rootBytes, withField } from "../manifest/craft.js";
import { right, serving } from "../support/chunk-answers.js";
import { closeFakeTrackers, givingManifest, startFakeTracker } from "../support/fake-tracker.js";
import { killAll } from "../support/goshare-process.js";
import { runGoshare } from "../support/goshare-text.js";
import { ScratchFolder } from "../support/scratch-folder.js";
import { destroyScripted, ScriptedListener } from "../support/scripted-peer.js";
import { smallShare } from "../support/small-share.js";

const scratch = new ScratchFolder();

test.after(async () => {
  killAll();
  destroyScripted();
  await closeFakeTrackers();
  scratch.remove();
});

const file = (path: string, size: number) => ({ path, size: BigInt(size) });

const TWO_CHUNKS = { chunkCount: 2, totalSize: BigInt(128 * KIB), entryCount: 1 };

/** A folder that holds one file of two chunks, called `path`. */
const named = (path: string) => {
  const body = bodyBytes({ files: [file(path, 128 * KIB)], chunkDigests: madeUpDigests(2) });
  return rootBytes(body, TWO_CHUNKS);
};

const twice = bodyBytes({
  files: [file("a", 64 * KIB), file("a", 64 * KIB)],
  chunkDigests: madeUpDigests(2),
});
const sound = bodyBytes({ files: [file("a", 128 * KIB)], chunkDigests: madeUpDigests(2) });
const fewDigests = bodyBytes({ files: [file("a", 128 * KIB)], chunkDigests: madeUpDigests(1) });

/** Root, exit code, and what the one line says. */
const HOSTILE: Readonly<Record<string, readonly [Uint8Array, number, RegExp]>> = {
  "a path that climbs out": [named("../evil"), 5, /"\.\.\/evil"/],
  "an absolute path": [named("/etc/evil"), 5, /"\/etc\/evil"/],
  "a path with NUL": [named("a\0b"), 5, /path/],
  "a path with a line break and a colour": [named("a\n\u001b[31mb"), 5, /path/],
  "a path that changes the direction of writing": [named("a\u202eb"), 5, /path/],
  "a share's name that climbs out": [rootBytes(sound, { ...TWO_CHUNKS, name: ".." }), 5, /name/],
  "one path twice": [rootBytes(twice, { ...TWO_CHUNKS, entryCount: 2 }), 5, /"a" appears twice/],
  "sizes that overflow": [
    rootBytes(sound, { ...TWO_CHUNKS, totalSize: 2n ** 64n - 1n }),
    5,
    /18446744073709551615/,
  ],
  "sizes that are not those of its files": [
    rootBytes(sound, { ...TWO_CHUNKS, totalSize: BigInt(100 * KIB) }),
    5,
    /bytes/,
  ],
  "a digest too few": [rootBytes(fewDigests, TWO_CHUNKS), 5, /digests/],
  "an unknown field": [withField(rootBytes(sound, TWO_CHUNKS), "f8 06 01"), 5, /cannot be read/],
  "a field twice": [withField(rootBytes(sound, TWO_CHUNKS), "08 01"), 5, /cannot be read/],
  "the format of a newer goshare": [rootBytes(sound, { ...TWO_CHUNKS, format: 99 }), 2, /newer goshare/],
};

function contentIdOf(root: Uint8Array): ContentId {
  const id = contentIdFromBytes(createHash("sha256").update(root).digest());
  if (id === undefined) throw new Error("a digest is a content id");
  return id;
}

/** The download of `what` ends with `exitCode`, one line that says `text` and a hint, long before its time limit;
 * its output folder is not even made. */
async function refused(
  argv: readonly string[],
  exitCode: number,
  text: RegExp,
  timeout = "60s",
): Promise<void> {
  const output = join(scratch.folder(), "output");
  const startedMs = performance.now();
  const ran = await runGoshare([
    ...["download", ...argv, "--output", output, "--listen", "127.0.0.1:0", "--timeout", timeout, "--quiet"],
  ]);
  assert.ok(performance.now() - startedMs < 20_000, "it waited for others, who could not help");
  const lines = ran.stderr.trimEnd().split("\n");
  assert.is(lines.length, 2, ran.stderr);
  assert.match(lines[0] ?? "", /^error: /);
  assert.match(lines[0] ?? "", text);
  assert.match(lines[1] ?? "", /^ {2}\w/);
  // Nothing of a hostile name reaches the terminal as it is.
  assert.not.match(ran.stderr, /[^\P{Cc}\n]|\u202e/u);
  assert.is(ran.exitCode, exitCode, ran.stderr);
  assert.is(ran.stdout, "");
  assert.not.ok(existsSync(output));
}

for (const [what, [root, exitCode, text]] of Object.entries(HOSTILE)) {
  test(`${what}, from a tracker`, async () => {
    const tracker = await startFakeTracker(givingManifest(root));
    await refused([contentIdOf(root), "--tracker", tracker.endpoint], exitCode, text);
    await tracker.close();
  });
}

for (const what of ["a path that climbs out", "a field twice", "the format of a newer goshare"]) {
  const [root = new Uint8Array(0), exitCode = 0, text = /./] = HOSTILE[what] ?? [];

  test(`${what}, from a peer`, async () => {
    const listener = await ScriptedListener.listen(
      serving({
        ...{ share: smallShare(1), answer: right },
        manifestPage: (peer, id, page) =>
          void peer.send({ case: "manifestData", value: { page } }, { id, payload: root }),
      }),
    );
    const ticket = encodeTicket({
      ...{ contentId: contentIdOf(root), name: "", trackers: [], peers: [listener.endpoint] },
    });
    await refused([ticket], exitCode, text);
    listener.close();
  });

  test(`${what}, in a .goshare file`, async () => {
    const path = join(scratch.folder(), "hostile.goshare");
    const message = create(ManifestFileSchema, { format: 1, manifest: root });
    writeFileSync(path, toBinary(ManifestFileSchema, message));
    await refused([path], exitCode, text);
  });
}

test("a body that does not match its root, in a .goshare file", async () => {
  // More digests than a root holds itself.
  const CHUNKS = 20_000;
  const body = bodyBytes({ files: [file("a", CHUNKS * 64 * KIB)], chunkDigests: madeUpDigests(CHUNKS) });
  const root = rootBytes(body, {
    ...{ chunkCount: CHUNKS, totalSize: BigInt(CHUNKS * 64 * KIB), entryCount: 1 },
  });
  const wrong = Uint8Array.from(body);
  wrong.set([1], wrong.length - 1);
  const path = join(scratch.folder(), "body.goshare");
  writeFileSync(
    path,
    toBinary(ManifestFileSchema, create(ManifestFileSchema, { format: 1, manifest: root, body: wrong })),
  );
  await refused([path], 5, /page 1 of the manifest's body does not match its digest/);
});

test("a peer that sends another manifest than the one that was asked for: exit 5 when nobody else helps", async () => {
  const share = smallShare(1);
  const listener = await ScriptedListener.listen(
    serving({
      ...{ share, answer: right },
      manifestPage: (peer, id, page) =>
        void peer.send({ case: "manifestData", value: { page } }, { id, payload: Buffer.alloc(500, 1) }),
    }),
  );
  const { contentId, name } = share.manifest.root;
  const ticket = encodeTicket({ contentId, name, trackers: [], peers: [listener.endpoint] });
  await refused([ticket], 5, /another content id/, "3s");
  listener.close();
});

test.run();

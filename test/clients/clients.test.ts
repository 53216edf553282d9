// Programs in other languages, made from the protos alone, download what goshare shares. Their tools are put in
// place by .ci/install-client-tools, whose folder GOSHARE_CLIENT_TOOLS names.
import { execFile } from "node:child_process";
import { chmodSync, cpSync, existsSync, mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { KIB, MIB } from "../../src/core/units.js";
import { killAll } from "../support/goshare-process.js";
import { REPOSITORY } from "../support/repository.js";
import { ScratchFolder, writeRandom } from "../support/scratch-folder.js";
import { skipTest } from "../support/skip-test.js";
import { startShare } from "../support/transfer.js";
import { treeLines } from "../support/tree-lines.js";

const run = promisify(execFile);
const RUN_LIMIT_MS = 60_000;
const PROTOS = ["manifest", "endpoint", "peer"].map((name) => `goshare/v1/${name}.proto`);
const CLIENTS = join(REPOSITORY, "test", "clients");
const tools = process.env["GOSHARE_CLIENT_TOOLS"] ?? "";

const scratch = new ScratchFolder();
test.after(() => {
  killAll();
  scratch.remove();
});

/** Downloads what the .goshare file names into a folder. */
type Client = (manifestPath: string, output: string) => Promise<unknown>;

async function pythonClient(): Promise<Client> {
  const python = join(tools, "python", "bin", "python");
  const generated = scratch.folder();
  const include = join(REPOSITORY, "proto");
  await run(python, ["-m", "grpc_tools.protoc", "-I", include, "--python_out", generated, ...PROTOS]);
  const env = { ...process.env, PYTHONPATH: generated, PYTHONDONTWRITEBYTECODE: "1" };
  const program = join(CLIENTS, "python", "download.py");
  return (manifestPath, output) =>
    run(python, [program, manifestPath, output], { env, timeout: RUN_LIMIT_MS });
}

async function goClient(): Promise<Client> {
  const folder = scratch.folder();
  cpSync(join(CLIENTS, "go"), folder, { recursive: true });
  const plugin = {
    local: join(tools, "go", "protoc-gen-go"),
    out: join(folder, "gen"),
    opt: "module=goshare.dev/gen",
  };
  const template = JSON.stringify({ version: "v2", plugins: [plugin] });
  const paths = PROTOS.flatMap((proto) => ["--path", join("proto", proto)]);
  const buf = join(REPOSITORY, "node_modules", ".bin", "buf");
  await run(buf, ["generate", "proto", ...paths, "--template", template], { cwd: REPOSITORY });
  const program = join(folder, "download");
  // What it needs was fetched with the tools.
  await run("go", ["build", "-o", program, "."], { cwd: folder, env: { ...process.env, GOPROXY: "off" } });
  return (manifestPath, output) => run(program, [manifestPath, output], { timeout: RUN_LIMIT_MS });
}

const LANGUAGES = [
  { name: "Python", tool: join(tools, "python", "bin", "python"), make: pythonClient },
  { name: "Go", tool: join(tools, "go", "protoc-gen-go"), make: goClient },
];

function writeFolder(root: string): void {
  for (let i = 0; i < 1500; i++) writeRandom(join(root, `small ${i % 7}`, `${i}`), i % 50 === 0 ? 0 : 3 * i);
  writeRandom(join(root, "large"), 2 * MIB + 77);
  writeRandom(join(root, "exactly a chunk"), MIB);
  writeRandom(join(root, "just below"), MIB - 1);
  writeRandom(join(root, "tool.sh"), KIB);
  chmodSync(join(root, "tool.sh"), 0o755);
  mkdirSync(join(root, "nothing", "in it"), { recursive: true });
  symlinkSync("../tool.sh", join(root, "nothing", "link"));
}

for (const { name, tool, make } of LANGUAGES) {
  const title = `a client in ${name}, generated from the protos, downloads a file of 100 MiB and a folder`;
  if (tools === "" || !existsSync(tool)) {
    skipTest(title, `its tools are not there (.ci/install-client-tools, GOSHARE_CLIENT_TOOLS)`);
    continue;
  }
  test(title, async () => {
    const client = await make();
    const sources = scratch.folder();
    writeRandom(join(sources, "file"), 100 * MIB);
    writeFolder(join(sources, "folder"));
    for (const what of ["file", "folder"]) {
      const share = await startShare(join(sources, what));
      const output = scratch.folder();
      await client(share.manifestPath, output);
      assert.equal(treeLines(join(output, what)), treeLines(join(sources, what)));
      await share.process.stop();
    }
  });
}

test.run();

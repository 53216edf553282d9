import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { probeTracker } from "../../src/tracker/probe.js";
import { withTracker } from "./server/rig.js";

async function listening(server: Server): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

function at(port: number) {
  return { host: "127.0.0.1", port, transport: "tcp" } as const;
}

/** Whether the gRPC library is loaded in a fresh process after `code`, in which {path} is a module of src. */
function loadsGrpc(code: string): boolean {
  const script = `import { createRequire } from "node:module";
    ${code.replace(/\{([a-z/]+)\}/g, (_, path) => new URL(`../../src/${path}.js`, import.meta.url).href)}
    const { cache } = createRequire(${JSON.stringify(import.meta.url)});
    console.log(Object.keys(cache).some((file) => file.includes("grpc-js")));`;
  const options = ["--input-type=module", "--eval", script];
  const { stdout, stderr } = spawnSync(process.execPath, options, { encoding: "utf8" });
  assert.is(stderr, "");
  return stdout.trim() === "true";
}

test("a tracker is found", async () => {
  await withTracker({}, async ({ endpoint }) => {
    assert.ok(await probeTracker(endpoint, 20_000));
    assert.ok(await probeTracker({ ...endpoint, host: "localhost" }, 20_000));
  });
});

test("nobody, somebody silent, and somebody else are no tracker", async () => {
  const sockets: Socket[] = [];
  const silent = createServer((socket) => sockets.push(socket.on("error", () => {})));
  const rude = createServer((socket) => socket.on("error", () => {}).end("220 smtp ready\r\n"));
  const port = await listening(silent);
  const rudePort = await listening(rude);
  assert.not(await probeTracker(at(port), 50));
  assert.not(await probeTracker(at(rudePort), 1000));
  for (const socket of sockets) socket.destroy();
  silent.close();
  rude.close();
  await once(silent, "close");
  assert.not(await probeTracker(at(port), 50));
  assert.not(await probeTracker({ ...at(port), transport: "tls" }, 50));
});

test("the gRPC library is loaded only once something accepts connections", async () => {
  const nobody = `import { probeTracker } from "{tracker/probe}";
    await probeTracker({ host: "127.0.0.1", port: 1, transport: "tcp" }, 100);`;
  assert.not(loadsGrpc(nobody));
  const idle = `import { TrackerClient } from "{tracker/client}";
    const client = new TrackerClient({ host: "127.0.0.1", port: 1, transport: "tcp" }, { maxAttempts: 1 });`;
  assert.not(loadsGrpc(idle));
  assert.ok(loadsGrpc(`${idle} await client.info().catch(() => {}); await client.close();`));
});

test.run();

import { once } from "node:events";
import { connect, createServer } from "node:net";
import { create, createFileRegistry, fromBinary } from "@bufbuild/protobuf";
import { BinaryReader, BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { FileDescriptorProtoSchema, FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { Client, credentials } from "@grpc/grpc-js";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { TrackerService } from "../../../gen/goshare/v1/tracker_pb.js";
import { monotonicClock } from "../../../src/core/clock.js";
import { GoshareError } from "../../../src/core/errors.js";
import { defaultTrackerOptions } from "../../../src/tracker/server/options.js";
import { startTracker } from "../../../src/tracker/server/start.js";
import { MemoryStore } from "../../../src/tracker/server/stores/memory-store.js";
import { HealthWatch } from "./health-watch.js";
import { endpointOf, rawClient, type TrackerRig, withTracker } from "./rig.js";

async function startFailure(options: Parameters<typeof startTracker>[0]): Promise<GoshareError> {
  const started = await startTracker(options, () => {}).catch((error: unknown) => error);
  if (started instanceof GoshareError) return started;
  throw new Error("the tracker started");
}

const asIs = (bytes: Buffer): Buffer => bytes;

/** The fields of a message, by number: what a length-delimited one holds. */
function fieldsOf(bytes: Uint8Array): Map<number, Uint8Array[]> {
  const fields = new Map<number, Uint8Array[]>();
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const [number, wireType] = reader.tag();
    const value = wireType === WireType.LengthDelimited ? reader.bytes() : reader.skip(wireType, number);
    fields.set(number, [...(fields.get(number) ?? []), value]);
  }
  return fields;
}

/** Sends one request with a string in `field` to the reflection service; returns the response's fields. */
async function reflect(address: string, version: string, field: number, text: string) {
  const client = new Client(address, credentials.createInsecure());
  const path = `/grpc.reflection.${version}.ServerReflection/ServerReflectionInfo`;
  const call = client.makeBidiStreamRequest(path, asIs, asIs);
  const request = new BinaryWriter().tag(field, WireType.LengthDelimited).string(text).finish();
  call.write(Buffer.from(request));
  const [response] = await once(call, "data");
  call.end();
  call.resume();
  await once(call, "end");
  client.close();
  return fieldsOf(response);
}

test("a tracker says where it listens, at an address that can be dialled", async () => {
  await withTracker({}, async ({ endpoint, events }) => {
    assert.is(endpoint.host, "127.0.0.1");
    assert.equal(events, [{ type: "listening", endpoint: `127.0.0.1:${endpoint.port}` }]);
  });
});

test("a tracker listens at one host if told so", async () => {
  await withTracker({ listenHost: "127.0.0.2" }, async ({ endpoint, call }) => {
    assert.is(endpoint.host, "127.0.0.2");
    assert.is((await call(TrackerService.method.getTrackerInfo, {})).observedHost.startsWith("127."), true);
  });
});

test("a port that is taken is ADDRESS_IN_USE, with what to do", async () => {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  const error = await startFailure({ listenHost: "127.0.0.1", listenPort: address.port });
  assert.is(error.code, "ADDRESS_IN_USE");
  assert.match(error.message, `127.0.0.1:${address.port}`);
  assert.match(error.hint, "--listen");
  server.close();
});

test("an address of another machine, or a name that is none, is ADDRESS_IN_USE", async () => {
  assert.is((await startFailure({ listenHost: "192.0.2.1", listenPort: 0 })).code, "ADDRESS_IN_USE");
  assert.is(
    (await startFailure({ listenHost: "no.such.host.invalid", listenPort: 0 })).code,
    "ADDRESS_IN_USE",
  );
});

test("an option out of range is USAGE", async () => {
  assert.is((await startFailure({ listenPort: 70_000 })).code, "USAGE");
  assert.is((await startFailure({ listenPort: 0, maxPeers: 0 })).code, "USAGE");
  assert.is((await startFailure({ listenPort: 0, minRenewMs: 1 })).code, "USAGE");
});

test("health says SERVING for the server and its service, and NOT_SERVING while it stops", async () => {
  await withTracker({ shutdownGraceMs: 500 }, async ({ endpoint, close }) => {
    const watches = ["", TrackerService.typeName].map(
      (service) => new HealthWatch(`127.0.0.1:${endpoint.port}`, service),
    );
    for (const watch of watches) await watch.saw("SERVING");
    const closed = close();
    for (const watch of watches) await watch.ended; // a watcher never ends by itself
    await closed;
    for (const { statuses } of watches) assert.equal(statuses, ["SERVING", "NOT_SERVING"]);
    for (const watch of watches) watch.close();
  });
});

test("a watch of what is no service here is ended, and leaves nothing behind", async () => {
  await withTracker({}, async ({ endpoint }) => {
    for (const service of ["no.such.Service", "x".repeat(100_000)]) {
      const watch = new HealthWatch(`127.0.0.1:${endpoint.port}`, service);
      await watch.ended;
      assert.equal(watch.statuses, []);
      watch.close();
    }
  });
});

test("health says NOT_SERVING while the store cannot be used, which is said once, and SERVING again", async () => {
  let problem: Error | undefined;
  const store = new MemoryStore(defaultTrackerOptions, monotonicClock);
  const failing = Object.assign(store, {
    check: async () => {
      if (problem !== undefined) throw problem;
    },
  });
  const use = async ({ endpoint, events }: TrackerRig): Promise<void> => {
    const watch = new HealthWatch(`127.0.0.1:${endpoint.port}`);
    await watch.saw("SERVING");
    problem = new Error("connection lost");
    await watch.saw("NOT_SERVING");
    problem = undefined;
    await watch.saw("SERVING");
    const warnings = events.filter(({ type }) => type === "warning");
    assert.equal(warnings, [
      {
        ...{ type: "warning", code: "STORE_UNAVAILABLE", path: "" },
        message: "the tracker's store cannot be used: connection lost",
      },
    ]);
    watch.close();
  };
  await withTracker({ shutdownGraceMs: 100 }, use, failing);
});

test("reflection names the service and describes it so that calls can be made", async () => {
  await withTracker({}, async ({ endpoint }) => {
    const address = `127.0.0.1:${endpoint.port}`;
    for (const version of ["v1", "v1alpha"]) {
      const list = (await reflect(address, version, 7, "*")).get(6)?.[0] ?? new Uint8Array(0);
      const names = (fieldsOf(list).get(1) ?? []).map((service) => {
        return Buffer.from(fieldsOf(service).get(1)?.[0] ?? []).toString();
      });
      assert.equal(names, [TrackerService.typeName]);

      const found = (await reflect(address, version, 4, TrackerService.typeName)).get(4)?.[0];
      const file = (fieldsOf(found ?? new Uint8Array(0)).get(1) ?? []).map((bytes) =>
        fromBinary(FileDescriptorProtoSchema, bytes),
      );
      // The file itself comes first, then what it imports; a registry wants it the other way round.
      const set = create(FileDescriptorSetSchema, { file: file.reverse() });
      const registry = createFileRegistry(set);
      const service = registry.getService(TrackerService.typeName);
      assert.equal(Object.keys(service?.method ?? {}), Object.keys(TrackerService.method));
      const host = registry.getMessage("goshare.v1.Endpoint")?.field["host"];
      assert.is(host?.number, 1);
    }
  });
});

test("a tracker stops at once, with connections open that do nothing", async () => {
  const tracker = await startTracker({ listenPort: 0, shutdownGraceMs: 60_000 }, () => {});
  const endpoint = endpointOf(tracker.endpoint);
  const client = rawClient(endpoint);
  await client.call(TrackerService.method.getTrackerInfo, {}, { deadlineMs: 20_000 });
  const silent = connect(endpoint.port, endpoint.host);
  await once(silent, "connect");
  const ended = once(silent.resume(), "close");
  await tracker.close();
  await tracker.close();
  await ended;
  await client.close();
  const refused = connect(endpoint.port, endpoint.host);
  const [error] = await once(refused, "error");
  assert.is(error.code, "ECONNREFUSED");
});

test.run();

import * as dns from "node:dns";
import { mock } from "node:test";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { TrackerService } from "../../gen/goshare/v1/tracker_pb.js";
import { unary } from "../../src/rpc/adapter.js";
import { RpcServer } from "../../src/rpc/rpc-server.js";
import { UnaryClient } from "../../src/rpc/unary-client.js";
import { CLIENT_OPTIONS, LIMITS, methods, SERVER_OPTIONS } from "./rig.js";

const { getTrackerInfo } = TrackerService.method;

async function serve(host: string, port: number): Promise<{ server: RpcServer; port: number }> {
  const server = new RpcServer(SERVER_OPTIONS, () => {});
  const info = unary(getTrackerInfo, async () => ({ agent: host }));
  server.addService(TrackerService, methods({ getTrackerInfo: info }));
  return { server, port: (await server.listen(host, port)).port };
}

test("all machines behind one name take their turns, and what one leaves the others do", async () => {
  const hosts = ["127.0.0.1", "127.0.0.2"];
  const { server: first, port } = await serve("127.0.0.1", 0);
  const { server: second } = await serve("127.0.0.2", port);
  const lookup = async () => hosts.map((address) => ({ address, family: 4 }));
  const named = mock.method(dns.promises, "lookup", lookup);
  const client = new UnaryClient(TrackerService, "trackers.example", port, CLIENT_OPTIONS);
  try {
    const ask = async (): Promise<string> => (await client.call(getTrackerInfo, {}, LIMITS)).agent;
    // The second may still be dialled when the first is there.
    for (const seen = new Set<string>(); seen.size < 2; ) seen.add(await ask());
    const asked = [await ask(), await ask(), await ask(), await ask()];
    assert.equal(asked.filter((host) => host === "127.0.0.1").length, 2);
    await first.close();
    for (let n = 0; n < 4; n++) assert.is(await ask(), "127.0.0.2");
  } finally {
    await client.close();
    await Promise.all([first.close(), second.close()]);
    named.mock.restore();
  }
});

test.run();

import * as dns from "node:dns";
import { mock } from "node:test";
import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { TrackerService } from "../../gen/goshare/v1/tracker_pb.js";
import { unary } from "../../src/rpc/adapter.js";
import { ownOrder } from "../../src/rpc/one-address.js";
import { RpcServer } from "../../src/rpc/rpc-server.js";
import { UnaryClient } from "../../src/rpc/unary-client.js";
import { until } from "../support/until.js";
import { CLIENT_OPTIONS, LIMITS, methods, SERVER_OPTIONS } from "./rig.js";

const { getTrackerInfo } = TrackerService.method;
const FIRST = "127.0.0.1";
const SECOND = "127.0.0.2";

interface Machine {
  readonly server: RpcServer;
  readonly port: number;
}

async function serve(host: string, port: number): Promise<Machine> {
  // A connection ends with its call, so that every call chooses anew where to go.
  const server = new RpcServer({ ...SERVER_OPTIONS, idleTimeoutMs: 1 }, () => {});
  const info = unary(getTrackerInfo, async () => ({ agent: host }));
  server.addService(TrackerService, methods({ getTrackerInfo: info }));
  return { server, port: (await server.listen(host, port)).port };
}

async function agentAt(client: UnaryClient): Promise<string> {
  return (await client.call(getTrackerInfo, {}, LIMITS)).agent;
}

async function behindOneName(
  use: (first: Machine, second: Machine, client: () => UnaryClient) => Promise<void>,
): Promise<void> {
  const first = await serve(FIRST, 0);
  const second = await serve(SECOND, first.port);
  let lookups = 0;
  // As name servers do, each time another first.
  const lookup = async () => {
    const order = lookups++ % 2 === 0 ? [FIRST, SECOND] : [SECOND, FIRST];
    return order.map((address) => ({ address, family: 4 }));
  };
  const named = mock.method(dns.promises, "lookup", lookup);
  const clients: UnaryClient[] = [];
  const client = (): UnaryClient => {
    const made = new UnaryClient(TrackerService, "trackers.example", first.port, CLIENT_OPTIONS);
    clients.push(made);
    return made;
  };
  try {
    await use(first, second, client);
  } finally {
    for (const one of clients) await one.close();
    await Promise.all([first.server.close(), second.server.close()]);
    named.mock.restore();
  }
}

test("a client keeps to one of the machines behind a name, and all clients together use all of them", async () => {
  await behindOneName(async (first, second, client) => {
    const seen = new Set<string>();
    for (let n = 0; n < 50 && seen.size < 2; n++) {
      const one = client();
      const agent = await agentAt(one);
      seen.add(agent);
      for (let call = 0; call < 3; call++) {
        await until(() => first.server.connections + second.server.connections === 0);
        assert.is(await agentAt(one), agent);
      }
    }
    assert.equal([...seen].sort(), [FIRST, SECOND]);
  });
});

test("what one machine behind a name leaves another does", async () => {
  await behindOneName(async (first, second, client) => {
    const one = client();
    const isFirst = (await agentAt(one)) === FIRST;
    await (isFirst ? first : second).server.close();
    for (let n = 0; n < 4; n++) assert.is(await agentAt(one), isFirst ? SECOND : FIRST);
  });
});

const host = fc.oneof(fc.ipV4(), fc.ipV6());
const seed = fc.uint8Array({ minLength: 16, maxLength: 16 });
const asIs = (text: string): string => text;

test("the order of addresses depends on the client, and on their own only by which kind comes first", () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(host, { minLength: 1 }),
      seed,
      fc.func(fc.nat()),
      (hosts, ofClient, shuffle) => {
        const ordered = ownOrder(hosts, asIs, ofClient);
        assert.equal([...ordered].sort(), [...hosts].sort());
        const [first = "", ...others] = hosts;
        const otherwise = [first, ...others.sort((a, b) => shuffle(a) - shuffle(b))];
        assert.equal(ownOrder(otherwise, asIs, ofClient), ordered);
        assert.is(ordered[0]?.includes(":"), first.includes(":"));
      },
    ),
  );
});

test.run();

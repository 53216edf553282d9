// A client whose connection leads nowhere any more, as when a machine has got another address.
import * as net from "node:net";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { TrackerService } from "../../gen/goshare/v1/tracker_pb.js";
import { UnaryClient } from "../../src/rpc/unary-client.js";
import { CLIENT_OPTIONS, HOST, LIMITS, listening, statusOf, withRig } from "./rig.js";

const { getTrackerInfo } = TrackerService.method;

/** Leads to `port`. What stands when `lose` is called leads nowhere from then on, and nobody is told. */
class LossyPath {
  readonly #server: net.Server;
  readonly #sockets = new Set<net.Socket>();
  readonly port: number;

  private constructor(server: net.Server, ownPort: number, port: number) {
    this.#server = server;
    this.port = ownPort;
    server.on("connection", (near) => {
      const far = net.connect({ host: HOST, port });
      near.pipe(far).pipe(near);
      for (const socket of [near, far]) {
        this.#sockets.add(socket);
        socket.on("error", () => undefined);
      }
    });
  }

  static async to(port: number): Promise<LossyPath> {
    const server = net.createServer();
    return new LossyPath(server, await listening(server), port);
  }

  lose(): void {
    for (const socket of this.#sockets) socket.unpipe().pause();
  }

  close(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }
}

test("after a call without an answer the next one goes over another connection", async () => {
  await withRig({}, async ({ port }) => {
    const path = await LossyPath.to(port);
    const client = new UnaryClient(TrackerService, HOST, path.port, CLIENT_OPTIONS);
    await client.call(getTrackerInfo, {}, LIMITS);
    path.lose();
    assert.is(await statusOf(client.call(getTrackerInfo, {}, { deadlineMs: 200 })), "DEADLINE_EXCEEDED");
    await client.call(getTrackerInfo, {}, LIMITS);
    await client.close();
    path.close();
  });
});

test.run();

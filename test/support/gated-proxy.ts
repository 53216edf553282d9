// A TCP proxy in front of a peer or tracker that lets so many bytes through towards the one who dialled, and
// then holds everything back until it is opened: "the middle of a download" without a clock. Can cut what
// goes through it.
import * as net from "node:net";

export class GatedProxy {
  readonly #server: net.Server;
  readonly #sockets = new Set<net.Socket>();
  readonly #held = new Set<() => void>();
  readonly port: number;
  #allowedBytes: number;
  /** Where connections go, HOST:PORT; until it is known they are refused. */
  target = "";

  private constructor(server: net.Server, allowedBytes: number) {
    const address = server.address();
    if (address === null || typeof address === "string") throw new Error("a TCP server has an address");
    this.#server = server;
    this.#allowedBytes = allowedBytes;
    this.port = address.port;
    server.on("connection", (socket) => this.#connected(socket));
    // A test that failed before it closed its gate still ends.
    server.unref();
  }

  /** Listens on loopback. `allowedBytes` go to those who dial, all of them together, before the gate closes. */
  static start(allowedBytes: number): Promise<GatedProxy> {
    const server = net.createServer();
    return new Promise((resolve, reject) => {
      server.once("error", reject);
      server.listen(0, "127.0.0.1", () => resolve(new GatedProxy(server, allowedBytes)));
    });
  }

  get endpoint(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** So many more bytes may pass. */
  allow(bytes: number): void {
    this.#allowedBytes += bytes;
    for (const resume of [...this.#held]) resume();
  }

  /** Everything may pass from now on. */
  open(): void {
    this.allow(Number.POSITIVE_INFINITY);
  }

  /** Nothing passes any more. */
  shut(): void {
    this.#allowedBytes = 0;
  }

  /** Cuts what is connected, as when the machine behind it dies: what is held back hides that otherwise. */
  cut(): void {
    for (const socket of this.#sockets) {
      // Node never closes a socket that is reset while its end is on the way, and waits for it when the process ends.
      if (socket.writableEnded) socket.destroy();
      else socket.resetAndDestroy();
    }
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  #connected(near: net.Socket): void {
    if (this.target === "") {
      near.resetAndDestroy();
      return;
    }
    const [, host = "", port = ""] = /^\[?(.*?)\]?:(\d+)$/.exec(this.target) ?? [];
    const far = net.connect({ host, port: Number(port) });
    this.#tie(near, far);
    this.#tie(far, near);
    near.pipe(far);
    far.on("data", (data: Buffer) => {
      far.pause();
      this.#pass(data, near, far);
    });
    far.on("end", () => near.end());
  }

  /** The end of `socket` is the end of `other`, once that has sent what it was given. */
  #tie(socket: net.Socket, other: net.Socket): void {
    this.#sockets.add(socket);
    socket.unref();
    socket.on("error", () => undefined);
    socket.on("close", () => {
      this.#sockets.delete(socket);
      other.end();
      // Closed with something unread, it would be reset, and what it was given last be lost.
      other.unpipe().resume();
    });
  }

  /** Sends on as much of `data` as is allowed, the rest when more is. */
  #pass(data: Buffer, near: net.Socket, far: net.Socket): void {
    const allowed = data.subarray(0, Math.min(data.byteLength, this.#allowedBytes));
    const rest = data.subarray(allowed.byteLength);
    this.#allowedBytes -= allowed.byteLength;
    if (rest.byteLength === 0) {
      near.write(allowed, () => far.resume());
      return;
    }
    near.write(allowed);
    const drop = () => this.#held.delete(resume);
    const resume = () => {
      drop();
      far.off("close", drop);
      this.#pass(rest, near, far);
    };
    this.#held.add(resume);
    far.once("close", drop);
  }
}

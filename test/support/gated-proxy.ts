// A TCP proxy in front of a peer or tracker that lets a number of bytes through to whoever dialled, and then holds
// everything back until it is opened: "the middle of a download" without a clock. Can cut the connections through it.
import * as net from "node:net";

export class GatedProxy {
  readonly #server: net.Server;
  readonly #sockets = new Set<net.Socket>();
  readonly #held = new Set<() => void>();
  readonly port: number;
  #allowedBytes: number;
  /** Where connections go, HOST:PORT; they are refused until it is known. */
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

  /** Listens on loopback. Before the gate closes, `allowedBytes` go to all those together that dial. */
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

  /** Lets `bytes` more pass. */
  allow(bytes: number): void {
    this.#allowedBytes += bytes;
    for (const resume of [...this.#held]) resume();
  }

  /** Lets everything pass from now on. */
  open(): void {
    this.allow(Number.POSITIVE_INFINITY);
  }

  /** Lets nothing pass any more. */
  shut(): void {
    this.#allowedBytes = 0;
  }

  /** Cuts all connections, as when the machine behind the proxy dies: otherwise the bytes that are held back hide
   * that. */
  cut(): void {
    for (const socket of this.#sockets) {
      // If a socket is reset while its end is on the way, Node never closes it, and waits for it when the process ends.
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

  /** When `socket` closes, ends `other`, once that has sent what it was given. */
  #tie(socket: net.Socket, other: net.Socket): void {
    this.#sockets.add(socket);
    socket.unref();
    socket.on("error", () => undefined);
    socket.on("close", () => {
      this.#sockets.delete(socket);
      other.end();
      // If it were closed with something unread, it would be reset, and what it was given last would be lost.
      other.unpipe().resume();
    });
  }

  /** Passes on as much of `data` as is allowed, and the rest when more is allowed. */
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

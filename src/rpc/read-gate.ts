// Whose connections are read. An address that has sent more calls than soon get their turn is not read further until
// these are dealt with: what it sends meanwhile waits in the system, where it costs nothing, and others are read.
// Hundreds of calls that come in at once otherwise keep everybody waiting even if all of them are refused, since what
// costs most of a call is to take it in. Refuses nothing, and reads nothing itself.
import { hostNetwork, isLoopbackAddress } from "../address/host.js";
import { processTimers, type Timers } from "../core/clock.js";

/** An address is shut out when so many of its calls wait, and let in again when there are fewer than the second. */
const SHUT_AT = 16;
const OPEN_BELOW = 4;
/** Connections that are read again in one turn of the event loop: of thousands most have sent nothing. */
const OPENED_PER_TURN = 16;

/** What is needed of a socket. */
export interface GatedSocket {
  readonly remoteAddress?: string | undefined;
  once(event: "close", listener: () => void): unknown;
}

/** The connections of one address. */
interface Connections {
  readonly open: Set<GatedSocket>;
  /** In the order in which they are read again. */
  readonly shut: Set<GatedSocket>;
}

export class ReadGate {
  readonly #waitingOf: (host: string) => number;
  readonly #setReading: (socket: GatedSocket, isRead: boolean) => void;
  readonly #timers: Pick<Timers, "soon">;
  /** By address; an IPv6 /64 is one. */
  readonly #addresses = new Map<string, Connections>();
  /** Those of them that have shut connections. */
  readonly #shut = new Set<string>();
  #isScheduled = false;
  #isClosed = false;

  /** `waitingOf`: how many calls of an address wait for their turn. */
  constructor(
    waitingOf: (host: string) => number,
    setReading = setSocketReading,
    timers: Pick<Timers, "soon"> = processTimers,
  ) {
    this.#waitingOf = waitingOf;
    this.#setReading = setReading;
    this.#timers = timers;
  }

  /** Takes charge of a connection, which is read by now, until it closes. This machine's own are always read. */
  add(socket: GatedSocket): void {
    const { remoteAddress = "" } = socket;
    if (isLoopbackAddress(remoteAddress)) return;
    const network = hostNetwork(remoteAddress);
    const connections = this.#addresses.get(network) ?? { open: new Set(), shut: new Set() };
    this.#addresses.set(network, connections);
    connections.open.add(socket);
    if (this.#shut.has(network)) this.#shutAll(connections);
    socket.once("close", () => {
      connections.open.delete(socket);
      connections.shut.delete(socket);
      if (connections.open.size + connections.shut.size > 0) return;
      this.#addresses.delete(network);
      this.#shut.delete(network);
    });
  }

  /** To be called when a call of `host`, as its socket shows it, has come to wait. */
  waited(host: string): void {
    if (this.#isClosed || this.#waitingOf(host) < SHUT_AT) return;
    const network = hostNetwork(host);
    const connections = this.#addresses.get(network);
    if (connections === undefined) return;
    this.#shutAll(connections);
    this.#shut.add(network);
    this.#schedule();
  }

  /** Lets everybody in from now on. */
  close(): void {
    this.#isClosed = true;
    for (const network of this.#shut) this.#open(network, Number.POSITIVE_INFINITY);
  }

  #shutAll({ open, shut }: Connections): void {
    for (const socket of open) {
      this.#setReading(socket, false);
      shut.add(socket);
    }
    open.clear();
  }

  #open(network: string, most: number): void {
    const connections = this.#addresses.get(network);
    if (connections === undefined) return;
    const { open, shut } = connections;
    let left = most;
    for (const socket of shut) {
      if (left-- <= 0) return;
      shut.delete(socket);
      open.add(socket);
      this.#setReading(socket, true);
    }
    this.#shut.delete(network);
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    this.#timers.soon(() => this.#turn());
  }

  #turn(): void {
    this.#isScheduled = false;
    for (const network of this.#shut) {
      if (this.#waitingOf(network) < OPEN_BELOW) this.#open(network, OPENED_PER_TURN);
    }
    if (this.#shut.size > 0) this.#schedule();
  }
}

/** The handle of a socket by which HTTP/2 reads it. Private, but stopping the socket itself does not stop HTTP/2. With a
 * version of Node without it everything is read as it comes; a test would notice. */
const HANDLE = "_handle";

/** Leaves a connection alone whose other side has not taken all that was written: HTTP/2 does not read it until then,
 * and reads it again by itself. Started before that, it would keep in memory whatever comes, without bound, and copy all
 * of it for every piece that comes. */
function setSocketReading(socket: GatedSocket, isRead: boolean): void {
  const handle: unknown = Reflect.get(socket, HANDLE);
  if (typeof handle !== "object" || handle === null || Reflect.get(handle, "writeQueueSize") !== 0) return;
  const method: unknown = Reflect.get(handle, isRead ? "readStart" : "readStop");
  if (typeof method === "function") Reflect.apply(method, handle, []);
}

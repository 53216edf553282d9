// A gRPC server over plain sockets: listens, counts connections, serves bound methods, shuts down in bounded time.
// Sockets are accepted here and handed to the gRPC library: only so does one get the system's own error when a port is
// taken, a limit on connections, and an end to those that will not close. Knows no service of its own.
import assert from "node:assert/strict";
import { type AddressInfo, createServer, type Server as NetServer, type Socket } from "node:net";
import { Server as TlsServer } from "node:tls";
import type { DescService } from "@bufbuild/protobuf";
import {
  type ConnectionInjector,
  type handleUnaryCall,
  type Metadata,
  Server,
  ServerCredentials,
  type ServerUnaryCall,
  type UntypedServiceImplementation,
} from "@grpc/grpc-js";
import { isLoopbackAddress } from "../address/host.js";
import { HostCount } from "../address/host-count.js";
import { bindOnce } from "../address/listening.js";
import { KIB } from "../core/units.js";
import { type CallContext, type RpcMethod, type RpcMethods, serviceDefinition } from "./adapter.js";
import { CallTurns } from "./call-turns.js";
import { type CallWatch, noWatch } from "./call-watch.js";
import { ConnectionAges } from "./connection-ages.js";
import { IncomingStreams, type UnservedStatus } from "./incoming-streams.js";
import { RPC_STATUS, RpcError } from "./rpc-error.js";
import { StallWatch } from "./stall-watch.js";
import { type ServerCertificate, secureOptions, tlsListener } from "./tls-listener.js";
import { type UntakenLimits, UntakenResponses } from "./untaken-responses.js";
import { type CallSurroundings, type Connection, pushback, WatchedCall } from "./watched-call.js";

export interface RpcServerOptions extends UntakenLimits {
  /** Largest encoded request and response. */
  readonly maxRequestBytes: number;
  readonly maxResponseBytes: number;
  /** Most fields in one request, at all depths. */
  readonly maxRequestFields: number;
  /** Connections beyond it are closed as they come. */
  readonly maxConnections: number;
  /** How many of them from one address (an IPv6 /64); loopback may have all. */
  readonly maxConnectionsPerHost: number;
  readonly maxCallsPerConnection: number;
  /** A request must be there in full this long after its headers. */
  readonly requestTimeoutMs: number;
  /** A connection without calls is closed after this time. */
  readonly idleTimeoutMs: number;
  /** A silent connection is pinged after the first and dropped after the second. */
  readonly keepaliveMs: number;
  readonly keepaliveTimeoutMs: number;
  /** A connection is asked to go after the first and dropped after the second. */
  readonly connectionAgeMs: number;
  readonly connectionAgeGraceMs: number;
  /** Running calls get this long when the server closes. */
  readonly shutdownGraceMs: number;
  /** Undefined: plain text. */
  readonly tls?: ServerCertificate | undefined;
}

/** How often stalled requests, and floods of anything but calls, are looked for. */
const STALL_CHECK_MS = 1000;

/** Too many answers have not been taken yet. */
const NO_ROOM = new RpcError(
  "RESOURCE_EXHAUSTED",
  "too many answers are still on their way; try again",
  undefined,
  1_000,
);

/** A call that no method has served. Its path is a stranger's choice, so it is not recorded. */
const UNSERVED = { path: "none", kind: "unary", durationMs: 0 } as const;

/** Decoding so much takes a millisecond, and doing what it asks often ten times that: an address has one such request
 * under way, and begins none in the turn of the event loop in which another has ended. */
const LARGE_REQUEST_BYTES = 8 * KIB;
const LARGE_REQUESTS_PER_TURN = 1;

/** Longer messages would not fit the trailers of a call. */
const MAX_STATUS_CHARACTERS = 500;

export class RpcServer {
  /** The library's own server, for services that bring their own definition (health, reflection). */
  readonly grpc: Server;
  readonly #options: RpcServerOptions;
  readonly #onUnexpected: (error: unknown, where: string) => void;
  readonly #calls: CallSurroundings;
  readonly #listener: NetServer;
  readonly #injector: ConnectionInjector;
  /** With the bytes that each had brought when it was last looked at. */
  readonly #sockets = new Map<Socket, number>();
  readonly #hosts: HostCount;
  /** The call whose handler is being called, since the library does not tell the handler. A table by what it does tell
   * would keep calls that are over (core/arrivals.ts). */
  #serving: WatchedCall | undefined;
  readonly #ages: ConnectionAges;
  readonly #incoming: IncomingStreams;
  /** May wait: as many as there are open calls. */
  readonly #largeRequests = new CallTurns(LARGE_REQUESTS_PER_TURN, Number.POSITIVE_INFINITY);
  #stallTimer: NodeJS.Timeout | undefined;
  #closed: Promise<void> | undefined;
  /** Called when the last connection has ended. */
  #lastLeft = (): void => {};

  /** `onUnexpected` gets everything a handler throws that is no RpcError, and failures of the listener. */
  constructor(
    options: RpcServerOptions,
    onUnexpected: (error: unknown, where: string) => void,
    watch: CallWatch = noWatch,
  ) {
    this.#options = options;
    this.#onUnexpected = onUnexpected;
    this.#hosts = new HostCount(options.maxConnectionsPerHost);
    this.#calls = {
      watch,
      untaken: new UntakenResponses(options),
      stalls: new StallWatch(options.requestTimeoutMs),
      hangUpOn: (host, port) => this.#hangUpOn(host, port),
      serving: (call) => {
        this.#serving = call;
      },
    };
    this.grpc = new Server({
      interceptors: [(method, call) => new WatchedCall(method, call, this.#incoming.served(), this.#calls)],
      "grpc.enable_channelz": 0,
      "grpc.max_receive_message_length": options.maxRequestBytes,
      "grpc.max_send_message_length": options.maxResponseBytes,
      "grpc.max_concurrent_streams": options.maxCallsPerConnection,
      "grpc.max_connection_idle_ms": options.idleTimeoutMs,
      "grpc.keepalive_time_ms": options.keepaliveMs,
      "grpc.keepalive_timeout_ms": options.keepaliveTimeoutMs,
    });
    this.#ages = new ConnectionAges(options.connectionAgeMs, options.connectionAgeGraceMs);
    this.#incoming = new IncomingStreams(
      this.grpc,
      (session) => this.#ages.called(session, performance.now()),
      (host, how) => this.#chargeUnserved(host, how),
    );
    this.#injector = this.grpc.createConnectionInjector(ServerCredentials.createInsecure());
    this.#listener = options.tls === undefined ? createServer({ noDelay: true }) : tlsListener(options.tls);
    // Runs before TLS sees the socket, if there is TLS.
    this.#listener.prependListener("connection", (socket) => this.#connected(socket));
    const ready = options.tls === undefined ? "connection" : "secureConnection";
    this.#listener.on(ready, (socket: Socket) => {
      if (socket.destroyed) return;
      this.#injector.injectConnection(socket);
      this.#incoming.connected(socket);
    });
    this.#listener.maxConnections = options.maxConnections;
  }

  /** Open connections. */
  get connections(): number {
    return this.#sockets.size;
  }

  addService<S extends DescService>(service: S, methods: RpcMethods<S>): void {
    const implementation: UntypedServiceImplementation = {};
    for (const method of Object.values<RpcMethod>(methods)) {
      implementation[method.name] = this.#unaryCall(method, `${service.name}.${method.name}`);
    }
    for (const { localName } of service.methods) {
      assert.ok(localName in implementation, `${service.name}.${localName} has no handler`);
    }
    this.grpc.addService(serviceDefinition(service), implementation);
  }

  /** Listens at `host` ("::" takes IPv4 too); port 0 is any free one. Rejects with the system's error, and may then be
   * called again. */
  async listen(host: string, port: number): Promise<AddressInfo> {
    const address = await bindOnce(this.#listener, host, port);
    this.#listener.on("error", (error) => this.#onUnexpected(error, "listener"));
    this.#stallTimer = setInterval(() => {
      const nowMs = performance.now();
      this.#calls.stalls.endStalled(nowMs);
      this.#calls.untaken.hangUpStuck(nowMs);
      this.#ages.endOld(nowMs);
      this.#countBrought();
    }, STALL_CHECK_MS).unref();
    return address;
  }

  /** Shows another certificate on connections made from now on; open ones keep theirs. */
  setCertificate(certificate: ServerCertificate): void {
    if (this.#listener instanceof TlsServer) this.#listener.setSecureContext(secureOptions(certificate));
  }

  /** Takes nothing new, lets running calls end for `shutdownGraceMs`, then ends every connection. */
  close(): Promise<void> {
    this.#closed ??= this.#shutDown();
    return this.#closed;
  }

  async #shutDown(): Promise<void> {
    clearInterval(this.#stallTimer);
    if (this.#listener.listening) this.#listener.close();
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, this.#options.shutdownGraceMs);
      const ended = (): void => {
        clearTimeout(timer);
        resolve();
      };
      // With later versions of Node the library thinks that sessions are over while calls still run in them; their
      // connections end when the last call has.
      this.grpc.tryShutdown(() => this.#whenUnconnected(ended));
    });
    this.#incoming.close();
    this.#largeRequests.close();
    this.#injector.destroy();
    this.grpc.forceShutdown();
    // Without channelz the library does not know its sessions, and its forced shutdown ends none of them.
    for (const socket of this.#sockets.keys()) socket.destroy();
  }

  #whenUnconnected(resolve: () => void): void {
    if (this.#sockets.size === 0) resolve();
    else this.#lastLeft = resolve;
  }

  #left(socket: Socket): void {
    this.#sockets.delete(socket);
    if (this.#sockets.size === 0) this.#lastLeft();
  }

  #connected(socket: Socket): void {
    const { remoteAddress = "" } = socket;
    const isWelcome = this.#hosts.entered(remoteAddress) || isLoopbackAddress(remoteAddress);
    socket.once("close", () => this.#hosts.left(remoteAddress));
    if (!isWelcome || !this.#calls.watch.mayConnect(remoteAddress)) {
      socket.destroy();
      return;
    }
    this.#sockets.set(socket, 0);
    socket.once("close", () => this.#left(socket));
  }

  /** Ends the connection from `port`, or all from `host`. */
  #hangUpOn(host: string, port: number | undefined): void {
    for (const socket of this.#sockets.keys()) {
      if (socket.remoteAddress !== host) continue;
      if (port === undefined || socket.remotePort === port) socket.destroy();
    }
  }

  #countBrought(): void {
    for (const [socket, before] of this.#sockets) {
      const { bytesRead, remoteAddress = "" } = socket;
      if (bytesRead === before) continue;
      this.#sockets.set(socket, bytesRead);
      if (this.#calls.watch.brought(remoteAddress, bytesRead - before))
        this.#hangUpOn(remoteAddress, undefined);
    }
  }

  /** Charges an unserved call like one that is refused, since it costs as much. */
  #chargeUnserved(host: string, status: UnservedStatus): void {
    const { watch } = this.#calls;
    const refusal = watch.refusal(host, "unary");
    const wasRefused = refusal !== undefined;
    watch.ended({ ...UNSERVED, status, host, wasRefused });
    if (refusal?.hangUp) this.#hangUpOn(host, undefined);
  }

  #unaryCall(method: RpcMethod, where: string): handleUnaryCall<Buffer, Buffer> {
    return (call, respond) => {
      const watched = this.#serving;
      const context = new UnaryCallContext(call, watched?.connection);
      const { request } = call;
      const answer = (): Promise<void> => {
        const answering = method.invoke(request, context, this.#options.maxRequestFields).then(
          (response) => {
            if (watched?.maySend(response.length) !== false) respond(null, response);
            else respond(statusOf(NO_ROOM));
          },
          (error: unknown) => {
            if (!(error instanceof RpcError)) this.#onUnexpected(error, where);
            respond(statusOf(error));
          },
        );
        return answering.catch((error: unknown) => this.#onUnexpected(error, where));
      };
      this.#calls.watch.read(context.peerHost, request.length);
      if (request.length < LARGE_REQUEST_BYTES) void answer();
      // A caller that floods has been hung up on by the time of its turn.
      else this.#largeRequests.take(context.peerHost, () => (call.cancelled ? undefined : answer()));
    };
  }
}

/** Never cut within a character: the library cannot encode half of one, and throws where nothing catches it. */
function shortened(message: string): string {
  return message.slice(0, MAX_STATUS_CHARACTERS).replaceAll(/[\ud800-\udbff](?![\udc00-\udfff])/g, "");
}

/** What the caller is told: an RpcError as it is; for anything else only that there was an error. */
function statusOf(error: unknown): { code: number; details: string; metadata?: Metadata } {
  if (!(error instanceof RpcError)) return { code: RPC_STATUS.INTERNAL, details: "internal error" };
  const status = {
    code: RPC_STATUS[error.status],
    details: shortened(error.message),
  };
  return error.retryAfterMs === undefined ? status : { ...status, metadata: pushback(error.retryAfterMs) };
}

class UnaryCallContext implements CallContext {
  readonly peerHost: string;
  readonly localHost: string;
  readonly #call: ServerUnaryCall<Buffer, Buffer>;
  #signal: AbortSignal | undefined;

  constructor(call: ServerUnaryCall<Buffer, Buffer>, connection: Connection | undefined) {
    this.#call = call;
    this.peerHost = connection?.remoteAddress ?? "";
    this.localHost = connection?.localAddress ?? "";
  }

  /** Made when first asked for: most handlers never wait for anything. */
  get signal(): AbortSignal {
    if (this.#signal === undefined) {
      const controller = new AbortController();
      if (this.#call.cancelled) controller.abort();
      else this.#call.once("cancelled", () => controller.abort());
      this.#signal = controller.signal;
    }
    return this.#signal;
  }
}

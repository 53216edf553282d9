// A gRPC client for unary methods, typed by the generated descriptor. Every call has a deadline; idempotent
// services are retried while the server is unavailable. The gRPC library is loaded by the first call, because
// it takes longer to load than most commands take to run. Knows no service of its own.
import { isIP } from "node:net";
import type {
  DescMessage,
  DescMethodUnary,
  DescService,
  MessageInitShape,
  MessageShape,
} from "@bufbuild/protobuf";
import type { Client, ClientOptions, ClientUnaryCall, ServiceError } from "@grpc/grpc-js";
import { hostScope } from "../address/host.js";
import { asIs, methodPath } from "./adapter.js";
import { decodeMessage, encodeMessage } from "./message-codec.js";
import { PUSHBACK_TRAILER, RpcError, rpcStatusFromCode } from "./rpc-error.js";
import type { TlsTrust } from "./tls-credentials.js";

export interface UnaryClientOptions {
  /** Largest encoded request and response. */
  readonly maxRequestBytes: number;
  readonly maxResponseBytes: number;
  /** Most fields in one response, at all depths. */
  readonly maxResponseFields: number;
  /** How often a call is sent at most while the server is unavailable or asks for patience, 1 to 5; all within the
   * call's deadline. More than 1 only for services whose methods are all idempotent. */
  readonly maxAttempts: number;
  /** Undefined: plain text. */
  readonly tls?: TlsTrust | undefined;
}

export interface CallLimits {
  /** Time for the whole call, retries included. */
  readonly deadlineMs: number;
  readonly signal?: AbortSignal | undefined;
}

const RETRY = { initialBackoff: "0.1s", maxBackoff: "2s", backoffMultiplier: 2 } as const;

/** Clients must not call a server that is down four times each for ever: retries stop when this many calls more have
 * failed than succeeded. */
const RETRY_THROTTLING = { maxTokens: 10, tokenRatio: 0.1 } as const;

const FIRST_RECONNECT_BACKOFF_MS = 200;
const MAX_RECONNECT_BACKOFF_MS = 10_000;

export class UnaryClient {
  readonly #service: DescService;
  readonly #host: string;
  readonly #port: number;
  /** A name may stand for several machines. */
  readonly #isName: boolean;
  readonly #options: UnaryClientOptions;
  #client: Client | undefined;
  /** The library's state for an open connection. */
  #ready: number | undefined;
  #peerHost: string | undefined;
  readonly #closing = new AbortController();

  /** `host` is an IP address without brackets, or a name, one of whose addresses is used while that answers. Dials
   * nothing before the first call. */
  constructor(service: DescService, host: string, port: number, options: UnaryClientOptions) {
    this.#service = service;
    this.#host = host;
    this.#port = port;
    this.#isName = hostScope(host) === "name";
    this.#options = options;
  }

  /** The address from which the last answer came, without brackets; undefined before the first. */
  get peerHost(): string | undefined {
    return this.#peerHost;
  }

  /** Calls `method` of the service. The byte fields of the answer are views of one buffer.
   * Rejects with RpcError, or with the signal's reason when `limits.signal` is aborted. */
  async call<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    request: MessageInitShape<I>,
    limits: CallLimits,
  ): Promise<MessageShape<O>> {
    const bytes = encodeMessage(method.input, request);
    const answer = await this.callBytes(methodPath(this.#service, method.name), bytes, limits);
    try {
      return decodeMessage(method.output, answer, this.#options.maxResponseFields);
    } catch (cause) {
      throw new RpcError(
        "DATA_LOSS",
        cause instanceof Error ? cause.message : "the answer cannot be decoded",
        cause,
      );
    }
  }

  /** Calls any unary method of the same server by its path, with messages as bytes. Rejects like `call`. */
  async callBytes(path: string, request: Buffer, limits: CallLimits): Promise<Buffer> {
    const deadline = Date.now() + limits.deadlineMs;
    const { signal } = limits;
    const mayGoOn = (): void => {
      signal?.throwIfAborted();
      this.#closing.signal.throwIfAborted();
    };
    mayGoOn();
    const client = this.#client ?? (await this.#connect(limits));
    mayGoOn();
    return this.#send(client, path, request, deadline, signal);
  }

  /** Ends the connection. Running calls fail, and so do later ones. */
  async close(): Promise<void> {
    this.#closing.abort(new RpcError("CANCELLED", "the client is closed"));
    this.#client?.close();
  }

  /** Each call connects by itself, so that none waits for another; the first client that succeeds is kept. */
  async #connect({ deadlineMs, signal }: CallLimits): Promise<Client> {
    const closing = this.#closing.signal;
    const ending = signal === undefined ? closing : AbortSignal.any([signal, closing]);
    const made = await this.#load(deadlineMs, ending);
    if (this.#client !== undefined || closing.aborted) made.close();
    else this.#client = made;
    return this.#client ?? made;
  }

  async #load(timeoutMs: number, signal: AbortSignal): Promise<Client> {
    const grpc = await import("@grpc/grpc-js");
    this.#ready = grpc.connectivityState.READY;
    const { tls } = this.#options;
    const at = target(this.#host, this.#port);
    const balancing = this.#isName ? (await import("./one-address.js")).ONE_ADDRESS : { pick_first: {} };
    const options = this.#channelOptions(balancing);
    if (tls === undefined) return new grpc.Client(at, grpc.credentials.createInsecure(), options);
    const { tlsCredentials } = await import("./tls-credentials.js");
    const secure = await tlsCredentials(grpc, this.#host, this.#port, tls, timeoutMs, signal);
    return new grpc.Client(at, secure.credentials, { ...options, ...secure.options });
  }

  #channelOptions(balancing: Readonly<Record<string, object>>): ClientOptions {
    const { maxAttempts, maxRequestBytes, maxResponseBytes } = this.#options;
    const methodConfig = {
      name: [{ service: this.#service.typeName }],
      ...(maxAttempts > 1 && {
        retryPolicy: { ...RETRY, maxAttempts, retryableStatusCodes: ["UNAVAILABLE", "RESOURCE_EXHAUSTED"] },
      }),
    };
    return {
      // Servers are often in the same network, where a web proxy does not reach them.
      "grpc.enable_http_proxy": 0,
      "grpc.enable_channelz": 0,
      "grpc.service_config_disable_resolution": 1,
      "grpc.service_config": JSON.stringify({
        loadBalancingConfig: [balancing],
        methodConfig: [methodConfig],
        retryThrottling: RETRY_THROTTLING,
      }),
      "grpc.max_send_message_length": maxRequestBytes,
      "grpc.max_receive_message_length": maxResponseBytes,
      "grpc.initial_reconnect_backoff_ms": FIRST_RECONNECT_BACKOFF_MS,
      "grpc.max_reconnect_backoff_ms": MAX_RECONNECT_BACKOFF_MS,
      // Otherwise a closed client's connection lives on in a pool of the whole process.
      "grpc.use_local_subchannel_pool": 1,
    };
  }

  /** Makes the next call dial anew. If the path to the server is gone, or this machine has another address, what is
   * sent on the open connection goes nowhere, and the system takes a quarter of an hour to say so. Other calls on it
   * may still end. The library itself redials a connection that is not open yet: closing it would leave its attempt
   * open for ever. */
  #leave(client: Client): void {
    if (client.getChannel().getConnectivityState(false) !== this.#ready) return;
    if (this.#client === client) this.#client = undefined;
    client.close();
  }

  #send(
    client: Client,
    path: string,
    request: Buffer,
    deadline: number,
    signal: AbortSignal | undefined,
  ): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      let call: ClientUnaryCall | undefined;
      const cancel = (): void => call?.cancel();
      const done = (error: ServiceError | null, answer?: Buffer): void => {
        signal?.removeEventListener("abort", cancel);
        if (error === null && answer !== undefined) {
          this.#peerHost = hostOf(call?.getPeer() ?? "") ?? this.#peerHost;
          resolve(answer);
          return;
        }
        const failure = failureOf(error);
        if (failure.status === "DEADLINE_EXCEEDED") this.#leave(client);
        reject(signal?.aborted ? signal.reason : failure);
      };
      signal?.addEventListener("abort", cancel, { once: true });
      call = client.makeUnaryRequest(path, asIs, asIs, request, { deadline }, done);
      if (signal?.aborted) cancel();
    });
  }
}

function failureOf(error: ServiceError | null): RpcError {
  const [pushback] = error?.metadata?.get(PUSHBACK_TRAILER) ?? [];
  const retryAfterMs = pushback === undefined ? undefined : Number(pushback);
  return new RpcError(
    rpcStatusFromCode(error?.code ?? -1),
    error === null ? "no answer" : reasonIn(error.details),
    error,
    Number.isFinite(retryAfterMs) ? retryAfterMs : undefined,
  );
}

/** Why there is no connection, without the library's words around the reason. */
function reasonIn(details: string): string {
  return (
    /^No connection established\. Last error: (?:Error: )?(.*?)\. Resolution note: /s.exec(details)?.[1] ??
    details
  );
}

/** The library's spelling of a destination. */
function target(host: string, port: number): string {
  switch (isIP(host)) {
    case 4:
      return `ipv4:${host}:${port}`;
    case 6:
      return `ipv6:[${host}]:${port}`;
    default:
      return `dns:///${host}:${port}`;
  }
}

/** The host in "192.0.2.1:80" or "[2001:db8::1]:80"; undefined if it is no address. */
function hostOf(address: string): string | undefined {
  const host = address.replace(/:\d+$/, "").replace(/^\[(.*)\]$/, "$1");
  return isIP(host) === 0 ? undefined : host;
}

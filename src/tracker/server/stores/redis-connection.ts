// The connection to a Redis or a cluster of them. While Redis is away nothing waits: calls are refused at once or after
// a bounded time, the memory that they hold together is bounded, and the connection comes back by itself.
import { type ClientContext, Cluster, Redis, type Result } from "ioredis";
import { withTimeout } from "../../../core/clock.js";
import { GoshareError } from "../../../core/errors.js";
import { MIB } from "../../../core/units.js";
import type { RedisAddress } from "./redis-address.js";
import { type RedisCalls, RedisFullError } from "./redis-calls.js";
import type { RedisScript } from "./redis-scripts.js";

// It exists, as for every command; only the library's types lack it.
declare module "ioredis" {
  interface RedisCommander<Context extends ClientContext> {
    evalBuffer(
      lua: string,
      keyCount: number,
      ...values: (string | number | Buffer)[]
    ): Result<unknown, Context>;
    evalshaBuffer(
      sha1: string,
      keyCount: number,
      ...values: (string | number | Buffer)[]
    ): Result<unknown, Context>;
  }
}

const OPEN_TIMEOUT_MS = 5_000;
const DISCONNECT_TIMEOUT_MS = 200;
const CONNECT_TIMEOUT_MS = 3_000;
/** A server that owes answers and says nothing for this long is hung up on. */
const SILENCE_LIMIT_MS = 2_000;
/** For one call, including redirections and attempts in a cluster. */
const CALL_TIMEOUT_MS = 4_000;
const MAX_RECONNECT_MS = 1_000;
/** What unanswered calls may hold: some seconds' worth at 10,000 calls a second. */
const MAX_PENDING_BYTES = 32 * MIB;
const CALL_BYTES = 512;
const KEY_BYTES = 256;

/** Errors by which Redis says that it cannot do something at the moment. */
const TEMPORARY =
  /^(LOADING|MASTERDOWN|CLUSTERDOWN|TRYAGAIN|MOVED|ASK|READONLY|BUSY|UNKILLABLE|NOREPLICAS|MISCONF|NOAUTH|WRONGPASS)\b/;

export class RedisConnection implements RedisCalls {
  readonly isCluster: boolean;
  readonly #client: Redis | Cluster;
  readonly #name: string;
  #pendingBytes = 0;
  /** Why Redis is away, by the client library's last error. */
  #lastError: unknown;

  private constructor(address: RedisAddress) {
    this.isCluster = address.isCluster;
    this.#name = address.name;
    this.#client = address.isCluster ? clusterClient(address) : singleClient(address);
    this.#client.on("error", (error) => {
      this.#lastError = error;
    });
  }

  /** Waits some seconds for a server that is starting; rejects with STORE_UNAVAILABLE if none answers. */
  static async open(address: RedisAddress): Promise<RedisConnection> {
    const connection = new RedisConnection(address);
    try {
      await withTimeout(connection.#ready(), OPEN_TIMEOUT_MS);
      return connection;
    } catch (error) {
      connection.#client.disconnect();
      throw connection.#unavailable(connection.#lastError ?? error);
    }
  }

  /** Gives up at once if the server answers with an error: it would do no better in a moment. */
  #ready(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#client.once("ready", () => resolve());
      this.#client.on("error", (error) => {
        if (isReply(error) && !error.message.startsWith("LOADING")) reject(error);
      });
    });
  }

  async run(
    script: RedisScript,
    keys: readonly string[],
    args: readonly (string | number | Uint8Array)[],
  ): Promise<unknown> {
    const values = [...keys, ...args.map((arg) => (arg instanceof Uint8Array ? bufferOf(arg) : arg))];
    const bytes = CALL_BYTES + keys.length * KEY_BYTES + bytesOf(args);
    return this.#call(bytes, async (client) => {
      try {
        return await client.evalshaBuffer(script.sha1, keys.length, ...values);
      } catch (error) {
        if (!isReply(error) || !error.message.startsWith("NOSCRIPT")) throw error;
        return client.evalBuffer(script.lua, keys.length, ...values);
      }
    });
  }

  async settle(key: string, bytes: Uint8Array): Promise<Uint8Array> {
    // Most often the value is there, and even a Redis without free memory can read it.
    const found = await this.#call(CALL_BYTES, (client) => client.getBuffer(key));
    if (found !== null) return found;
    const other = await this.#call(CALL_BYTES, (client) =>
      client.setBuffer(key, bufferOf(bytes), "NX", "GET"),
    );
    return other ?? bytes;
  }

  async close(): Promise<void> {
    this.#client.disconnect();
  }

  async #call<T>(bytes: number, call: (client: Redis | Cluster) => Promise<T>): Promise<T> {
    if (this.#pendingBytes + bytes > MAX_PENDING_BYTES)
      throw this.#unavailable(new Error("too many calls are waiting"));
    this.#pendingBytes += bytes;
    // Counted until the library has let go of it, which may be after the caller was answered.
    const answer = call(this.#client).finally(() => {
      this.#pendingBytes -= bytes;
    });
    try {
      return await withTimeout(answer, CALL_TIMEOUT_MS);
    } catch (error) {
      if (!isReply(error) || TEMPORARY.test(error.message)) throw this.#unavailable(error);
      throw error.message.startsWith("OOM") ? new RedisFullError(error.message) : withoutCommand(error);
    }
  }

  #unavailable(cause: unknown): GoshareError {
    const reason = cause instanceof Error ? `: ${cause.message}` : "";
    return new GoshareError("STORE_UNAVAILABLE", `${this.#name} does not answer${reason}`, {
      cause: cause instanceof Error ? withoutCommand(cause) : cause,
      hint: "check that Redis is running there, its password, and the network to it",
    });
  }
}

function commonOptions({ username, password, tls }: RedisAddress) {
  return {
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
    // The certificate must be for the dialled host, from an authority that Node knows (NODE_EXTRA_CA_CERTS).
    ...(tls && { tls: {} }),
    disconnectTimeout: DISCONNECT_TIMEOUT_MS,
    connectTimeout: CONNECT_TIMEOUT_MS,
    socketTimeout: SILENCE_LIMIT_MS,
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    // After a failover the old address may lead to a replica.
    reconnectOnError: (error: Error) => error.message.startsWith("READONLY"),
  } as const;
}

function singleClient(address: RedisAddress): Redis {
  const [server] = address.servers;
  return new Redis({
    ...commonOptions(address),
    ...(server !== undefined && { host: server.host, port: server.port }),
    db: address.database,
    enableOfflineQueue: false,
    enableAutoPipelining: true,
    retryStrategy: reconnectDelayMs,
  });
}

function clusterClient(address: RedisAddress): Cluster {
  return new Cluster(
    address.servers.map(({ host, port }) => ({ host, port })),
    {
      redisOptions: commonOptions(address),
      enableOfflineQueue: false,
      enableAutoPipelining: true,
      clusterRetryStrategy: reconnectDelayMs,
    },
  );
}

/** Soon, then ever more slowly, and not all trackers at once. */
function reconnectDelayMs(attempt: number): number {
  return Math.min(MAX_RECONNECT_MS, 50 * 2 ** Math.min(attempt, 10)) * (0.5 + Math.random() / 2);
}

function isReply(error: unknown): error is Error {
  return error instanceof Error && error.name === "ReplyError";
}

/** Only the client library's words: its errors carry what was sent, which may be a password or a root. */
function withoutCommand({ name, message }: Error): Error {
  const error = new Error(message);
  error.name = name;
  return error;
}

function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function bytesOf(args: readonly (string | number | Uint8Array)[]): number {
  let bytes = 0;
  for (const arg of args) bytes += typeof arg === "number" ? 16 : arg.length;
  return bytes;
}

// The address of a Redis, as one word. Dials nothing.
import { type Endpoint, formatEndpoint, parseEndpoint } from "../../../address/endpoint.js";
import { GoshareError } from "../../../core/errors.js";

export interface RedisAddress {
  /** Of a cluster, some of its servers: the others are found through them. */
  readonly servers: readonly Endpoint[];
  readonly isCluster: boolean;
  readonly tls: boolean;
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly database: number;
  /** For messages; without the password. */
  readonly name: string;
}

const DEFAULT_PORT = 6379;
const MAX_SERVERS = 100;
const FORM =
  /^(?<scheme>rediss?(?:-cluster)?):\/\/(?:(?<user>[^/]*)@)?(?<hosts>[^/@]+)(?:\/(?<database>\d{0,4}))?$/;
const HINT =
  "write redis://HOST:PORT/DATABASE, with USER:PASSWORD@ before the host if it needs them, rediss:// for TLS; " +
  "redis-cluster://HOST:PORT,HOST:PORT for a cluster";

/** Whether `spec` means to name a Redis. */
export function looksLikeRedis(spec: string): boolean {
  return /^rediss?(-cluster)?:/.test(spec);
}

/** Throws USAGE if `spec` is no address of a Redis; never repeats a password. */
export function parseRedisAddress(spec: string): RedisAddress {
  const { scheme, user, hosts, database = "" } = FORM.exec(spec)?.groups ?? {};
  if (scheme === undefined || hosts === undefined) throw notAnAddress();
  const isCluster = scheme.endsWith("-cluster");
  const servers = hosts.split(",").map((host) => {
    const server = parseEndpoint(host, DEFAULT_PORT);
    if (server === undefined) throw notAnAddress();
    return server;
  });
  if (servers.length > (isCluster ? MAX_SERVERS : 1) || (isCluster && Number(database) !== 0)) {
    throw notAnAddress();
  }
  return {
    servers,
    isCluster,
    tls: scheme.startsWith("rediss"),
    ...credentials(user),
    database: Number(database),
    name: `${scheme}://${servers.map(formatEndpoint).join(",")}`,
  };
}

function credentials(user: string | undefined): Pick<RedisAddress, "username" | "password"> {
  if (user === undefined) return { username: undefined, password: undefined };
  const colon = user.indexOf(":");
  const [name, password] = colon < 0 ? [user, ""] : [user.slice(0, colon), user.slice(colon + 1)];
  try {
    return {
      username: decodeURIComponent(name) || undefined,
      password: decodeURIComponent(password) || undefined,
    };
  } catch {
    throw notAnAddress();
  }
}

function notAnAddress(): GoshareError {
  return new GoshareError("USAGE", "the store is not the address of a Redis", { hint: HINT });
}

// How a remote call fails: a gRPC status and a sentence. Handlers throw it to answer a caller, clients throw what a
// server answered. Knows no service, and does not load the gRPC library.

/** The gRPC status codes, with their numbers on the wire. */
export const RPC_STATUS = {
  CANCELLED: 1,
  UNKNOWN: 2,
  INVALID_ARGUMENT: 3,
  DEADLINE_EXCEEDED: 4,
  NOT_FOUND: 5,
  ALREADY_EXISTS: 6,
  PERMISSION_DENIED: 7,
  RESOURCE_EXHAUSTED: 8,
  FAILED_PRECONDITION: 9,
  ABORTED: 10,
  OUT_OF_RANGE: 11,
  UNIMPLEMENTED: 12,
  INTERNAL: 13,
  UNAVAILABLE: 14,
  DATA_LOSS: 15,
  UNAUTHENTICATED: 16,
} as const;

export type RpcStatus = keyof typeof RPC_STATUS;

/** What `retryAfterMs` is if the same call is of no use, whenever it is made. */
export const NEVER = -1;

/** A call that ended without an answer. A handler's `message` goes to the caller as it is: no secrets in it. A client
 * also throws DATA_LOSS for an answer that does not decode. */
export class RpcError extends Error {
  override readonly name = "RpcError";
  readonly status: RpcStatus;
  /** When the caller may try again, in milliseconds; negative: not at all; undefined: nothing was said. */
  readonly retryAfterMs: number | undefined;

  constructor(status: RpcStatus, message: string, cause?: unknown, retryAfterMs?: number) {
    super(message, { cause });
    this.status = status;
    this.retryAfterMs = retryAfterMs;
  }
}

/** The trailer in which a server says when to try again. */
export const PUSHBACK_TRAILER = "grpc-retry-pushback-ms";

/** No server is left alone for longer, whatever it asks for. */
const MAX_WAIT_MS = 10 * 60_000;

/** How long a server has asked to be left alone, by the error of a call or an error made from it; 0 if it did not. */
export function askedToWaitMs(thrown: unknown): number {
  return Math.min(MAX_WAIT_MS, Math.max(0, rpcErrorIn(thrown)?.retryAfterMs ?? 0));
}

/** Whether a server has said, by the error of a call or an error made from it, that the same call is of no use. */
export function isRefusedForGood(thrown: unknown): boolean {
  return (rpcErrorIn(thrown)?.retryAfterMs ?? 0) < 0;
}

function rpcErrorIn(thrown: unknown): RpcError | undefined {
  for (let error = thrown; error instanceof Error; error = error.cause) {
    if (error instanceof RpcError) return error;
  }
  return undefined;
}

const STATUS_NAMES: ReadonlyMap<number, RpcStatus> = new Map(
  Object.entries(RPC_STATUS).flatMap(([name, number]) => (isRpcStatus(name) ? [[number, name]] : [])),
);

/** The name of a status number; UNKNOWN for numbers that gRPC does not define. */
export function rpcStatusFromCode(code: number): RpcStatus {
  return STATUS_NAMES.get(code) ?? "UNKNOWN";
}

function isRpcStatus(name: string): name is RpcStatus {
  return name in RPC_STATUS;
}

// A call that the store answers: while the store cannot be used, the caller may try again, here or at another tracker.
// Does not tell callers where the store is.
import { GoshareError } from "../../core/errors.js";
import type { RpcMethod } from "../../rpc/adapter.js";
import { RpcError } from "../../rpc/rpc-error.js";

/** `method`, but answering UNAVAILABLE if its handler throws STORE_UNAVAILABLE. */
export function storeCall(method: RpcMethod): RpcMethod {
  return {
    name: method.name,
    invoke: (request, context, maxFields) => method.invoke(request, context, maxFields).catch(retryable),
  };
}

function retryable(error: unknown): never {
  if (error instanceof GoshareError && error.code === "STORE_UNAVAILABLE") {
    throw new RpcError("UNAVAILABLE", "this tracker's store cannot be used right now; try again", error);
  }
  throw error;
}

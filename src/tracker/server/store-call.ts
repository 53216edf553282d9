// A call that the store answers: while the store cannot be used, the caller may try again, here or at another
// tracker. Tells callers nothing of where the store is.
import type { DescMessage, DescMethodUnary, MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import { GoshareError } from "../../core/errors.js";
import { type CallContext, type RpcMethod, unary } from "../../rpc/adapter.js";
import { RpcError } from "../../rpc/rpc-error.js";

/** As unary(); a handler that meets STORE_UNAVAILABLE answers UNAVAILABLE. */
export function storeCall<I extends DescMessage, O extends DescMessage>(
  method: DescMethodUnary<I, O>,
  handler: (request: MessageShape<I>, context: CallContext) => Promise<MessageInitShape<O>>,
): RpcMethod {
  return unary(method, (request, context) => handler(request, context).catch(retryable));
}

function retryable(error: unknown): never {
  if (error instanceof GoshareError && error.code === "STORE_UNAVAILABLE") {
    throw new RpcError("UNAVAILABLE", "this tracker's store cannot be used for now; try again", error);
  }
  throw error;
}

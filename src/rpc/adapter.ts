// Generated service descriptors on gRPC: a service definition, and handlers typed by the descriptor. Bytes
// are decoded and encoded here rather than inside the gRPC library, so that a request that does not decode is
// the caller's fault (INVALID_ARGUMENT) and an answer that does not encode is seen by the server's owner.
// Knows no service of its own.
import type {
  DescMessage,
  DescMethodUnary,
  DescService,
  MessageInitShape,
  MessageShape,
} from "@bufbuild/protobuf";
import type { MethodDefinition, ServiceDefinition } from "@grpc/grpc-js";
import { decodeMessage, encodeMessage, MalformedMessageError } from "./message-codec.js";
import { RpcError } from "./rpc-error.js";

/** What a handler knows about a call besides its request. */
export interface CallContext {
  /** The caller's address as the socket shows it (IPv4 may be mapped into IPv6); "" if it is gone already. */
  readonly peerHost: string;
  /** The address of this machine at which the caller reached it; "" if the caller is gone already. */
  readonly localHost: string;
  /** Aborted when the caller cancels, goes away or its deadline passes. */
  readonly signal: AbortSignal;
}

/** One method with its handler: encoded request in, encoded response out. Rejects with RpcError, or with what the
 * handler threw. */
export interface RpcMethod {
  readonly name: string;
  invoke(request: Uint8Array, context: CallContext, maxFields: number): Promise<Buffer>;
}

/** Exactly one handler for each method of the service. */
export type RpcMethods<S extends DescService> = { readonly [K in keyof S["method"]]: RpcMethod };

/** Binds a handler to a unary method. Byte fields of a request are views: copy what is to outlive the call. */
export function unary<I extends DescMessage, O extends DescMessage>(
  method: DescMethodUnary<I, O>,
  handler: (request: MessageShape<I>, context: CallContext) => Promise<MessageInitShape<O>>,
): RpcMethod {
  return {
    name: method.localName,
    async invoke(bytes, context, maxFields) {
      const request = decodeRequest(method.input, bytes, maxFields);
      return encodeMessage(method.output, await handler(request, context));
    },
  };
}

/** As `unary`, for a handler that encodes its response itself. */
export function unaryBytes<I extends DescMessage>(
  method: DescMethodUnary<I, DescMessage>,
  handler: (request: MessageShape<I>, context: CallContext) => Promise<Buffer>,
): RpcMethod {
  return {
    name: method.localName,
    async invoke(bytes, context, maxFields) {
      return handler(decodeRequest(method.input, bytes, maxFields), context);
    },
  };
}

function decodeRequest<I extends DescMessage>(
  desc: I,
  bytes: Uint8Array,
  maxFields: number,
): MessageShape<I> {
  try {
    return decodeMessage(desc, bytes, maxFields);
  } catch (cause) {
    if (cause instanceof MalformedMessageError) throw new RpcError("INVALID_ARGUMENT", cause.message, cause);
    throw cause;
  }
}

/** The path of a method in HTTP/2. */
export function methodPath(service: DescService, methodName: string): string {
  return `/${service.typeName}/${methodName}`;
}

/** The service in the form the gRPC library wants; messages pass as bytes. */
export function serviceDefinition(service: DescService): ServiceDefinition {
  const definition: Record<string, MethodDefinition<Buffer, Buffer>> = {};
  for (const method of service.methods) {
    definition[method.localName] = {
      path: methodPath(service, method.name),
      originalName: method.name,
      requestStream: method.methodKind === "client_streaming" || method.methodKind === "bidi_streaming",
      responseStream: method.methodKind === "server_streaming" || method.methodKind === "bidi_streaming",
      requestSerialize: asIs,
      requestDeserialize: asIs,
      responseSerialize: asIs,
      responseDeserialize: asIs,
    };
  }
  return definition;
}

/** The library insists on a serializer; ours has run before. */
export function asIs(bytes: Buffer): Buffer {
  return bytes;
}

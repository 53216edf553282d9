// Health and reflection next to the tracker's own service, so that common tools can watch it and make its calls without
// knowing goshare. Knows nothing of leases.
import { type DescFile, type DescService, toBinary } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import type {
  handleServerStreamingCall,
  handleUnaryCall,
  Server,
  UntypedServiceImplementation,
} from "@grpc/grpc-js";
import { ReflectionService } from "@grpc/reflection";
import { HealthImplementation } from "grpc-health-check";
import { RPC_STATUS } from "../../rpc/rpc-error.js";

/** The health of the process as a whole, as the health protocol names it. */
const WHOLE_SERVER = "";

const UNKNOWN_SERVICE = { code: RPC_STATUS.NOT_FOUND, details: "there is no such service here" };

/** Serves reflection on `service`, and health for it and for the whole server: not serving until told. */
export class Introspection {
  readonly #services: readonly string[];
  readonly #health: HealthImplementation;
  #isStarted = false;
  #isStoreUsable = true;

  constructor(server: Server, service: DescService) {
    this.#services = [WHOLE_SERVER, service.typeName];
    this.#health = new HealthImplementation();
    this.#tell();
    this.#health.addToServer({
      addService: (definition, handlers) => server.addService(definition, this.#ofKnown(handlers)),
    });
    // Without the health service: its library's descriptors lack the entries of maps, and tools that link them stumble.
    // Tools that ask for health know its messages anyway.
    new ReflectionService({ [service.typeName]: descriptors(service.file) }).addToServer(server);
  }

  /** The library would remember every name that was ever watched, and echo every name that it does not know. */
  #ofKnown(handlers: UntypedServiceImplementation): UntypedServiceImplementation {
    const { check, watch } = handlers;
    const isKnown = ({ request }: { readonly request: unknown }): boolean =>
      this.#services.includes(String(Reflect.get(Object(request), "service")));
    const guardedCheck: handleUnaryCall<unknown, unknown> = (call, respond) => {
      if (isKnown(call)) Reflect.apply(Object(check), undefined, [call, respond]);
      else respond(UNKNOWN_SERVICE);
    };
    const guardedWatch: handleServerStreamingCall<unknown, unknown> = (call) => {
      if (isKnown(call)) Reflect.apply(Object(watch), undefined, [call]);
      else call.emit("error", UNKNOWN_SERVICE);
    };
    return { ...handlers, check: guardedCheck, watch: guardedWatch };
  }

  /** Whether the tracker takes calls at all. */
  setServing(isStarted: boolean): void {
    this.#isStarted = isStarted;
    this.#tell();
  }

  /** Whether the tracker could answer calls. */
  setStoreUsable(isUsable: boolean): void {
    this.#isStoreUsable = isUsable;
    this.#tell();
  }

  get isServing(): boolean {
    return this.#isStarted && this.#isStoreUsable;
  }

  #tell(): void {
    const status = this.isServing ? "SERVING" : "NOT_SERVING";
    for (const name of this.#services) this.#health.setStatus(name, status);
  }
}

interface EnumTypeDefinition {
  readonly format: "Protocol Buffer 3 EnumDescriptorProto";
  readonly type: object;
  readonly fileDescriptorProtos: Buffer[];
}

/** The reflection library wants descriptors hung on definitions as its own loader makes them. */
function descriptors(file: DescFile): EnumTypeDefinition {
  const fileDescriptorProtos = withDependencies(file).map((one) =>
    Buffer.from(toBinary(FileDescriptorProtoSchema, one.proto)),
  );
  return { format: "Protocol Buffer 3 EnumDescriptorProto", type: {}, fileDescriptorProtos };
}

function withDependencies(file: DescFile): readonly DescFile[] {
  const files = new Set<DescFile>([file]);
  for (const one of files) for (const dependency of one.dependencies) files.add(dependency);
  return [...files];
}

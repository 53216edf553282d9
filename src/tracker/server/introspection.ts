// Health and reflection beside the tracker's own service, so that common tools can watch it and make its
// calls without knowing goshare. Knows nothing of leases.
import { type DescFile, type DescService, toBinary } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import type { Server } from "@grpc/grpc-js";
import { ReflectionService } from "@grpc/reflection";
import { HealthImplementation } from "grpc-health-check";

/** The health of the process as a whole, as the health protocol names it. */
const WHOLE_SERVER = "";

/** Serves reflection on `service`, and its health and the whole server's; not serving until told. */
export class Introspection {
  readonly #services: readonly string[];
  readonly #health: HealthImplementation;
  #isStarted = false;
  #isStoreUsable = true;

  constructor(server: Server, service: DescService) {
    this.#services = [WHOLE_SERVER, service.typeName];
    this.#health = new HealthImplementation();
    this.#tell();
    this.#health.addToServer(server);
    // Health is left out: its library loads descriptors in which the entries of maps are missing, and tools
    // that link what they are given stumble. Those that ask for health know its messages by themselves.
    new ReflectionService({ [service.typeName]: descriptors(service.file) }).addToServer(server);
  }

  /** Whether the tracker takes calls at all. */
  setServing(isStarted: boolean): void {
    this.#isStarted = isStarted;
    this.#tell();
  }

  /** Whether it could answer them. */
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

// The protos with their comments, which generated code does not carry: from `buf build`, so that pages can be made of
// them.
import { createFileRegistry, type DescEnum, type DescMessage, fromJsonString } from "@bufbuild/protobuf";
import { type FileDescriptorProto, FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { runTool } from "../support/repository.js";

/** Field numbers of descriptor.proto, of which the path to a declaration is made. */
const IN_FILE = { message: 4, enum: 5, syntax: 12 } as const;
const MEMBER = 2;

export class DocumentedProtos {
  readonly #registry;
  readonly #files: readonly FileDescriptorProto[];

  private constructor(
    files: readonly FileDescriptorProto[],
    registry: ReturnType<typeof createFileRegistry>,
  ) {
    this.#files = files;
    this.#registry = registry;
  }

  static async read(): Promise<DocumentedProtos> {
    const { exitCode, output } = await runTool("buf", ["build", "proto", "-o", "-#format=json"]);
    if (exitCode !== 0) throw new Error(output);
    const set = fromJsonString(FileDescriptorSetSchema, output, { ignoreUnknownFields: true });
    return new DocumentedProtos(set.file, createFileRegistry(set));
  }

  message(typeName: string): DescMessage {
    const found = this.#registry.getMessage(typeName);
    if (found === undefined) throw new Error(`there is no message ${typeName}`);
    return found;
  }

  /** What stands at the head of a file. */
  commentOfFile(path: string): string {
    return this.#commentAt(path, [IN_FILE.syntax]);
  }

  /** Of a message or an enum. */
  commentOf(type: DescMessage | DescEnum): string {
    return this.#commentAt(`${type.file.name}.proto`, pathOf(type));
  }

  /** Of a field of a message or a value of an enum: that with this name. */
  commentOfMember(type: DescMessage | DescEnum, name: string): string {
    const members = type.kind === "message" ? type.proto.field : type.proto.value;
    const index = members.findIndex((member) => member.name === name);
    return this.#commentAt(`${type.file.name}.proto`, [...pathOf(type), MEMBER, index]);
  }

  #commentAt(file: string, path: readonly number[]): string {
    const wanted = path.join();
    const info = this.#files.find(({ name }) => name === file)?.sourceCodeInfo;
    const comment = info?.location.find((location) => location.path.join() === wanted)?.leadingComments ?? "";
    if (comment === "") throw new Error(`${file}: nothing is said of ${wanted}`);
    return comment.trim().replaceAll(/\s+/g, " ");
  }
}

/** Of a declaration at the top of its file. */
function pathOf(type: DescMessage | DescEnum): readonly number[] {
  return type.kind === "message"
    ? [IN_FILE.message, type.file.proto.messageType.findIndex(({ name }) => name === type.name)]
    : [IN_FILE.enum, type.file.proto.enumType.findIndex(({ name }) => name === type.name)];
}

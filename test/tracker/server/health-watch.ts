// A standard health client that watches, as load balancers do.
import { BinaryReader, BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { Client, type ClientReadableStream, credentials } from "@grpc/grpc-js";
import { until } from "../../support/until.js";

const asIs = (bytes: Buffer): Buffer => bytes;
const NAMES = ["UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN"];

export class HealthWatch {
  readonly #client: Client;
  readonly #stream: ClientReadableStream<Buffer>;
  /** Every status so far. */
  readonly statuses: string[] = [];
  /** Resolves when the server ends the watch. */
  readonly ended: Promise<void>;

  constructor(address: string, service = "") {
    this.#client = new Client(address, credentials.createInsecure());
    const request = new BinaryWriter().tag(1, WireType.LengthDelimited).string(service).finish();
    const path = "/grpc.health.v1.Health/Watch";
    this.#stream = this.#client.makeServerStreamRequest(path, asIs, asIs, Buffer.from(request));
    this.#stream.on("data", (bytes: Buffer) => this.statuses.push(statusIn(bytes)));
    this.ended = new Promise((resolve) => this.#stream.once("error", () => resolve()));
  }

  /** Waits until the last status is this one. */
  async saw(status: string): Promise<void> {
    await until(() => this.statuses.at(-1) === status);
  }

  close(): void {
    this.#stream.cancel();
    this.#client.close();
  }
}

function statusIn(bytes: Buffer): string {
  const reader = new BinaryReader(bytes);
  let status = 0;
  while (reader.pos < reader.len) {
    const [number, wireType] = reader.tag();
    if (number === 1) status = reader.uint32();
    else reader.skip(wireType, number);
  }
  return NAMES[status] ?? "UNKNOWN";
}

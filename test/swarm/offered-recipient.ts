// Somebody chunks are offered to, who is nothing but a name.
import type { OfferedRecipient } from "../../src/swarm/uploading/upload-queue.js";

export class NamedRecipient implements OfferedRecipient {
  readonly name: string;
  lastOfferId = 0;

  constructor(name: string) {
    this.name = name;
  }

  nextOfferId(): number {
    return ++this.lastOfferId;
  }
}

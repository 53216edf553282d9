// Lease tokens: what a peer shows to prove that a lease is its own. They say which lease they are for, so the
// tracker keeps nothing but the secret; where the store has forgotten that, old ones are worth nothing.
import { createHmac, timingSafeEqual } from "node:crypto";
import type { PeerId } from "../../core/ids.js";
import type { LeaseKey } from "./store.js";

const MAC_BYTES = 16;
const PORT_BYTES = 2;

/** Token: MAC (16 bytes) | listen port (u16, big endian) | host (ASCII, at most 45 bytes). */
export class LeaseTokens {
  readonly #secret: Uint8Array;

  /** `secret`: at least 16 random bytes that nobody else knows. */
  constructor(secret: Uint8Array) {
    this.#secret = secret;
  }

  issue(key: LeaseKey): Uint8Array {
    const place = Buffer.alloc(PORT_BYTES + key.host.length);
    place.writeUInt16BE(key.listenPort);
    place.write(key.host, PORT_BYTES, "latin1");
    return Buffer.concat([this.#mac(key.peerId, place), place]);
  }

  /** The lease that `token` was issued for; undefined if it is not one of ours for that peer. */
  read(peerId: PeerId, token: Uint8Array): LeaseKey | undefined {
    if (token.length <= MAC_BYTES + PORT_BYTES) return undefined;
    const place = Buffer.from(token.subarray(MAC_BYTES));
    if (!timingSafeEqual(token.subarray(0, MAC_BYTES), this.#mac(peerId, place))) return undefined;
    return { peerId, host: place.toString("latin1", PORT_BYTES), listenPort: place.readUInt16BE() };
  }

  #mac(peerId: PeerId, place: Uint8Array): Buffer {
    return createHmac("sha256", this.#secret).update(peerId).update(place).digest().subarray(0, MAC_BYTES);
  }
}

// Lease tokens: what a peer shows to prove that a lease is its own. A token says which lease it is for, so the tracker
// keeps only the secret; if the store has lost that, old tokens are worth nothing.
import { createHmac, createSecretKey, type KeyObject, timingSafeEqual } from "node:crypto";
import type { PeerId } from "../../core/ids.js";
import type { LeaseKey } from "./stored-peer.js";

const SECRET_ID_BYTES = 4;
const MAC_BYTES = 16;
const PORT_BYTES = 2;

const PLACE_AT = SECRET_ID_BYTES + MAC_BYTES;
const HOST_AT = PLACE_AT + PORT_BYTES;

/** Token: which secret it was made with (4 bytes) | MAC (16 bytes) | listen port (u16, big endian) | host (ASCII, at
 * most 39 bytes). */
export class LeaseTokens {
  readonly #secret: KeyObject;
  readonly #secretId: Buffer;

  /** `secret`: at least 16 random bytes, known to nobody else. */
  constructor(secret: Uint8Array) {
    this.#secret = createSecretKey(secret);
    this.#secretId = this.#hmac("which secret").subarray(0, SECRET_ID_BYTES);
  }

  issue(key: LeaseKey): Uint8Array {
    const place = Buffer.alloc(PORT_BYTES + key.host.length);
    place.writeUInt16BE(key.listenPort);
    place.write(key.host, PORT_BYTES, "latin1");
    return Buffer.concat([this.#secretId, this.#mac(key.peerId, place), place]);
  }

  /** The lease that `token` was issued for; undefined if it is not one of ours for that peer. */
  read(peerId: PeerId, token: Uint8Array): LeaseKey | undefined {
    if (!this.#isOfSecret(token)) return undefined;
    const place = Buffer.from(token.subarray(PLACE_AT));
    const mac = token.subarray(SECRET_ID_BYTES, PLACE_AT);
    if (!timingSafeEqual(mac, this.#mac(peerId, place))) return undefined;
    return { peerId, host: place.toString("latin1", PORT_BYTES), listenPort: place.readUInt16BE() };
  }

  /** Whether `token` says that it is for a lease at this place. Proves nothing: to be asked only for a caller that is
   * there anyway, which at most gets a useless token back. Spares renewals the MAC. */
  isFor(host: string, listenPort: number, token: Uint8Array): boolean {
    if (!this.#isOfSecret(token) || token.length !== HOST_AT + host.length) return false;
    if (token[PLACE_AT] !== listenPort >> 8 || token[PLACE_AT + 1] !== (listenPort & 0xff)) return false;
    for (let i = 0; i < host.length; i++) if (token[HOST_AT + i] !== host.charCodeAt(i)) return false;
    return true;
  }

  #isOfSecret(token: Uint8Array): boolean {
    return token.length > HOST_AT && this.#secretId.every((byte, i) => token[i] === byte);
  }

  #mac(peerId: PeerId, place: Uint8Array): Buffer {
    return this.#hmac(peerId, place).subarray(0, MAC_BYTES);
  }

  #hmac(...parts: readonly (string | Uint8Array)[]): Buffer {
    const hmac = createHmac("sha256", this.#secret);
    for (const part of parts) hmac.update(part);
    return hmac.digest();
  }
}

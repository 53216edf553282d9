// The names of what the tracker keeps in Redis, and which of them may be in one call. Only a key's part in braces
// decides its slot in a cluster: hex digits, since raw bytes may hold a brace.
import { createHash } from "node:crypto";
import type { ContentId } from "../../../core/ids.js";
import { partsOf } from "../../../core/parts.js";
import type { LeaseKey } from "../stored-peer.js";

const SLOTS = 2 ** 14;
const MEMBER_BYTES = 16;

/** The largest group: after so many shares other calls have their turn. */
const MAX_GROUP = 100;

/** The name of a peer at one place, used in its leases: 16 bytes. */
export function memberOf({ peerId, host, listenPort }: LeaseKey): Buffer {
  const place = `${peerId} ${host} ${listenPort}`;
  return createHash("sha256").update(place).digest().subarray(0, MEMBER_BYTES);
}

export class RedisKeys {
  /** The secret of all trackers over one Redis. */
  readonly secret: string;
  readonly #prefix: string;
  readonly #isCluster: boolean;

  constructor(prefix: string, isCluster: boolean) {
    this.#prefix = prefix;
    this.#isCluster = isCluster;
    this.secret = `${prefix}secret`;
  }

  /** Never written to. */
  get probe(): string {
    return `${this.#prefix}probe`;
  }

  /** Sorted set of what the peer holds. */
  held(member: Buffer): string {
    return `${this.#prefix}{${member.toString("hex")}}:held`;
  }

  /** For each share, the sorted set of its leases and the hash of what is known of them. */
  shares(contentIds: readonly ContentId[]): string[] {
    return contentIds.flatMap((id) => [`${this.#prefix}{${id}}:swarm`, `${this.#prefix}{${id}}:records`]);
  }

  /** Makes the calls for all groups of `items` at once, so that they run at the same time. */
  eachGroup<T extends { readonly contentId: ContentId }, R>(
    items: readonly T[],
    call: (group: readonly T[], keys: readonly string[]) => Promise<R>,
  ): Promise<R[]> {
    const calls = this.#groups(items).map((group) =>
      call(group, this.shares(group.map(({ contentId }) => contentId))),
    );
    return Promise.all(calls);
  }

  /** Splits items about shares into groups, each for one call: the keys of a group are in one slot. */
  #groups<T extends { readonly contentId: ContentId }>(items: readonly T[]): T[][] {
    if (!this.#isCluster) return partsOf(items, MAX_GROUP);
    const bySlot = new Map<number, T[]>();
    for (const item of items) {
      const slot = slotOfTag(item.contentId);
      const group = bySlot.get(slot);
      if (group === undefined) bySlot.set(slot, [item]);
      else group.push(item);
    }
    return [...bySlot.values()].flatMap((group) => partsOf(group, MAX_GROUP));
  }
}

/** CRC-16/XMODEM of a key's part in braces, as the cluster specification says. */
function slotOfTag(tag: string): number {
  let crc = 0;
  for (let i = 0; i < tag.length; i++) {
    crc ^= tag.charCodeAt(i) << 8;
    for (let bit = 0; bit < 8; bit++) crc = (crc << 1) ^ (crc & 0x8000 ? 0x1021 : 0);
    crc &= 0xffff;
  }
  return crc % SLOTS;
}

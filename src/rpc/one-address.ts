// Which of the addresses behind a name a client calls: the same one for as long as it answers, in whichever order the
// resolver names them, and another while it does not. Clients choose differently. Dials nothing itself.
import { createHash, randomBytes } from "node:crypto";
import { isIPv6 } from "node:net";
import { experimental } from "@grpc/grpc-js";

const NAME = "one_address";

type AddressList = Parameters<experimental.LoadBalancer["updateAddressList"]>[0];

/** `addresses` in the order that `seed` gives them, whichever order they come in. Those of the same kind as the first,
 * IPv4 or IPv6, come before the others, since the system puts the kind first that it can reach. */
export function ownOrder<T>(
  addresses: readonly T[],
  hostOf: (address: T) => string,
  seed: Uint8Array,
): readonly T[] {
  const [first] = addresses;
  if (first === undefined) return [];
  const isOther = (address: T): number => Number(isIPv6(hostOf(address)) !== isIPv6(hostOf(first)));
  const rank = (address: T): string =>
    createHash("sha256").update(seed).update(hostOf(address)).digest("hex");
  const ranked = addresses.map((address) => ({ address, rank: `${isOther(address)}${rank(address)}` }));
  return ranked.sort((a, b) => (a.rank < b.rank ? -1 : 1)).map(({ address }) => address);
}

const pickFirst = experimental.parseLoadBalancingConfig({ pick_first: {} });

/** The library's pick_first over addresses in this client's own order. The library's own shuffling chooses anew for
 * every connection, and leaves two addresses as they are (1.14). */
class OneAddress extends experimental.ChildLoadBalancerHandler {
  readonly #seed = randomBytes(16);

  override updateAddressList(
    list: AddressList,
    _config: experimental.TypedLoadBalancingConfig,
    ...rest: [options: Parameters<experimental.LoadBalancer["updateAddressList"]>[2], note: string]
  ): boolean {
    const ordered = list.ok ? { ...list, value: [...ownOrder(list.value, hostOf, this.#seed)] } : list;
    return super.updateAddressList(ordered, pickFirst, ...rest);
  }

  override getTypeName(): string {
    return NAME;
  }
}

class OneAddressConfig implements experimental.TypedLoadBalancingConfig {
  getLoadBalancerName(): string {
    return NAME;
  }

  toJsonObject(): object {
    return { [NAME]: {} };
  }

  static createFromJson(): OneAddressConfig {
    return new OneAddressConfig();
  }
}

function hostOf({ addresses }: experimental.Endpoint): string {
  const [address] = addresses;
  return address !== undefined && "host" in address ? address.host : "";
}

experimental.registerLoadBalancerType(NAME, OneAddress, OneAddressConfig);

/** The load balancing entry for the service config of a channel. */
export const ONE_ADDRESS = { [NAME]: {} };

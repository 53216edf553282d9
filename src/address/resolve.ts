// Turns names that somebody else proposed for dialling into addresses that may be dialled. Whoever owns a name decides
// what it stands for, so each address is judged by itself, and the address is dialled: nobody looks up the name again.
// Bounds the names, the lookups at a time and their time.
import * as dns from "node:dns/promises";
import { mayDial } from "./dialable.js";
import type { Endpoint } from "./endpoint.js";
import { parseAddress } from "./host.js";

/** Every address of a name, in any spelling. Rejects if there is none. */
export type LookUp = (name: string) => Promise<readonly string[]>;

export interface ResolveLimits {
  /** Names looked up for one list of machines; any more are left out. */
  readonly maxNames: number;
  /** Lookups at a time: they share four threads with everything else that Node does there. */
  readonly maxLookups: number;
  /** How long a name may take. */
  readonly lookupTimeoutMs: number;
  /** Addresses used of one name. */
  readonly maxAddresses: number;
}

export const defaultResolveLimits: ResolveLimits = Object.freeze({
  maxNames: 16,
  maxLookups: 2,
  lookupTimeoutMs: 2_000,
  maxAddresses: 4,
});

/** As this machine resolves names, /etc/hosts included. */
const lookUpHere: LookUp = async (name) => {
  const found = await dns.lookup(name, { all: true });
  return found.map(({ address }) => address);
};

/** Calls `found` with what may be dialled of each machine that the one at `proposedByHost` named: at once for machines
 * without a name, for the others as their names are resolved, and never for a machine with no such address. Resolves at
 * once when `signal` aborts; never rejects. */
export async function eachDialable<Machine extends { readonly endpoints: readonly Endpoint[] }>(
  machines: readonly Machine[],
  proposedByHost: string,
  found: (machine: Machine) => void,
  signal: AbortSignal,
  lookUp: LookUp = lookUpHere,
  limits: ResolveLimits = defaultResolveLimits,
): Promise<void> {
  const named: Machine[] = [];
  for (const machine of machines) {
    const endpoints = machine.endpoints.filter((endpoint) => mayDial(endpoint, proposedByHost));
    const dialable = { ...machine, endpoints };
    if (endpoints.some(({ host }) => parseAddress(host) === undefined)) named.push(dialable);
    else if (endpoints.length > 0) found(dialable);
  }
  let namesLeft = limits.maxNames;
  const resolve = async (endpoint: Endpoint): Promise<readonly Endpoint[]> => {
    if (parseAddress(endpoint.host) !== undefined) return [endpoint];
    if (namesLeft-- <= 0) return [];
    const hosts = await within(limits.lookupTimeoutMs, signal, lookUp(endpoint.host));
    return hosts
      .slice(0, limits.maxAddresses)
      .map((host) => ({ ...endpoint, host }))
      .filter((address) => mayDial(address, proposedByHost));
  };
  const rest = named.values();
  const lane = async () => {
    for (const machine of rest) {
      if (signal.aborted) return;
      const endpoints: Endpoint[] = [];
      for (const endpoint of machine.endpoints) endpoints.push(...(await resolve(endpoint)));
      if (endpoints.length > 0) found({ ...machine, endpoints });
    }
  };
  await Promise.all(Array.from({ length: limits.maxLookups }, lane));
}

/** What `lookUp` finds in time; nothing if it fails. */
function within(
  timeoutMs: number,
  signal: AbortSignal,
  lookUp: Promise<readonly string[]>,
): Promise<readonly string[]> {
  return new Promise((resolve) => {
    const settle = (hosts: readonly string[]) => {
      clearTimeout(timer);
      signal.removeEventListener("abort", giveUp);
      resolve(hosts);
    };
    const giveUp = () => settle([]);
    const timer = setTimeout(giveUp, timeoutMs);
    signal.addEventListener("abort", giveUp, { once: true });
    if (signal.aborted) giveUp();
    lookUp.then(settle, giveUp);
  });
}

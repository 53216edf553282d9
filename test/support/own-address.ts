// An address of this machine that others could reach: whoever on this machine dials it is seen there, and not on
// loopback.
import { networkInterfaces } from "node:os";

/** Undefined if the machine has none. */
export function ownAddress(): string | undefined {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  return all.find(({ internal, family }) => !internal && family === "IPv4")?.address;
}

export const NO_OWN_ADDRESS = "this machine has no address but loopback";

// A download that is stopped half-way, for tests of what can be done about it.
import { MIB } from "../../src/core/units.js";
import { GatedProxy } from "./gated-proxy.js";
import type { GoshareProcess } from "./goshare-process.js";
import { type StartedShare, startDownload, ticketVia } from "./transfer.js";

/** How much of a share of several MiB the gate lets through, and how much of that gets verified. */
const MIDDLE_BYTES = 3.5 * MIB;
export const VERIFIED_BYTES = 3 * MIB;

export interface Halfway {
  /** Once opened, it lets the rest through. */
  readonly gate: GatedProxy;
  readonly ticket: string;
  readonly process: GoshareProcess;
}

/** A download that stands still with 3 chunks verified. */
export async function startHalfway(
  share: StartedShare,
  output: string,
  args: readonly string[] = [],
): Promise<Halfway> {
  const gate = await GatedProxy.start(MIDDLE_BYTES);
  gate.target = share.endpoint;
  const ticket = ticketVia(share.ticket, gate.endpoint);
  const process = startDownload(ticket, output, args);
  await process.waitFor("progress", (body) => body["bytesDone"] === String(VERIFIED_BYTES));
  return { gate, ticket, process };
}

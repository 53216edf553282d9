// The commands of a transfer as tests start them: on loopback and free ports, waiting until they serve, and judging
// them by their last event.
import { requireEndpoint } from "../../src/address/endpoint.js";
import { decodeTicket, encodeTicket } from "../../src/address/ticket.js";
import type { ChildSetting } from "./goshare-child.js";
import { GoshareProcess, type JsonBody } from "./goshare-process.js";

const LOOPBACK = "127.0.0.1:0";

export interface StartedShare {
  readonly process: GoshareProcess;
  readonly contentId: string;
  readonly ticket: string;
  readonly manifestPath: string;
  /** HOST:PORT. */
  readonly endpoint: string;
  readonly sharing: JsonBody;
}

/** Shares `path`; resolves when it is being served. */
export async function startShare(
  path: string,
  args: readonly string[] = [],
  setting: ChildSetting = {},
): Promise<StartedShare> {
  const listen = args.includes("--listen") ? [] : ["--listen", LOOPBACK];
  const process = new GoshareProcess(["share", path, ...listen, ...args], undefined, setting);
  const sharing = await process.waitFor("sharing");
  return {
    process,
    contentId: String(sharing["contentId"]),
    ticket: String(sharing["ticket"]),
    manifestPath: String(sharing["manifestPath"]),
    endpoint: String(sharing["endpoint"]),
    sharing,
  };
}

export interface StartedTracker {
  readonly process: GoshareProcess;
  readonly endpoint: string;
}

export async function startTracker(
  args: readonly string[] = ["--listen", LOOPBACK],
  setting: ChildSetting = {},
): Promise<StartedTracker> {
  const process = new GoshareProcess(["tracker", "--store", "memory", ...args], undefined, setting);
  const { endpoint } = await process.waitFor("listening");
  return { process, endpoint: String(endpoint) };
}

export function startDownload(
  what: string,
  output: string,
  args: readonly string[] = [],
  setting: ChildSetting = {},
): GoshareProcess {
  const listen = args.includes("--listen") ? [] : ["--listen", LOOPBACK];
  return new GoshareProcess(["download", what, "--output", output, ...listen, ...args], undefined, setting);
}

export interface Downloaded {
  readonly path: string;
  readonly bytesReceived: number;
  readonly elapsedMs: number;
  readonly process: GoshareProcess;
}

/** Downloads to the end; rejects if that is not `done` with exit code 0. */
export async function download(
  what: string,
  output: string,
  args: readonly string[] = [],
  setting: ChildSetting = {},
): Promise<Downloaded> {
  return downloaded(startDownload(what, output, args, setting));
}

/** How a running download ended; rejects if that is not `done` with exit code 0. */
export async function downloaded(process: GoshareProcess): Promise<Downloaded> {
  const done = await process.waitFor("done");
  const { exitCode } = await process.exited;
  if (exitCode !== 0) throw new Error(`done, but exit code ${exitCode}`);
  if (process.stderr !== "") throw new Error(`done, but on stderr: ${process.stderr}`);
  return {
    path: String(done["path"]),
    bytesReceived: Number(done["bytesReceived"]),
    elapsedMs: Number(done["elapsedMs"]),
    process,
  };
}

export interface Failed {
  readonly code: string;
  readonly exitCode: number | null;
  readonly message: string;
  readonly hint: string;
}

/** How a process failed. Rejects unless `failed` is its last event, names the exit code it ended with, and nothing (no
 * stack) is on stderr. */
export async function failure(process: GoshareProcess): Promise<Failed> {
  const failed = await process.waitFor("failed");
  const { exitCode } = await process.exited;
  if (process.events.at(-1)?.["failed"] !== failed) throw new Error("failed is not the last event");
  if (failed["exitCode"] !== exitCode)
    throw new Error(`${failed["exitCode"]} is not the exit code ${exitCode}`);
  if (process.stderr !== "") throw new Error(`on stderr: ${process.stderr}`);
  return {
    code: String(failed["code"]),
    exitCode,
    message: String(failed["message"]),
    hint: String(failed["hint"]),
  };
}

/** `ticket` with nothing but `peer` (HOST:PORT) as the sharer's address. */
export function ticketVia(ticket: string, peer: string): string {
  const { contentId, name, trackers } = decodeTicket(ticket);
  return encodeTicket({ contentId, name, trackers, peers: [requireEndpoint(peer, "peer", 0)] });
}

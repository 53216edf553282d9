// Whether others can reach this machine, for doctor: by a tracker that dials it back, or if none does, by what trackers
// see. Says plainly if it cannot know.
import * as os from "node:os";
import { type Endpoint, formatEndpoint, type ListenAddress } from "../../address/endpoint.js";
import { hostScope, normaliseHost } from "../../address/host.js";
import { ownEndpoints } from "../../address/own-endpoints.js";
import { GoshareError } from "../../core/errors.js";
import { defaultFlowOptions } from "../defaults.js";
import type { Check } from "../doctor.js";
import { SharePort } from "../sharing/share-port.js";
import { type DialBack, dialBack } from "./dial-back.js";

export interface ListenWish {
  readonly listen: ListenAddress;
  /** False: a free port will do if that one is taken, as for a share. */
  readonly listenGiven: boolean;
}

/** A tracker that has answered. */
export interface SeeingTracker {
  readonly tracker: Endpoint;
  /** The address of the tracker's end of the connection. */
  readonly host: string;
  /** Where the tracker sees this machine: an address in canonical form. */
  readonly observedHost: string;
}

const SUBJECT = "reachable";
const TEST =
  "to test it, run goshare share FILE here, and goshare inspect with its ticket on another machine: it should list the file";

/** Opens the port that a share would have, for as long as the check takes. */
export async function checkReachable(
  wish: ListenWish,
  trackers: readonly SeeingTracker[],
  signal: AbortSignal,
): Promise<Check> {
  const ownHosts = new Set(
    Object.values(os.networkInterfaces()).flatMap((some) =>
      (some ?? []).map(({ address }) => normaliseHost(address) ?? address),
    ),
  );
  const observed = trackers.map(({ observedHost }) => observedHost);
  const unknown = (why: string) => reachabilityUnknown(wish.listen, observed, why);
  const [first] = trackers;
  if (first === undefined) return unknown("there is no tracker to dial this machine back");
  const elsewhere = trackers.find(({ host }) => hostScope(host) !== "loopback" && !ownHosts.has(host));
  if (elsewhere === undefined) {
    return unknown(`${formatEndpoint(first.tracker)} runs on this machine, which proves nothing`);
  }
  const { tracker, observedHost: host } = elsewhere;
  let port: SharePort | undefined;
  try {
    const { maxSharePeers: maxPeers, maxConnectionsPerHost } = defaultFlowOptions;
    const limits = { maxPeers, maxConnectionsPerHost, uploadBudget: undefined };
    port = await SharePort.open({ ...wish, ...limits }, () => undefined);
    const place: Endpoint = { host, port: port.port, transport: "tcp" };
    const isTranslated = !ownHosts.has(host);
    return judged(await dialBack(tracker, place, port, signal), tracker, place, isTranslated, unknown);
  } catch (thrown) {
    signal.throwIfAborted();
    const { code, message } = GoshareError.from(thrown);
    if (code === "BUG") throw thrown;
    return unknown(message);
  } finally {
    await port?.close();
  }
}

/** The verdict for `outcome`. `isTranslated`: `place` is none of this machine's own addresses. */
export function judged(
  outcome: DialBack,
  tracker: Endpoint,
  place: Endpoint,
  isTranslated: boolean,
  unknown: (why: string) => Check,
): Check {
  const [who, where] = [formatEndpoint(tracker), formatEndpoint(place)];
  switch (outcome) {
    case "reached": {
      const fix = isTranslated ? `for tickets to include it, share with --advertise ${where}` : "";
      return { subject: SUBJECT, verdict: "ok", message: `${who} reached this machine at ${where}`, fix };
    }
    case "notReached": {
      const message = `${who} dialled ${where} and did not reach this machine: others cannot connect to it there; it can only connect to them`;
      return { subject: SUBJECT, verdict: "warning", message, fix: fixFor(place, isTranslated) };
    }
    case "notTried":
      return unknown(
        `${who} did not try: it dials an address at most once a minute, and none in a private network for callers from outside`,
      );
    case "trusted":
      return unknown(`${who} lists announced addresses without trying them (--trust-announced)`);
  }
}

function fixFor({ host, port }: Endpoint, isTranslated: boolean): string {
  const open = `open TCP port ${port} in the firewalls of this machine and on the way to it, or choose a port that is open with --listen HOST:PORT`;
  if (!isTranslated) return open;
  const where = formatEndpoint({ host, port });
  return `${host} belongs to a router: have it forward TCP port ${port} to this machine, and share with --advertise ${where}; ${open}`;
}

/** What can be said without a dial-back. `observedHosts` are the addresses that trackers see. */
export function reachabilityUnknown(
  listen: ListenAddress,
  observedHosts: readonly string[],
  why: string,
): Check {
  const own = ownEndpoints(os.networkInterfaces(), listen.host, listen.port);
  const ownHosts = new Set(own.map(({ host }) => host));
  const strange = observedHosts.find((host) => hostScope(host) !== "loopback" && !ownHosts.has(host));
  if (strange !== undefined) {
    return {
      ...{ subject: SUBJECT, verdict: "warning" },
      message: `a tracker sees this machine at ${strange}, which is not one of its own addresses: it is behind a router that translates them`,
      fix: `have the router forward port ${listen.port} to this machine, and share with --advertise ${formatEndpoint({ host: strange, port: listen.port })}; ${TEST}`,
    };
  }
  const places = own.map(formatEndpoint).join(", ");
  const message = `not known: ${why}; others would connect to ${places}`;
  return { subject: SUBJECT, verdict: "skipped", message, fix: TEST };
}

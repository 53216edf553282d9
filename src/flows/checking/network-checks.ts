// What doctor checks on the network: ports and trackers. Listens only for a moment, and serves nobody.
import * as net from "node:net";
import { type Endpoint, formatEndpoint, type ListenAddress } from "../../address/endpoint.js";
import { bindOnce, listenAt } from "../../address/listening.js";
import { GoshareError, isErrno } from "../../core/errors.js";
import { formatDuration } from "../../core/units.js";
import { probeTracker } from "../../tracker/probe.js";
import type { Check } from "../doctor.js";
import { LOCAL_PROBE_MS } from "../finding/trackers.js";
import type { SeeingTracker } from "./reachable-check.js";

/** How long a tracker may take to answer. */
const TRACKER_TIMEOUT_MS = 5_000;

/** Whether peers can be accepted at the default address, or at the one that was asked for. */
export async function checkPeerPort(listen: ListenAddress): Promise<Check> {
  const subject = "peer port";
  const problem = await listenProblem(listen);
  const place = formatEndpoint(listen);
  if (problem === undefined) return { subject, verdict: "ok", message: `${place} is free`, fix: "" };
  if (!isErrno(problem.cause, "EADDRINUSE")) {
    return { subject, verdict: "problem", message: problem.message, fix: problem.hint };
  }
  const message = `${place} is taken, perhaps by another share; a free port will be used instead`;
  const fix = "choose another with --listen HOST:PORT if a firewall only lets certain ports through";
  return { subject, verdict: "warning", message, fix };
}

/** Whether a tracker runs here, or could. */
export async function checkTrackerPort(listen: ListenAddress): Promise<Check> {
  const subject = "tracker port";
  const problem = await listenProblem(listen);
  const place = formatEndpoint(listen);
  if (problem === undefined) return { subject, verdict: "ok", message: `${place} is free`, fix: "" };
  const isTaken = isErrno(problem.cause, "EADDRINUSE");
  const local = { host: "localhost", port: listen.port, transport: "tcp" } as const;
  if (isTaken && (await probeTracker(local, LOCAL_PROBE_MS))) {
    return { subject, verdict: "ok", message: `a goshare tracker runs at ${place}`, fix: "" };
  }
  const fix = "to run a tracker here, give it another port: goshare tracker --listen HOST:PORT";
  return { subject, verdict: "warning", message: problem.message, fix };
}

export interface AskedTracker {
  readonly check: Check;
  /** Undefined if the tracker did not answer, or does not say where it sees this machine. */
  readonly seeing: SeeingTracker | undefined;
}

/** Whether a tracker answers, and how soon. */
export async function checkTracker(tracker: Endpoint, signal: AbortSignal): Promise<AskedTracker> {
  const subject = "tracker";
  const place = formatEndpoint(tracker);
  const { TrackerClient } = await import("../../tracker/client.js");
  try {
    const client = new TrackerClient(tracker, { callTimeoutMs: TRACKER_TIMEOUT_MS, maxAttempts: 1 });
    try {
      // The first call also waits for the connection.
      const { agent, observedHost } = await client.info(signal);
      const startMs = performance.now();
      await client.info(signal);
      const isSeen = observedHost !== "";
      const seeing = isSeen ? { tracker, host: client.proposingHost, observedHost } : undefined;
      const message = `${place} answers in ${formatDuration(performance.now() - startMs)} (${agent})`;
      return { check: { subject, verdict: "ok", message, fix: "" }, seeing };
    } finally {
      await client.close();
    }
  } catch (thrown) {
    signal.throwIfAborted();
    const { code, message, hint } = GoshareError.from(thrown);
    if (code === "BUG") throw thrown;
    // The subject already comes before the message.
    const told = message.startsWith(`${subject} `) ? message.slice(subject.length + 1) : message;
    return { check: { subject, verdict: "problem", message: told, fix: hint }, seeing: undefined };
  }
}

export const NO_TRACKER: Check = {
  ...{ subject: "tracker", verdict: "skipped", fix: "" },
  message: "none is named and none runs here; tickets work without one",
};

export const CLOCK: Check = {
  ...{ subject: "clock", verdict: "skipped", fix: "" },
  message: "not compared, since trackers do not tell the time; transfers do not depend on it",
};

async function listenProblem(listen: ListenAddress): Promise<GoshareError | undefined> {
  const server = net.createServer();
  try {
    await listenAt(listen, (host, port) => bindOnce(server, host, port));
    return undefined;
  } catch (thrown) {
    return GoshareError.from(thrown);
  } finally {
    server.close();
  }
}

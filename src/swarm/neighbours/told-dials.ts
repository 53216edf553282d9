// Details about peers for those who want them: what this process dials, what comes of it, and which peers become
// neighbours. Decides nothing.
import { formatEndpoint } from "../../address/endpoint.js";
import { GoshareError } from "../../core/errors.js";
import type { EventObserver } from "../../events/event.js";
import { placeOf } from "../../peer/place-of.js";
import type { DownloadPeer } from "./download-peer.js";
import type { Dial } from "./peer-finder.js";

/** `dial`, with details of what it does. */
export function toldDial(observe: EventObserver, dial: Dial): Dial {
  const { detail } = observe;
  if (detail === undefined) return dial;
  return async (machine, connected) => {
    const places = machine.endpoints.map(formatEndpoint).join(", ");
    detail("peer", `dialling ${places}`);
    try {
      await dial(machine, connected);
    } catch (thrown) {
      detail("peer", `${places}: ${GoshareError.from(thrown).message}`);
      throw thrown;
    }
  };
}

export function tellJoined(observe: EventObserver, { connection, wasComplete }: DownloadPeer): void {
  observe.detail?.(
    "peer",
    `${placeOf(connection)} is a neighbour${wasComplete ? " that has everything" : ""}`,
  );
}

/** A connection has ended; `endpoint` is where the other end was. */
export function tellEnded(
  observe: EventObserver,
  { id, connection }: DownloadPeer,
  endpoint: string,
  error: GoshareError | undefined,
): void {
  const { bytesReceived, bytesSent } = connection;
  const why = { code: error?.code ?? "", message: error?.message ?? "" } as const;
  observe({ type: "peerDisconnected", peerId: id, endpoint, ...why, bytesReceived, bytesSent });
}

// This process as a peer: made once for each flow, given to every connection it opens or accepts.
import { randomBytes } from "node:crypto";
import { AGENT } from "../../core/agent.js";
import { randomPeerId } from "../../core/ids.js";
import type { LocalPeer } from "../../peer/handshake.js";
import { OFFERS_FEATURE, PROTOCOL_VERSION } from "../../peer/messages.js";

/** `listenPort` returns where this process accepts peers now, 0 if it does not. A download that does not take offers
 * asks by itself: one that wants little of a share would decline most of what is offered. */
export function newLocalPeer(listenPort: () => number, takesOffers = true): LocalPeer {
  return {
    peerId: randomPeerId(),
    agent: AGENT,
    features: takesOffers ? [OFFERS_FEATURE] : [],
    nonce: randomBytes(16).toString("hex"),
    protocolMin: PROTOCOL_VERSION,
    protocolMax: PROTOCOL_VERSION,
    listenPort,
  };
}

// This process as a peer: made once for each flow, given to every connection it opens or accepts.
import { randomBytes } from "node:crypto";
import { AGENT } from "../core/agent.js";
import { randomPeerId } from "../core/ids.js";
import type { LocalPeer } from "../peer/handshake.js";
import { OFFERS_FEATURE, PROTOCOL_VERSION } from "../peer/messages.js";

/** `listenPort` says where this process accepts peers now, 0 if it does not. */
export function newLocalPeer(listenPort: () => number): LocalPeer {
  return {
    peerId: randomPeerId(),
    agent: AGENT,
    features: [OFFERS_FEATURE],
    nonce: randomBytes(16).toString("hex"),
    protocolMin: PROTOCOL_VERSION,
    protocolMax: PROTOCOL_VERSION,
    listenPort,
  };
}

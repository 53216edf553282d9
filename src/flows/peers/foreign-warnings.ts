// Warns of programs that speak another protocol to the port for peers: a browser, a TLS proxy, a BitTorrent client.
// Once for each kind, so that nobody can fill a terminal by dialling.
import type { EventObserver } from "../../events/event.js";
import type { ForeignListener } from "../../peer/listener.js";

export function foreignWarnings(observe: EventObserver): ForeignListener {
  const warned = new Set<string>();
  return (protocol, remote) => {
    if (warned.has(protocol)) return;
    warned.add(protocol);
    const message = `something speaks ${protocol} to the port for peers, which only understands goshare`;
    observe({ type: "warning", code: "PEER_PROTOCOL", message, path: remote });
  };
}

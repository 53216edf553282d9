// What trackers do with announcements, for those who want details. Decides nothing.
import { formatEndpoint } from "../../address/endpoint.js";
import { formatDuration } from "../../core/units.js";
import type { EventObserver } from "../../events/event.js";
import type { AnnouncerEvents } from "../../swarm/announcer.js";

export function tellAnnounced(observe: EventObserver): AnnouncerEvents["answered"] {
  return (tracker, { listedEndpoints, renewAfterMs, wantedManifests }, contentIds) => {
    const { detail } = observe;
    if (detail === undefined) return;
    const places = listedEndpoints.map(formatEndpoint).join(", ");
    const listed = places === "" ? "lists us for nobody" : `lists us for others at ${places}`;
    const shares = contentIds.length > 1 ? ` of ${contentIds.length} shares` : "";
    const manifests = wantedManifests.length > 1 ? `${wantedManifests.length} manifests` : "the manifest";
    const wants = wantedManifests.length === 0 ? "" : `, wants ${manifests}`;
    const text = `${tracker} accepted the announcement${shares}: ${listed}, to be renewed in ${formatDuration(renewAfterMs)}${wants}`;
    detail("tracker", text);
  };
}

// A store that is still being opened, for tests that are written for one that is there: its calls wait.
import type { TrackerStore } from "../../../../src/tracker/server/store.js";

export function lateStore(opened: Promise<TrackerStore>): TrackerStore {
  return {
    secret: async () => (await opened).secret(),
    announce: async (update) => (await opened).announce(update),
    withdraw: async (key, contentIds) => (await opened).withdraw(key, contentIds),
    sample: async (queries, exclude, maxPeers) => (await opened).sample(queries, exclude, maxPeers),
    manifest: async (contentId) => (await opened).manifest(contentId),
    holdsLease: async (key, contentId) => (await opened).holdsLease(key, contentId),
    putManifest: async (contentId, bytes, host) => (await opened).putManifest(contentId, bytes, host),
    expire: async () => (await opened).expire(),
    size: async () => (await opened).size(),
    close: async () => (await opened).close(),
  };
}

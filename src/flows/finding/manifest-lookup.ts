// Gets only the manifest of what the user names: for commands that look at a share without downloading it. Writes
// nothing.
import type { Endpoint } from "../../address/endpoint.js";
import { GoshareError } from "../../core/errors.js";
import { type EventObserver, withDetails } from "../../events/event.js";
import { PROGRESS_MS } from "../../events/rate.js";
import { checkManifest } from "../../manifest/check.js";
import type { Manifest, ManifestRoot } from "../../manifest/manifest.js";
import { defaultConnectionOptions } from "../../peer/options.js";
import { DownloadSwarm } from "../../swarm/download-swarm.js";
import { defaultDownloadSwarmOptions } from "../../swarm/options.js";
import { newLocalPeer } from "../peers/local-peer.js";
import { LonelyWarnings } from "../peers/lonely-warnings.js";
import { Patience } from "../peers/patience.js";
import { type ContentSource, requireSomebody } from "./content-source.js";
import { firstRoot, TrackerLookup } from "./tracker-lookup.js";

/** The manifest; or what is known of it, and the error that there is none: NO_PEERS. */
export type LookedUp =
  | { readonly root: ManifestRoot; readonly manifest: Manifest; readonly problem: undefined }
  | { readonly root: ManifestRoot | undefined; readonly manifest: undefined; readonly problem: GoshareError };

/** The manifest in `source` itself, else what trackers and peers give within `timeoutMs`. Throws the errors of an
 * invalid manifest. */
export async function lookUpManifest(
  source: ContentSource,
  trackers: readonly Endpoint[],
  timeoutMs: number,
  observe: EventObserver,
  signal: AbortSignal,
): Promise<LookedUp> {
  if (source.manifest !== undefined) {
    return { root: source.manifest.root, manifest: source.manifest, problem: undefined };
  }
  const local = newLocalPeer(() => 0);
  const { contentId } = source;
  const swarm = new DownloadSwarm({
    ...{ contentId, local, observe: withDetails(() => undefined, observe.detail) },
    connectionOptions: defaultConnectionOptions,
    options: defaultDownloadSwarmOptions,
  });
  const lookup = await TrackerLookup.open(trackers, contentId, local.peerId, observe);
  const ending = new AbortController();
  const patience = new Patience(timeoutMs, AbortSignal.any([signal, ending.signal]), () => {
    const why = swarm.lastError === undefined ? "" : `: ${swarm.lastError.message}`;
    return new GoshareError("NO_PEERS", `the manifest is not available now${why}`, {
      hint: "check that somebody is sharing it; a .goshare file has the manifest in it and needs nobody",
    });
  });
  swarm.addPeer({ endpoints: source.peers, isNamed: true });
  const feeding = lookup.feed(swarm, ending.signal);
  const lonely = new LonelyWarnings(swarm, observe);
  const ticking = setInterval(() => lonely.tell(performance.now()), PROGRESS_MS);
  let root = source.root;
  try {
    requireSomebody(source, trackers);
    observe({ type: "waiting", contentId, waitingFor: "manifest", slowReason: "noPeer" });
    const arriving = () => patience.begin("manifest");
    arriving();
    root ??= await firstRoot(swarm, lookup, patience.signal, arriving);
    const body = await swarm.fetchBody(root, patience.signal, arriving);
    return { root, manifest: checkManifest(root, body), problem: undefined };
  } catch (thrown) {
    signal.throwIfAborted();
    const problem = GoshareError.from(thrown);
    if (problem.code !== "NO_PEERS") throw problem;
    return { root, manifest: undefined, problem };
  } finally {
    clearInterval(ticking);
    ending.abort();
    patience.close();
    swarm.close("finished");
    await feeding;
    await lookup.close();
  }
}

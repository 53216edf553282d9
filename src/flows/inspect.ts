// Shows what a ticket, .goshare file or content id stands for, without downloading it: what they say by
// themselves, and the manifest if it is to be had. Writes nothing.
import { type Endpoint, formatEndpoint } from "../address/endpoint.js";
import { GoshareError } from "../core/errors.js";
import type { EventObserver, InspectedEntry } from "../events/event.js";
import { checkManifest } from "../manifest/check.js";
import type { Manifest, ManifestRoot } from "../manifest/manifest.js";
import { defaultConnectionOptions } from "../peer/options.js";
import { DownloadSwarm } from "../swarm/download-swarm.js";
import { defaultDownloadSwarmOptions } from "../swarm/options.js";
import { type ContentSource, readContentSource, requireSomebody } from "./content-source.js";
import { newLocalPeer } from "./local-peer.js";
import { firstRoot, TrackerLookup } from "./manifest-lookup.js";
import { Patience } from "./patience.js";
import { trackerWarnings } from "./tracker-warnings.js";
import { chooseTrackers } from "./trackers.js";

export interface InspectOptions {
  /** A ticket, the path of a .goshare file, or a content id. */
  readonly what: string;
  readonly trackers: readonly Endpoint[];
  readonly probeLocalTracker: boolean;
  /** How long to look for the manifest. */
  readonly timeoutMs: number;
}

/** Emits one `inspected`. A manifest that is not to be had within the time is a warning, not an error. */
export async function inspect(
  options: InspectOptions,
  observe: EventObserver,
  signal: AbortSignal,
): Promise<void> {
  const source = await readContentSource(options.what);
  const named = [...options.trackers, ...source.trackers];
  const trackers = await chooseTrackers(named, options.probeLocalTracker && source.peers.length === 0);
  const found = source.manifest ?? (await lookUp(options, source, trackers, observe, signal));
  const root = found === undefined ? source.root : "root" in found ? found.root : found;
  const manifest = found !== undefined && "root" in found ? found : undefined;
  observe({
    type: "inspected",
    contentId: source.contentId,
    name: root?.name ?? source.name,
    kind: root?.kind ?? "",
    bytes: root?.totalSize ?? 0,
    chunkSize: root?.chunkSize ?? 0,
    chunks: root?.chunkCount ?? 0,
    entries: manifest === undefined ? [] : entriesOf(manifest),
    peers: source.peers.map(formatEndpoint),
    trackers: trackers.map(formatEndpoint),
  });
}

async function lookUp(
  options: InspectOptions,
  source: ContentSource,
  trackers: readonly Endpoint[],
  observe: EventObserver,
  signal: AbortSignal,
): Promise<Manifest | ManifestRoot | undefined> {
  const local = newLocalPeer(() => 0);
  const { contentId } = source;
  const swarm = new DownloadSwarm({
    ...{ contentId, local, observe: () => undefined },
    connectionOptions: defaultConnectionOptions,
    options: defaultDownloadSwarmOptions,
  });
  const lookup = await TrackerLookup.open(trackers, contentId, local.peerId, trackerWarnings(observe));
  const ending = new AbortController();
  const patience = new Patience(options.timeoutMs, AbortSignal.any([signal, ending.signal]), () => {
    const why = swarm.lastError === undefined ? "" : `: ${swarm.lastError.message}`;
    return new GoshareError("NO_PEERS", `the manifest is not to be had now${why}`);
  });
  swarm.addPeer({ endpoints: source.peers, isNamed: true });
  const feeding = lookup.feed(swarm, ending.signal);
  let root = source.root;
  try {
    requireSomebody(source, trackers);
    patience.begin("manifest");
    root ??= await firstRoot(swarm, lookup, patience.signal);
    return checkManifest(root, root.inlineBody ?? (await swarm.fetchBody(root, patience.signal)));
  } catch (thrown) {
    signal.throwIfAborted();
    const error = GoshareError.from(thrown);
    if (error.code !== "NO_PEERS") throw error;
    observe({ type: "warning", code: error.code, message: error.message, path: "" });
    return root;
  } finally {
    ending.abort();
    patience.close();
    swarm.close();
    await feeding;
    await lookup.close();
  }
}

function entriesOf(manifest: Manifest): readonly InspectedEntry[] {
  return [
    ...manifest.files.map(({ path, size, executable }): InspectedEntry => {
      return { path, size, kind: executable ? "executable" : "file", target: "" };
    }),
    ...manifest.emptyDirectories.map(
      (path): InspectedEntry => ({ path, size: 0, kind: "directory", target: "" }),
    ),
    ...manifest.symbolicLinks.map(
      ({ path, target }): InspectedEntry => ({ path, size: 0, kind: "link", target }),
    ),
  ];
}

// Shows what a ticket, .goshare file or content id stands for, without downloading it: what they say by themselves, and
// the manifest if it can be fetched. Writes nothing.
import { type Endpoint, formatEndpoint } from "../address/endpoint.js";
import type { GoshareError } from "../core/errors.js";
import type { EventObserver, InspectedEntry } from "../events/event.js";
import type { Manifest } from "../manifest/manifest.js";
import { readContentSource } from "./finding/content-source.js";
import { lookUpManifest } from "./finding/manifest-lookup.js";
import { trackersFor } from "./finding/trackers.js";

export interface InspectOptions {
  /** A ticket, the path of a .goshare file, or a content id. */
  readonly what: string;
  readonly trackers: readonly Endpoint[];
  readonly probeLocalTracker: boolean;
  /** How long to look for the manifest. */
  readonly timeoutMs: number;
}

/** Emits one `inspected`, with what is known even if the manifest cannot be fetched in time; then returns why not. */
export async function inspect(
  options: InspectOptions,
  observe: EventObserver,
  signal: AbortSignal,
): Promise<GoshareError | undefined> {
  const source = await readContentSource(options.what);
  const trackers = await trackersFor(source, options);
  const { timeoutMs } = options;
  const { root, manifest, problem } = await lookUpManifest(source, trackers, timeoutMs, observe, signal);
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
  return problem;
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

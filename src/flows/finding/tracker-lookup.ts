// Asks trackers, for one download or one look at a share, for the root of its manifest and, again and again, for peers
// that have it. A root is believed for its content id, whichever tracker sent it. Dials no peer.
import { type Endpoint, formatEndpoint } from "../../address/endpoint.js";
import { eachDialable } from "../../address/resolve.js";
import { pause, untilAborted } from "../../core/clock.js";
import { GoshareError } from "../../core/errors.js";
import type { ContentId, PeerId } from "../../core/ids.js";
import type { DetailObserver, EventObserver } from "../../events/event.js";
import { checkRoot } from "../../manifest/check.js";
import type { ManifestRoot } from "../../manifest/manifest.js";
import type { DownloadSwarm } from "../../swarm/download-swarm.js";
import type { TrackerClient } from "../../tracker/client.js";
import { type TrackerWarnings, trackerWarnings } from "./tracker-warnings.js";

/** How many peers a tracker is asked for at a time. */
const WANTED_PEERS = 50;
/** A tracker is asked again after this time, and ever more slowly up to the last; sooner while no peer is connected,
 * since one may just have come. */
const MIN_ASK_MS = 1_000;
const MAX_ASK_MS = 30_000;
const MAX_LONE_ASK_MS = 8_000;
/** How long one tracker is asked alone before the next is asked as well. */
const NEXT_TRACKER_MS = 1_000;

interface NamedTracker {
  readonly name: string;
  readonly client: TrackerClient;
}

export class TrackerLookup {
  readonly #trackers: readonly NamedTracker[];
  readonly #contentId: ContentId;
  readonly #ownPeerId: PeerId;
  readonly #warn: TrackerWarnings;
  readonly #detail: DetailObserver | undefined;
  #hasAnswer = false;
  #failuresInARow = 0;
  #lastFailure: GoshareError | undefined;

  private constructor(
    trackers: readonly NamedTracker[],
    contentId: ContentId,
    ownPeerId: PeerId,
    warn: TrackerWarnings,
    detail: DetailObserver | undefined,
  ) {
    this.#trackers = trackers;
    this.#contentId = contentId;
    this.#ownPeerId = ownPeerId;
    this.#warn = warn;
    this.#detail = detail;
  }

  /** Opens a lookup at `trackers`. If there are none, the code to talk to one is not even loaded. `warn` is told of
   * those that fail, if others warn of the same trackers too. */
  static async open(
    trackers: readonly Endpoint[],
    contentId: ContentId,
    ownPeerId: PeerId,
    observe: EventObserver,
    warn = trackerWarnings(observe),
  ): Promise<TrackerLookup> {
    const named: NamedTracker[] = [];
    if (trackers.length > 0) {
      const { TrackerClient } = await import("../../tracker/client.js");
      for (const tracker of trackers) {
        named.push({ name: formatEndpoint(tracker), client: new TrackerClient(tracker) });
      }
    }
    return new TrackerLookup(named, contentId, ownPeerId, warn, observe.detail);
  }

  get hasTrackers(): boolean {
    return this.#trackers.length > 0;
  }

  /** Whether all of them have failed since one last answered. */
  get isSilent(): boolean {
    return this.hasTrackers && this.#failuresInARow >= this.#trackers.length;
  }

  /** Why no tracker helps: the error of the last one asked, while none has answered; undefined once one has. */
  get silence(): GoshareError | undefined {
    const [first] = this.#trackers;
    if (this.#hasAnswer || first === undefined) return undefined;
    return (
      this.#lastFailure ??
      new GoshareError("TRACKER_UNREACHABLE", `tracker ${first.name} has not answered yet`, {
        hint: "check that it is a goshare tracker, and check the network to it",
      })
    );
  }

  /** The root from the first tracker that has it; undefined if none does. Throws MANIFEST_INVALID or NEWER_FORMAT:
   * everybody else would send the same bytes, since they have the wanted content id. */
  async findRoot(signal: AbortSignal): Promise<ManifestRoot | undefined> {
    const bytes = await this.#firstAnswer(async ({ name, client }) => {
      const manifest = await client.getManifest(this.#contentId, signal);
      this.#detail?.("tracker", `${name} has ${manifest === undefined ? "no" : "the"} manifest`);
      return manifest;
    }, signal);
    return bytes === undefined ? undefined : checkRoot(bytes);
  }

  /** Gives `swarm` every peer that the trackers name, again and again until `signal` aborts. Never rejects. */
  async feed(swarm: DownloadSwarm, signal: AbortSignal): Promise<void> {
    let pauseMs = MIN_ASK_MS;
    while (!signal.aborted && this.#trackers.length > 0) {
      const answered = new AbortController();
      const asked = this.#firstAnswer(async ({ name, client }) => {
        const { peers, counts } = await client.listPeers(
          this.#contentId,
          WANTED_PEERS,
          this.#ownPeerId,
          signal,
        );
        this.#detail?.("tracker", `${name} names ${peers.length} ${peers.length === 1 ? "peer" : "peers"}`);
        await eachDialable(peers, client.proposingHost, (peer) => swarm.addPeer(peer), signal);
        answered.abort();
        // Other trackers may know a peer that has everything: one that was just started knows none yet.
        return counts.completePeers > 0 ? true : undefined;
      }, signal);
      // A tracker that does not answer does not keep the others from being asked again.
      const enough = untilAborted(answered.signal).then(() => pause(NEXT_TRACKER_MS, signal));
      await Promise.race([asked, enough]);
      const maxPauseMs = () => (swarm.peerCount === 0 ? Math.min(pauseMs, MAX_LONE_ASK_MS) : pauseMs);
      for (let waitedMs = 0; waitedMs < maxPauseMs() && !signal.aborted; waitedMs += MIN_ASK_MS)
        await pause(MIN_ASK_MS, signal);
      pauseMs = Math.min(MAX_ASK_MS, pauseMs * 2);
    }
  }

  /** The answer of the first tracker that has something. Each is asked when the one before has nothing, has failed, or
   * has been silent for a moment. Never rejects. */
  #firstAnswer<T>(
    ask: (tracker: NamedTracker) => Promise<T | undefined>,
    signal: AbortSignal,
  ): Promise<T | undefined> {
    return new Promise((resolve) => {
      const rest = [...this.#trackers];
      let running = 0;
      let timer: NodeJS.Timeout | undefined;
      const next = () => {
        clearTimeout(timer);
        const tracker = signal.aborted ? undefined : rest.shift();
        if (tracker === undefined) {
          if (running === 0) resolve(undefined);
          return;
        }
        running++;
        timer = setTimeout(next, NEXT_TRACKER_MS);
        ask(tracker)
          .then(
            (answer) => {
              this.#hasAnswer = true;
              this.#failuresInARow = 0;
              return answer;
            },
            (thrown: unknown) => this.#failed(tracker.name, thrown, signal),
          )
          .then((answer) => {
            running--;
            if (answer === undefined) return next();
            clearTimeout(timer);
            resolve(answer);
          });
      };
      next();
    });
  }

  async close(): Promise<void> {
    await Promise.all(this.#trackers.map(({ client }) => client.close()));
  }

  #failed(name: string, thrown: unknown, signal: AbortSignal): undefined {
    if (signal.aborted) return;
    const error = GoshareError.from(thrown);
    this.#lastFailure = error;
    this.#failuresInARow++;
    this.#warn(name, error);
    this.#detail?.("tracker", `${name}: ${error.message}`);
  }
}

/** The root from whichever gives it first, a tracker or a peer. Calls `arriving` while something comes from peers. */
export async function firstRoot(
  swarm: DownloadSwarm,
  lookup: TrackerLookup,
  signal: AbortSignal,
  arriving: () => void,
): Promise<ManifestRoot> {
  const found = new AbortController();
  const either = AbortSignal.any([signal, found.signal]);
  const fromPeers = swarm.fetchRoot(either, arriving);
  const fromTracker = lookup.findRoot(either).then((root) => root ?? fromPeers);
  try {
    return await Promise.race([fromPeers, fromTracker]);
  } finally {
    found.abort();
  }
}

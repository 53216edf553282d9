// download(), read(), inspect() and unfinished() for programs: they begin at once and report what happens.
import { type Readable, Transform } from "node:stream";
import type { EventObserver, GoshareEvent } from "../events/event.js";
import { download as downloadFlow } from "../flows/download.js";
import { inspect as inspectFlow } from "../flows/inspect.js";
import { status as statusFlow } from "../flows/status.js";
import { EventStream, failedEvent, goshareError } from "./event-stream.js";
import {
  type DownloadCallOptions,
  downloadOptions,
  type InspectCallOptions,
  inspectOptions,
  type ReadCallOptions,
  requireText,
} from "./options.js";

/** The result of a download. */
export type Downloaded = Omit<Extract<GoshareEvent, { type: "done" }>, "type">;

/** A download from its first step to its end. A loop over it sees its events; the last one is `done` or `failed`. */
export interface Download extends AsyncIterable<GoshareEvent> {
  /** Resolves when everything is in its place. Rejects with a GoshareError, or the reason of the signal that ended it;
   * verified chunks stay for the next run. */
  readonly done: Promise<Downloaded>;
}

/** Downloads what a ticket, a .goshare file or a content id names. */
export function download(what: string, options: DownloadCallOptions = {}): Download {
  const events = new EventStream();
  const signal = options.signal ?? new AbortController().signal;
  const done = run(what, options, events.observe, signal).then(
    (result) => {
      events.end({ type: "done", ...result });
      return result;
    },
    (thrown: unknown) => {
      events.end(failedEvent(thrown, signal));
      throw thrown;
    },
  );
  // A caller that only loops must not be ended by an unhandled rejection.
  done.catch(() => undefined);
  return { done, [Symbol.asyncIterator]: () => events[Symbol.asyncIterator]() };
}

async function run(
  what: string,
  options: DownloadCallOptions,
  observe: EventObserver,
  signal: AbortSignal,
): Promise<Downloaded> {
  // Gives the caller a chance to begin a loop first.
  await undefined;
  const {
    seed: _none,
    isCutShort: _never,
    ...result
  } = await downloadFlow(downloadOptions(what, options), observe, signal);
  return result;
}

/** The bytes of one file of what `what` names, verified and in order. Keeps nothing on the disk; ends when the stream
 * is destroyed. Emits a GoshareError if it cannot go on, or the reason of the signal if that is an Error. */
export function read(what: string, options: ReadCallOptions = {}): Readable {
  // Copies: the memory of a chunk that was taken is reused for the next.
  const stream = new Transform({ transform: (bytes, _encoding, taken) => taken(null, Buffer.from(bytes)) });
  const left = new AbortController();
  stream.once("close", () => left.abort());
  const signal = AbortSignal.any([left.signal, ...(options.signal === undefined ? [] : [options.signal])]);
  const flow = async () =>
    downloadFlow({ ...downloadOptions(what, options), output: stream }, () => undefined, signal);
  flow().then(
    () => stream.end(),
    (thrown: unknown) => stream.destroy(thrown instanceof Error ? thrown : goshareError(thrown, signal)),
  );
  return stream;
}

/** What a ticket, .goshare file or content id stands for. */
export type Inspected = Omit<Extract<GoshareEvent, { type: "inspected" }>, "type">;

/** Looks at what `what` names without downloading it; `kind` is "" if its manifest cannot be fetched. */
export async function inspect(what: string, options: InspectCallOptions = {}): Promise<Inspected> {
  let found: Inspected | undefined;
  const signal = options.signal ?? new AbortController().signal;
  const observe = (event: GoshareEvent) => {
    if (event.type !== "inspected") return;
    const { type: _type, ...inspected } = event;
    found = inspected;
  };
  await inspectFlow(inspectOptions(what, options), observe, signal);
  if (found === undefined) throw new Error("inspecting tells what it found");
  return found;
}

/** An unfinished download. */
export type Resumable = Omit<Extract<GoshareEvent, { type: "resumable" }>, "type">;

/** The unfinished downloads in a folder. Part folders that cannot be read are left out. */
export async function unfinished(
  outputDirectory: string,
  { signal = new AbortController().signal }: { readonly signal?: AbortSignal } = {},
): Promise<readonly Resumable[]> {
  const found: Resumable[] = [];
  const observe = (event: GoshareEvent) => {
    if (event.type !== "resumable") return;
    const { type: _type, ...resumable } = event;
    found.push(resumable);
  };
  const outputDirectories = [requireText("outputDirectory", outputDirectory)];
  await statusFlow({ outputDirectories, mayBeMissing: true }, observe, signal);
  return found;
}

// Events in words, for people. Pure: says what is a note, a result or a problem; the reporter decides where each of
// them goes. Everything from outside passes through `printable` here.
import { basename } from "node:path";
import { formatBytes, formatDuration, formatRate } from "../../core/units.js";
import type { GoshareEvent, InspectedEntry } from "../../events/event.js";
import { downloadArguments } from "../resume-line.js";
import { goshareCommand, pathArgument } from "../shell-quote.js";
import { describeFinding } from "./describe-finding.js";
import type { Line } from "./line.js";
import type { Palette } from "./palette.js";
import { fitCells, printable } from "./printable.js";
import { limitedByText } from "./slow-reason-text.js";

const AGENT_MAX_CELLS = 40;
const LABEL_CELLS = 12;

const WAITING_TEXT: Record<Extract<GoshareEvent, { type: "waiting" }>["waitingFor"], string> = {
  manifest: "looking for somebody who has the manifest",
  peers: "waiting for somebody who has what is missing",
  others:
    "everything is here; others are still fetching what only this machine has (Ctrl-C leaves them without it)",
};

/** What to write for `event`, top to bottom; nothing for progress, which a ProgressDisplay shows. `shareName` names the
 * share that it is about, if there are several. */
export function describe(event: GoshareEvent, palette: Palette, shareName?: string): readonly Line[] {
  switch (event.type) {
    case "listening":
      return [note("tracker at"), toCopy(printable(event.endpoint)), note("press Ctrl-C to stop it")];
    case "metricsListening":
      return [note(`metrics at http://${printable(event.endpoint)}/metrics`)];
    case "sharing":
      return describeSharing(event, palette);
    case "waiting":
      return [note(WAITING_TEXT[event.waitingFor])];
    case "downloading":
      return describeDownloading(event, palette);
    case "peerConnected":
    case "peerDisconnected":
      return [note(printable(connectionText(event)))];
    case "copied": {
      const copies = count(event.copies, "copy", "copies");
      const what = shareName === undefined ? "everything" : `all of ${printable(shareName)}`;
      return [note(`${printable(event.endpoint)} has ${what} (${copies} so far)`)];
    }
    case "warning":
      return [problem(`${palette.warning("warning:")} ${printable(event.message)}${pathText(event)}`)];
    case "inspected":
      return describeInspected(event);
    case "resumable":
      return describeResumable(event);
    case "trackerStatus":
      return describeTrackerStatus(event);
    case "done":
      return describeDone(event);
    case "stopped":
      return [note(event.bytesSent > 0 ? `stopped; sent ${formatBytes(event.bytesSent)}` : "stopped")];
    case "failed":
      return [
        problem(`${palette.error("error:")} ${printable(event.message)}`),
        ...(event.hint === "" ? [] : [problem(`  ${printable(event.hint)}`)]),
      ];
    case "hashing":
    case "progress":
    case "serving":
      return [];
    default:
      return describeFinding(event, palette);
  }
}

const note = (text: string): Line => ({ kind: "note", text });
const result = (text: string): Line => ({ kind: "result", text });
const problem = (text: string): Line => ({ kind: "problem", text });
const toCopy = (text: string): Line => ({ kind: "result", text, isWhole: true });
const labelled = (text: string): Line => ({ kind: "result", text, hangingCells: LABEL_CELLS });

function describeSharing(event: Extract<GoshareEvent, { type: "sharing" }>, palette: Palette): Line[] {
  const name = palette.strong(printable(event.name));
  const lines = [note(`sharing ${name}: ${sizeText(event)}, on port ${portOf(event.endpoint)}`)];
  if (event.trackers.length > 0) lines.push(note(`announced to ${printable(event.trackers.join(", "))}`));
  lines.push(
    note("On the other computer, run:"),
    toCopy(printable(goshareCommand(["download", event.ticket]))),
  );
  const copied = pathArgument(basename(event.manifestPath));
  lines.push(note(`or copy ${printable(event.manifestPath)} there, and run:`), {
    ...note(printable(goshareCommand(["download", copied]))),
    isWhole: true,
  });
  return lines;
}

function describeDownloading(
  event: Extract<GoshareEvent, { type: "downloading" }>,
  palette: Palette,
): Line[] {
  const kept = event.resumedBytes > 0 ? `, ${formatBytes(event.resumedBytes)} of it already here` : "";
  return [note(`downloading ${palette.strong(printable(event.name))}: ${sizeText(event)}${kept}`)];
}

function describeDone(event: Extract<GoshareEvent, { type: "done" }>): Line[] {
  if (event.path === "") return [];
  const rate = event.elapsedMs > 0 ? `, ${formatRate((event.bytesReceived * 1000) / event.elapsedMs)}` : "";
  const isFetched = event.bytesReceived > 0 || event.bytes === 0;
  const took = isFetched
    ? `received ${formatBytes(event.bytesReceived)} in ${formatDuration(event.elapsedMs)}${rate}`
    : `nothing had to be fetched, in ${formatDuration(event.elapsedMs)}`;
  const reused = event.bytesReused ? `, ${formatBytes(event.bytesReused)} copied from the older version` : "";
  const limitedBy = limitedByText(event.slowTimes, event.elapsedMs);
  return [
    ...(limitedBy === "" ? [] : [note(`limited by: ${limitedBy}`)]),
    ...(event.path === "-"
      ? [note(`${took}${reused}; complete and verified`)]
      : [note(`${took}${reused}; complete and verified:`), toCopy(printable(event.path))]),
  ];
}

function describeInspected(event: Extract<GoshareEvent, { type: "inspected" }>): Line[] {
  const lines = [labelled(`content id  ${event.contentId}`)];
  if (event.name !== "") lines.push(labelled(`name        ${printable(event.name)}`));
  if (event.kind === "") {
    lines.push(note("the manifest is not available: size and entries are not known"));
  } else {
    // Those of a large share are not in its root, and nobody may have them.
    const areKnown = event.entries.length > 0 || event.chunks === 0;
    const isFile = ({ kind }: InspectedEntry) => kind === "file" || kind === "executable";
    const files = areKnown ? event.entries.filter(isFile).length : undefined;
    const chunks = `${sizeText({ ...event, files })} of ${formatBytes(event.chunkSize)}`;
    lines.push(labelled(`kind        ${event.kind}`), labelled(`size        ${chunks}`));
  }
  for (const tracker of event.trackers) lines.push(labelled(`tracker     ${printable(tracker)}`));
  for (const peer of event.peers) lines.push(labelled(`peer        ${printable(peer)}`));
  if (event.entries.length > 0) lines.push(result(""), ...event.entries.map(describeEntry));
  return lines;
}

function describeResumable(event: Extract<GoshareEvent, { type: "resumable" }>): Line[] {
  const { bytesDone, bytesTotal, chunksDone, chunks } = event;
  const bytes = `${formatBytes(bytesDone)} of ${formatBytes(bytesTotal)}`;
  const verified = `${bytes} verified, ${chunksDone} of ${count(chunks, "chunk")}`;
  const state = {
    running: `process ${event.pid} is downloading it`,
    paused: "paused",
    interrupted: "interrupted; what is there will be verified again",
  }[event.state];
  const lines = [
    result(`${printable(event.name)}: ${verified}; ${state}`),
    result(`  content id ${event.contentId}`),
  ];
  // Whoever ran it now would be told that it is already running.
  if (event.state === "running") return lines;
  const goOn = goshareCommand(downloadArguments(event));
  return [...lines, toCopy(`  ${printable(goOn)}`)];
}

function describeTrackerStatus(event: Extract<GoshareEvent, { type: "trackerStatus" }>): Line[] {
  const health = { SERVING: "serving", NOT_SERVING: "not serving", UNKNOWN: "not known" }[event.health];
  const roots = event.maxManifestBytes === 0 ? "none" : `up to ${formatBytes(event.maxManifestBytes)} each`;
  return [
    labelled(`tracker     ${printable(event.tracker)}`),
    labelled(`health      ${health}`),
    labelled(`agent       ${printable(event.agent)}`),
    labelled(`instance    ${event.instanceId}`),
    labelled(`round trip  ${(event.roundTripUs / 1000).toFixed(1)} ms`),
    labelled(`leases      last ${formatDuration(event.ttlMs)}`),
    labelled(`manifests   ${roots}`),
    labelled(
      `sees you    ${event.observedHost === "" ? "it does not say where" : `at ${event.observedHost}`}`,
    ),
  ];
}

const SIZE_CELLS = 12;

function describeEntry(entry: InspectedEntry): Line {
  const size = entry.kind === "file" || entry.kind === "executable" ? formatBytes(entry.size) : "";
  const mark = { file: "", executable: "*", directory: "/", link: ` -> ${printable(entry.target)}` }[
    entry.kind
  ];
  const text = `${size.padStart(SIZE_CELLS)}  ${printable(entry.path)}${mark}`;
  return { kind: "result", text, hangingCells: SIZE_CELLS + 2 };
}

function sizeText(event: {
  readonly bytes: number;
  /** Undefined if that is not known. */
  readonly files: number | undefined;
  readonly chunks: number;
}): string {
  const files = event.files === undefined || event.files === 1 ? "" : ` in ${count(event.files, "file")}`;
  return `${formatBytes(event.bytes)}${files}, ${count(event.chunks, "chunk")}`;
}

/** Not all of it is escaped. */
export function connectionText(
  event: Extract<GoshareEvent, { type: "peerConnected" | "peerDisconnected" }>,
): string {
  return event.type === "peerConnected"
    ? `${event.endpoint} connected${agentText(event.agent)}`
    : `${event.endpoint} disconnected${disconnectText(event)}`;
}

function agentText(agent: string): string {
  return agent === "" ? "" : ` (${fitCells(printable(agent), AGENT_MAX_CELLS)})`;
}

function disconnectText(event: Extract<GoshareEvent, { type: "peerDisconnected" }>): string {
  const moved = [
    event.bytesSent > 0 ? `sent ${formatBytes(event.bytesSent)}` : "",
    event.bytesReceived > 0 ? `received ${formatBytes(event.bytesReceived)}` : "",
  ].filter((text) => text !== "");
  const why = event.code === "" ? "" : `: ${event.message}`;
  return `${moved.length === 0 ? "" : `, ${moved.join(", ")}`}${why}`;
}

/** Empty if the message already names the path. */
function pathText({ message, path }: { readonly message: string; readonly path: string }): string {
  return path === "" || message.includes(path) ? "" : ` (${printable(path)})`;
}

function portOf(endpoint: string): string {
  return printable(endpoint.slice(endpoint.lastIndexOf(":") + 1));
}

function count(n: number, noun: string, plural = `${noun}s`): string {
  return `${n} ${n === 1 ? noun : plural}`;
}

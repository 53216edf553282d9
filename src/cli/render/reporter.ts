// How a command shows what happens. A reporter takes every event, and decides itself which of them it shows, where and
// how.
import { formatDuration, formatRate } from "../../core/units.js";
import type { DetailObserver, GoshareEvent } from "../../events/event.js";

export interface Reporter {
  /** Must not throw. */
  observe(event: GoshareEvent): void;
  /** Undefined where nobody wants details. */
  readonly detail: DetailObserver | undefined;
  /** Tells the person at the terminal something that is no event. Dropped where programs read, and with --quiet. */
  tell(text: string): void;
  /** The stack of a bug, for a report. */
  showStack(stack: string): void;
  /** Gives the terminal back as it was; may be called twice. */
  close(): void;
}

/** Shows how far hashing, a download or a share is. */
export interface ProgressDisplay {
  show(progress: ProgressState): void;
  /** Makes room for other lines; the next `show` brings it back. */
  clear(): void;
}

export type ProgressState = TransferState | ServingState;

/** What peers take of what is shared here, and how far they are. */
export interface ServingState {
  /** Printable text. */
  readonly name: string;
  readonly verb: "sharing";
  readonly bytesSent: number;
  readonly bytesPerSecond: number;
  readonly peers: number;
  /** How much each of some of them has, 0 to 100. */
  readonly percents: readonly number[];
}

export interface TransferState {
  /** Printable text. */
  readonly name: string;
  /** Empty where the name says it. */
  readonly verb: "hashing" | "downloading" | "";
  readonly bytesDone: number;
  /** 0: not known yet. */
  readonly bytesTotal: number;
  readonly bytesPerSecond: number;
  /** 0: not known. */
  readonly etaMs: number;
  /** Undefined where there can be none. */
  readonly peers: number | undefined;
  /** Why it stands still, printable; empty while it moves. */
  readonly stall: string;
}

/** 0 to 100; 100 only when it is done. */
export function percentOf(state: TransferState): number {
  if (state.bytesTotal <= 0) return 0;
  return Math.min(100, Math.floor((100 * state.bytesDone) / state.bytesTotal));
}

/** "ETA 18 s"; empty if it is not known, or means nothing because the transfer stands still. Precise to a second at
 * best. */
export function remainingText({ etaMs, stall, peers }: TransferState): string {
  return etaMs > 0 && stall === "" && peers !== 0
    ? `ETA ${formatDuration(Math.ceil(etaMs / 1000) * 1000)}`
    : "";
}

/** Empty if everything has come, or nobody is there to send: the rate would be that of a while ago. */
export function rateText(state: TransferState): string {
  const isOver = state.verb !== "hashing" && state.bytesTotal > 0 && state.bytesDone >= state.bytesTotal;
  return isOver || state.peers === 0 ? "" : formatRate(state.bytesPerSecond);
}

export function peersText(peers: number): string {
  return `${peers} ${peers === 1 ? "peer" : "peers"}`;
}

// How far the downloads of one command are, taken together, since there is room for one line only. A single download is
// shown by its own figures.
import type { GoshareEvent } from "../../events/event.js";
import { printable } from "./printable.js";
import type { TransferState } from "./reporter.js";
import { stallText } from "./slow-reason-text.js";

type Progress = Extract<GoshareEvent, { type: "progress" }>;

interface Transfer {
  readonly name: string;
  readonly bytesDone: number;
  readonly bytesTotal: number;
  readonly last: Progress | undefined;
  readonly isOver: boolean;
  /** Goes into a stream, and so to no disk. */
  readonly isStream: boolean;
}

export class Transfers {
  readonly #transfers = new Map<string, Transfer>();

  begun(event: Extract<GoshareEvent, { type: "downloading" }>): void {
    const { resumedBytes: bytesDone, bytes: bytesTotal } = event;
    const [name, isStream] = [printable(event.name), event.path === "-"];
    const transfer = { name, isStream, bytesDone, bytesTotal, last: undefined, isOver: false };
    this.#transfers.set(event.contentId, transfer);
  }

  ended(contentId: string): void {
    const transfer = this.#transfers.get(contentId);
    if (transfer !== undefined) this.#transfers.set(contentId, { ...transfer, isOver: true });
  }

  /** What to show when one of the downloads has made progress. */
  progressed(event: Progress): TransferState {
    const { bytesDone, bytesTotal, bytesPerSecond, etaMs, peers } = event;
    const transfer = this.#transfers.get(event.contentId) ?? { name: "", isOver: false, isStream: false };
    this.#transfers.set(event.contentId, { ...transfer, bytesDone, bytesTotal, last: event });
    if (this.#transfers.size === 1) {
      const counters = { bytesDone, bytesTotal, bytesPerSecond };
      const isAllOut = transfer.isStream && bytesDone >= bytesTotal;
      const stall = isAllOut ? "" : stallText(event);
      return { name: transfer.name, verb: "downloading", ...counters, etaMs, peers, stall };
    }
    return this.#together();
  }

  #together(): TransferState {
    const sum = { bytesDone: 0, bytesTotal: 0, bytesPerSecond: 0, peers: 0 };
    const stalls: string[] = [];
    for (const { last, isOver, ...counted } of this.#transfers.values()) {
      sum.bytesDone += counted.bytesDone;
      sum.bytesTotal += counted.bytesTotal;
      // A download that is over, or has not reported yet, neither moves nor stands still.
      if (isOver || last === undefined) continue;
      sum.bytesPerSecond += last.bytesPerSecond;
      sum.peers += last.peers;
      stalls.push(stallText(last));
    }
    const { bytesDone, bytesTotal, bytesPerSecond } = sum;
    const etaMs = bytesPerSecond > 0 ? ((bytesTotal - bytesDone) * 1000) / bytesPerSecond : 0;
    const stall = stalls.every((text) => text !== "") ? (stalls[0] ?? "") : "";
    return { name: `${this.#transfers.size} downloads`, verb: "", ...sum, etaMs, stall };
  }
}

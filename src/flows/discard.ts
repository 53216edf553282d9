// Removes what unwanted downloads left behind. Never touches one that a process runs, nor anything that is finished.
import * as path from "node:path";
import { setImmediate as yieldToLoop } from "node:timers/promises";
import { GoshareError } from "../core/errors.js";
import type { EventObserver } from "../events/event.js";
import { discardPart } from "../storage/part/discard-part.js";
import { targetBusy } from "../storage/part/lock.js";
import {
  allBegunIn,
  type BegunDownload,
  begunNamed,
  type OutputFolder,
} from "./downloading/begun-downloads.js";
import { toldWait } from "./told-wait.js";

export interface DiscardOptions extends OutputFolder {
  /** Names, paths or content ids. */
  readonly names: readonly string[];
  /** Instead of names: all that no process runs. */
  readonly all: boolean;
}

/** Emits a `discarded` for each, and returns how many. Throws DOWNLOAD_NOT_FOUND before anything is removed;
 * TARGET_BUSY, PART_UNUSABLE or a disk error for one that is named; a warning instead if all are meant. */
export async function discard(
  options: DiscardOptions,
  observe: EventObserver,
  signal: AbortSignal,
): Promise<number> {
  const { names, all, outputDirectory } = options;
  const begun = all ? allBegunIn(options) : begunNamed(names, outputDirectory);
  let count = 0;
  for (const one of begun) {
    // Lets a signal be handled between two of them.
    await yieldToLoop();
    signal.throwIfAborted();
    try {
      if (all) refuseRunning(one);
      await discardOne(one, observe, signal);
      count++;
    } catch (thrown) {
      signal.throwIfAborted();
      const { code, message } = GoshareError.from(thrown);
      if (!all || code === "BUG") throw thrown;
      observe({ type: "warning", code, message: `not discarded: ${message}`, path: one.partPath });
    }
  }
  return count;
}

/** If the user names a running one, its lock says so, after a moment's wait for a process that is just ending. */
function refuseRunning({ found }: BegunDownload): void {
  if (found instanceof GoshareError || found.holderPid === undefined) return;
  throw targetBusy(found.targetPath)(`process ${found.holderPid}`);
}

async function discardOne(
  { partPath, found }: BegunDownload,
  observe: EventObserver,
  signal: AbortSignal,
): Promise<void> {
  const wait = toldWait(observe, partPath, signal);
  if (found instanceof GoshareError) {
    await discardPart(partPath, partPath, wait);
    observe({ type: "discarded", contentId: "", name: path.basename(partPath), path: partPath, bytes: 0 });
    return;
  }
  await discardPart(partPath, found.targetPath, wait);
  const { contentId, name } = found.root;
  observe({ type: "discarded", contentId, name, path: partPath, bytes: found.bytesDone });
}

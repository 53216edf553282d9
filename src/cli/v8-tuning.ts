// What V8 is told, in a process that transfers and in a tracker. Most of the time of the first goes into the kernel and
// SHA-256, and V8 should take little of what is left, in time and in memory. The other makes objects for call after
// call and drops them at once. For commands only: a library has no business with the flags of its process.
import { getHeapSpaceStatistics, setFlagsFromString } from "node:v8";
import { MIB } from "../core/units.js";

const NODE_MAJOR = Number(process.versions.node.split(".")[0]);

/** Later versions do not know all flags for transfers, and complain. */
const TRANSFER_FLAGS_FOR_NODE = 20;
/** The latest that is known to know the flags for calls. */
const CALL_FLAGS_UP_TO_NODE = 26;

/** Compiling what runs between the kernel and SHA-256 cost more than it saved: with these limits a download of 1 GiB
 * takes 10 % less CPU time, one of 4 GiB 5 %, and 8 that exchange 1 GiB 6 %. */
const COMPILER_FLAGS = ["--interrupt-budget=270000", "--max-inlined-bytecode-size-cumulative=150"];

/** Both halves of the young generation. V8 would double it up to 32 MiB, which makes a long transfer no faster. */
const YOUNG_BYTES = 8 * MIB;
const FIXED_SIZE_FLAG = "--semi-space-growth-factor=1";

/** While half of all trackers start, V8 finds that objects of some kind live long, and from then on makes these where it
 * collects seldom. They do not live long: each keeps all that its call was, until the next full collection, so that
 * every young one costs twice as much. And little is left to be moved, which several threads do no faster than one. */
const CALL_FLAGS = ["--no-allocation-site-pretenuring", "--no-parallel-scavenge"];

const TICK_MS = 100;
/** Not at the start: under other flags V8 refuses the code that Node has compiled of itself beforehand, so each thread
 * and module takes longer to load. Nor much later: three ticks cost a download of 1 GiB 7 % of its CPU time. */
const FLAGS_TICK = 1;
/** By then all threads are there. */
const LAST_TICK = 100;

/** For a process that transfers. Does not keep it from ending. */
export function tuneForTransfers(): void {
  if (NODE_MAJOR !== TRANSFER_FLAGS_FOR_NODE) return;
  let ticks = 0;
  const ticking = setInterval(() => {
    ticks += 1;
    if (ticks === FLAGS_TICK) for (const flag of COMPILER_FLAGS) setFlagsFromString(flag);
    // Again and again, since starting a thread sets it to 2.
    if (youngBytes() >= YOUNG_BYTES) setFlagsFromString(FIXED_SIZE_FLAG);
    if (ticks === LAST_TICK) clearInterval(ticking);
  }, TICK_MS).unref();
}

/** For a tracker. Does not keep it from ending. */
export function tuneForCalls(): void {
  if (NODE_MAJOR > CALL_FLAGS_UP_TO_NODE) return;
  setTimeout(() => {
    for (const flag of CALL_FLAGS) setFlagsFromString(flag);
  }, FLAGS_TICK * TICK_MS).unref();
}

function youngBytes(): number {
  return getHeapSpaceStatistics().find(({ space_name }) => space_name === "new_space")?.space_size ?? 0;
}

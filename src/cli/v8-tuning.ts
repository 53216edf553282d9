// What V8 is told in a process that transfers. Most of the time of such a process goes into the kernel and SHA-256, and
// V8 should take little of what is left, in time and in memory. For commands only: a library has no business with the
// flags of its process.
import { getHeapSpaceStatistics, setFlagsFromString } from "node:v8";
import { MIB } from "../core/units.js";

/** Later versions do not know all of these flags, and complain. */
const FLAGS_FOR_NODE = 20;

/** Compiling what runs between the kernel and SHA-256 cost more than it saved: with these limits a download of 1 GiB takes 10
 * % less CPU time, one of 4 GiB 5 %, and 8 that exchange 1 GiB 6 %. */
const COMPILER_FLAGS = ["--interrupt-budget=270000", "--max-inlined-bytecode-size-cumulative=150"];

/** Both halves of the young generation. V8 would double it up to 32 MiB, which makes a long transfer no faster. */
const YOUNG_BYTES = 8 * MIB;
const FIXED_SIZE_FLAG = "--semi-space-growth-factor=1";

const TICK_MS = 100;
/** Not at the start: under other flags V8 refuses the code that Node has compiled of itself beforehand, so each thread
 * and module takes longer to load. Nor much later: three ticks cost a download of 1 GiB 7 % of its CPU time. */
const COMPILER_TICK = 1;
/** By then all threads are there. */
const LAST_TICK = 100;

/** Does not keep the process from ending. */
export function tuneV8(): void {
  if (Number(process.versions.node.split(".")[0]) !== FLAGS_FOR_NODE) return;
  let ticks = 0;
  const ticking = setInterval(() => {
    ticks += 1;
    if (ticks === COMPILER_TICK) for (const flag of COMPILER_FLAGS) setFlagsFromString(flag);
    // Again and again, since starting a thread sets it to 2.
    if (youngBytes() >= YOUNG_BYTES) setFlagsFromString(FIXED_SIZE_FLAG);
    if (ticks === LAST_TICK) clearInterval(ticking);
  }, TICK_MS).unref();
}

function youngBytes(): number {
  return getHeapSpaceStatistics().find(({ space_name }) => space_name === "new_space")?.space_size ?? 0;
}

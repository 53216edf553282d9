// How much processor time processes and threads have used, as the system counts it. Knows no process of its own.
import { readFileSync } from "node:fs";

/** Clock ticks per second in /proc; 100 on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;

const NS_PER_SECOND = 1e9;

/** How long the main thread of a process was ready to run without a processor; 0 where the system does not say. */
export function waitedSecondsOf(pid: number): number {
  try {
    const [, waitedNs = "0"] = readFileSync(`/proc/${pid}/schedstat`, "utf8").split(" ");
    return Number(waitedNs) / NS_PER_SECOND;
  } catch {
    return 0;
  }
}

/** CPU seconds of a process, with those of children that it has waited for, or of one of its threads. */
export function cpuSecondsOf(pid: number, thread?: number): number {
  try {
    const path = thread === undefined ? `/proc/${pid}/stat` : `/proc/${pid}/task/${thread}/stat`;
    const stat = readFileSync(path, "utf8");
    // After the name in brackets: state, parent, …, the 12th to 15th are user and system time, and those of children.
    const times = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const ticks = times.slice(11, thread === undefined ? 15 : 13).map(Number);
    return ticks.reduce((sum, each) => sum + each, 0) / TICKS_PER_SECOND;
  } catch {
    return 0;
  }
}

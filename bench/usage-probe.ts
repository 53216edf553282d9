// Loaded into a measured process before anything else (node --import): when it ends, writes to descriptor 3
// what it used, in CPU seconds and bytes. Changes nothing else.
import { readFileSync, writeSync } from "node:fs";

export interface ProcessUsage {
  /** User and system time of all threads. */
  readonly cpuSeconds: number;
  /** Of the main thread, where the event loop runs; 0 where the system does not say. */
  readonly mainThreadSeconds: number;
  readonly peakRssBytes: number;
}

/** Clock ticks per second in /proc; 100 on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;

process.on("exit", () => {
  const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
  const usage: ProcessUsage = {
    cpuSeconds: (userCPUTime + systemCPUTime) / 1e6,
    mainThreadSeconds: mainThreadSeconds(),
    peakRssBytes: maxRSS * 1024,
  };
  writeSync(3, JSON.stringify(usage));
});

function mainThreadSeconds(): number {
  try {
    const stat = readFileSync(`/proc/self/task/${process.pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
  } catch {
    return 0;
  }
}

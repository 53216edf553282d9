// Loaded into a measured process before anything else (node --import): when that ends, writes to descriptor 3 what it
// has used, in CPU seconds and bytes. Changes nothing else.
import { writeSync } from "node:fs";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { isMainThread } from "node:worker_threads";
import { cpuSecondsOf } from "./process-cpu.js";

export interface ProcessUsage {
  /** User and system time of all threads. */
  readonly cpuSeconds: number;
  /** CPU seconds of the main thread, where the event loop runs; 0 where the system does not say. */
  readonly mainThreadSeconds: number;
  readonly peakRssBytes: number;
  /** How late the event loop is at most, 99 times in 100: how long a timer of `DELAY_RESOLUTION_MS` waits beyond that
   * time. */
  readonly loopDelayP99Ms: number;
}

const DELAY_RESOLUTION_MS = 10;

const delay = monitorEventLoopDelay({ resolution: DELAY_RESOLUTION_MS });
delay.enable();

/** Threads load this too, but only the main one reports for the process. */
if (isMainThread) process.on("exit", report);

function report(): void {
  const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
  const usage: ProcessUsage = {
    cpuSeconds: (userCPUTime + systemCPUTime) / 1e6,
    mainThreadSeconds: cpuSecondsOf(process.pid, process.pid),
    peakRssBytes: maxRSS * 1024,
    loopDelayP99Ms: Math.max(0, delay.percentile(99) / 1e6 - DELAY_RESOLUTION_MS),
  };
  writeSync(3, JSON.stringify(usage));
}

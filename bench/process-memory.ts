// How much memory processes hold right now, as the system counts it. Knows no process of its own.
import { readFileSync } from "node:fs";
import { KIB } from "../src/core/units.js";

/** Bytes of a process that are in memory; 0 where the system does not say. */
export function residentBytesOf(pid: number): number {
  try {
    const [, kib] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
    return Number(kib ?? 0) * KIB;
  } catch {
    return 0;
  }
}

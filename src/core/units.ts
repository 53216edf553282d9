// Sizes, rates and durations as people write and read them. Numbers inside goshare are always bytes,
// bytes per second and milliseconds, and say so in their names.
import { parse as parseMs } from "@lukeed/ms";
import bytesIec from "bytes-iec";
import prettyBytes from "pretty-bytes";

export const KIB = 1024;
export const MIB = 1024 * KIB;
export const GIB = 1024 * MIB;

/** Bytes in "1MiB", "64 KiB", "10MB" or "4096"; undefined if it is no size or not a safe integer. */
export function parseBytes(text: string): number | undefined {
  const bytes = bytesIec.parse(text.trim());
  return bytes !== null && Number.isSafeInteger(bytes) && bytes >= 0 ? bytes : undefined;
}

/** Bytes per second in "10MiB/s"; "10MiB" means the same. Undefined if it is no rate. */
export function parseBytesPerSecond(text: string): number | undefined {
  return parseBytes(text.trim().replace(/\s*\/\s*s$/, ""));
}

/** Milliseconds in "30s", "5 min", "1h"; a bare number is seconds. Undefined if it is no duration. */
export function parseDurationMs(text: string): number | undefined {
  const trimmed = text.trim();
  const ms = /^\d+(\.\d+)?$/.test(trimmed) ? Number(trimmed) * 1000 : parseMs(trimmed);
  return ms !== undefined && Number.isFinite(ms) && ms >= 0 ? Math.round(ms) : undefined;
}

/** "1.46 GiB", "37.5 MiB", "512 B": three digits. */
export function formatBytes(bytes: number): string {
  // Any option about digits would load the tables of all the world's locales, 40 ms at the first call.
  return prettyBytes(bytes, { binary: true });
}

/** "112 MiB/s". */
export function formatRate(bytesPerSecond: number): string {
  return `${formatBytes(bytesPerSecond)}/s`;
}

/** "850 ms", "4.2 s", "1 min 5 s", "2 h 10 min". */
export function formatDuration(ms: number): string {
  // Rounded before it is compared, so that nothing reads "1000 ms" or "60 s".
  if (Math.round(ms) < 1000) return `${Math.round(ms)} ms`;
  if (Math.round(ms / 100) < 600) return `${Number((ms / 1000).toFixed(1))} s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 3600) return inTwoUnits(seconds, 60, "min", "s");
  return inTwoUnits(Math.floor(seconds / 60), 60, "h", "min");
}

function inTwoUnits(value: number, size: number, large: string, small: string): string {
  const rest = value % size;
  return `${Math.floor(value / size)} ${large}${rest === 0 ? "" : ` ${rest} ${small}`}`;
}

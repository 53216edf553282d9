// Work that takes its time.

/** Holds the event loop for `ms`. */
export function holdLoop(ms: number): void {
  const untilMs = performance.now() + ms;
  while (performance.now() < untilMs);
}

// One way to smooth a figure that is measured again and again.

/** How much the latest figure counts against all before it. */
const NEWEST_WEIGHT = 1 / 4;

/** The smoothed figure after `latest`, which is the first if `before` is undefined. */
export function smoothed(before: number | undefined, latest: number): number {
  return before === undefined ? latest : before + (latest - before) * NEWEST_WEIGHT;
}

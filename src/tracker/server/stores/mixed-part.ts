// How a sample is made of two groups, the larger of which must not crowd out the other. Pure.

/** Neither group gets less than a quarter of a sample, if it has so many members. */
export const LEAST_PART = 4;

/** How many of the first group a sample of `max` holds. */
export function firstPart(
  [first, second]: readonly [number, number],
  max: number,
  random: () => number,
): number {
  if (first === 0 || second === 0) return first === 0 ? 0 : max;
  // Rounded up or down at random, so that on average it is exact.
  const even = Math.floor((max * first) / (first + second) + random());
  const least = Math.min(Math.ceil(max / LEAST_PART), Math.floor(max / 2));
  return Math.max(Math.min(least, first), Math.min(even, max - Math.min(least, second)));
}

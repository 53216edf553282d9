// Lists cut into parts, for calls that take only so many at a time.

/** `items` in their order, `size` in each part but perhaps the last; no part if there are none. */
export function partsOf<T>(items: readonly T[], size: number): T[][] {
  const parts: T[][] = [];
  for (let at = 0; at < items.length; at += size) parts.push(items.slice(at, at + size));
  return parts;
}

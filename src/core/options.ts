// How options meet their defaults: every room has one readonly interface, one frozen object of defaults, and
// callers pass what differs. Numbers are checked against ranges here.
import { GoshareError } from "./errors.js";

export type NumericRanges<T> = { readonly [K in keyof T]?: readonly [min: number, max: number] };

/** `given` over `defaults`; undefined counts as not given. Throws USAGE for a number outside its range. */
export function resolveOptions<T extends object>(
  defaults: Readonly<T>,
  given: { readonly [K in keyof T]?: T[K] | undefined },
  ranges: NumericRanges<T> = {},
): Readonly<T> {
  const resolved: T = { ...defaults };
  for (const key in defaults) {
    const value = given[key];
    if (value !== undefined) resolved[key] = value;
    const range = ranges[key];
    const checked = resolved[key];
    if (range === undefined || checked === undefined) continue;
    // A program without types may give anything.
    if (!(typeof checked === "number" && checked >= range[0] && checked <= range[1])) {
      throw new GoshareError(
        "USAGE",
        `${key} is ${checked}, which is not between ${range[0]} and ${range[1]}`,
      );
    }
  }
  return Object.freeze(resolved);
}

// Who is a neighbour of whom. Pure; draws from the random numbers that it is given.
import assert from "node:assert/strict";
import type { Random } from "../random.js";

export type Pair = readonly [number, number];

/** With this many exchanges of ends for each pair, nothing is left of the ring that they begin with. */
const EXCHANGES_PER_PAIR = 10;

export function everyPair(count: number): readonly Pair[] {
  const pairs: Pair[] = [];
  for (let one = 0; one < count; one++)
    for (let other = one + 1; other < count; other++) pairs.push([one, other]);
  return pairs;
}

/** Everybody has `degree` neighbours, an even number below `count`: a ring in which each knows the nearest, and then
 * pairs that exchange their ends at random, unless one of the new pairs is there already. */
export function evenPairs(count: number, degree: number, random: Random): readonly Pair[] {
  assert(degree % 2 === 0 && degree < count);
  const pairs: [number, number][] = [];
  for (let one = 0; one < count; one++) {
    for (let step = 1; step <= degree / 2; step++) pairs.push([one, (one + step) % count]);
  }
  const known = new Set(pairs.map(([one, other]) => keyOf(one, other, count)));
  for (let left = pairs.length * EXCHANGES_PER_PAIR; left > 0; left--) {
    const first = pairs[random.index(pairs.length)];
    const second = pairs[random.index(pairs.length)];
    if (first === undefined || second === undefined) continue;
    const [a, b] = first;
    const [c, d] = random.next() < 0.5 ? second : [second[1], second[0]];
    if (a === c || a === d || b === c || b === d) continue;
    if (known.has(keyOf(a, d, count)) || known.has(keyOf(c, b, count))) continue;
    known.delete(keyOf(a, b, count));
    known.delete(keyOf(c, d, count));
    known.add(keyOf(a, d, count));
    known.add(keyOf(c, b, count));
    [first[0], first[1]] = [a, d];
    [second[0], second[1]] = [c, b];
  }
  return pairs;
}

function keyOf(one: number, other: number, count: number): number {
  return Math.min(one, other) * count + Math.max(one, other);
}

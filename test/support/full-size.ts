// How large endurance tests are, and where their random moments come from. They take a few seconds in the suite; with
// GOSHARE_TESTS=full they have the size that the figures in ARCHITECTURE.md come from. The seed of their random moments
// is printed, and can be given again as GOSHARE_SEED.

export const isFullSize = process.env["GOSHARE_TESTS"] === "full";

/** Prints what was measured. */
export function report(figures: string): void {
  process.stdout.write(`${figures}\n`);
}

/** Random numbers in [0, 1), the same for the same seed (mulberry32). Prints the seed. */
export function seededRandom(): () => number {
  const given = process.env["GOSHARE_SEED"];
  const seed = given === undefined ? Math.floor(Math.random() * 2 ** 32) : Number(given) >>> 0;
  report(`GOSHARE_SEED=${seed}`);
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

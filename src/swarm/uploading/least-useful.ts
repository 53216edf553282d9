// Which neighbour may make room for another: the one that exchanged least in the last period, if that is far less than
// the others did. Is shown totals now and then; closes nothing, knows no clock.

/** Far less than the others: below this part of their average. */
const LITTLE = 1 / 4;

export class LeastUseful<Neighbour extends object> {
  /** Bytes exchanged by the end of the last period. */
  #before = new Map<Neighbour, number>();

  /** To be called once in a period with all neighbours and the bytes each has exchanged so far. A neighbour that came
   * during the period is not judged. Undefined if none exchanged far less than the average. */
  next(totals: Iterable<readonly [Neighbour, number]>): Neighbour | undefined {
    const now = new Map(totals);
    let least: Neighbour | undefined;
    let leastBytes = Number.POSITIVE_INFINITY;
    let sumBytes = 0;
    let judged = 0;
    for (const [neighbour, total] of now) {
      const before = this.#before.get(neighbour);
      if (before === undefined) continue;
      const bytes = total - before;
      judged++;
      sumBytes += bytes;
      if (bytes >= leastBytes) continue;
      leastBytes = bytes;
      least = neighbour;
    }
    this.#before = now;
    return leastBytes < (sumBytes / judged) * LITTLE ? least : undefined;
  }
}

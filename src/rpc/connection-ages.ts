// How old connections grow: one that has had its time is told to go, takes no new calls, and ends when those that run have,
// or have taken too long. The gRPC library can do that as well, with a timer for each connection whose time is drawn by
// chance; but Node keeps a list for each length of timers until it is over, long after that connection has gone: after half
// an hour with many connections 360,000 of them. Sets no timer.
import { constants, type Http2Session } from "node:http2";

/** Their times differ by this part either way, so that those that came together do not all come back together. */
const JITTER = 0.1;

/** Calls that are on their way are taken. */
const ANY_STREAM = 2 ** 31 - 1;

interface Age {
  /** When it is told to go, and then when it is ended. */
  dueMs: number;
  isLeaving: boolean;
}

export class ConnectionAges {
  readonly #ageMs: number;
  readonly #graceMs: number;
  readonly #ages = new Map<Http2Session, Age>();

  constructor(ageMs: number, graceMs: number) {
    this.#ageMs = ageMs;
    this.#graceMs = graceMs;
  }

  /** A call has come by it; the first begins its time. One without calls is not known here. */
  called(session: Http2Session, nowMs: number): void {
    if (session.destroyed || this.#ages.has(session)) return;
    const ageMs = this.#ageMs * (1 - JITTER + 2 * JITTER * Math.random());
    this.#ages.set(session, { dueMs: nowMs + ageMs, isLeaving: false });
    session.once("close", () => this.#ages.delete(session));
  }

  /** To be called now and then. */
  endOld(nowMs: number): void {
    for (const [session, age] of this.#ages) {
      if (nowMs < age.dueMs) continue;
      if (age.isLeaving) session.destroy();
      else if (!session.destroyed) {
        age.isLeaving = true;
        age.dueMs = nowMs + this.#graceMs;
        session.goaway(constants.NGHTTP2_NO_ERROR, ANY_STREAM);
        session.close();
      }
    }
  }
}

// How old connections may grow: one whose time is over is told to go, takes no new calls, and ends when its running
// calls have ended or have taken too long. The gRPC library can do that as well, with a timer of random length for each
// connection; but Node keeps a list for each length of timer until that time is over, long after the connection has
// gone: 360,000 lists after half an hour with many connections. Sets no timer.
import { constants, type Http2Session } from "node:http2";

/** Times differ by this part either way, so that connections that came together do not all come back together. */
const JITTER = 0.1;

/** Takes calls that are on their way already. */
const ANY_STREAM = 2 ** 31 - 1;

interface Age {
  /** When the connection is told to go; once it was told, when it is ended. */
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

  /** A call has come on `session`; its first call begins its time. */
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

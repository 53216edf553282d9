// Which machine to dial, and when again: candidates from tickets, trackers and peers, each a machine with one or more
// endpoints, dialled with growing pauses until it answers. Machines that the user named are always dialled; of the
// others as many as are wanted, chosen at random, so that not all downloads choose the same one. Bounded in number and
// in dials at a time. Keeps no connection.
import { type Endpoint, formatEndpoint } from "../../address/endpoint.js";
import { GoshareError } from "../../core/errors.js";
import type { PeerId } from "../../core/ids.js";
import { PeerRefused, type RefusalPauses } from "../refusal-text.js";

/** A machine that may have the share. */
export interface Machine {
  /** Best first. */
  readonly endpoints: readonly Endpoint[];
  /** The peer that is said to be there. */
  readonly peerId?: PeerId | undefined;
  /** The user named it, by a ticket or .goshare file: it is never given up. */
  readonly isNamed?: boolean | undefined;
}

export interface PeerFinderOptions extends RefusalPauses {
  /** Dials under way at a time; machines that the user named are dialled beyond that. */
  readonly maxDials: number;
  /** If a machine has not answered after this long, another is dialled too: some that a tracker names may be switched
   * off or out of reach, and say nothing for as long as a dial may take. */
  readonly slowDialMs: number;
  /** Machines known but not connected; more are dropped. */
  readonly maxCandidates: number;
  /** A machine that strangers named is forgotten after so many useless dials in a row. */
  readonly maxDialFailures: number;
  /** First wait before an endpoint is dialled again; doubles up to the last. */
  readonly minRedialMs: number;
  readonly maxRedialMs: number;
}

interface Candidate extends Machine {
  failures: number;
  state: "idle" | "waiting" | "busy";
  timer: NodeJS.Timeout | undefined;
}

/** Dials a machine. Calls `connected` when there is a connection, resolves when that has ended, and rejects if there
 * was none, or only a useless one. */
export type Dial = (machine: Machine, connected: () => void) => Promise<void>;

function ledBack(place: string): GoshareError {
  return new GoshareError(
    "PEER_SELF",
    `${place} leads to this process itself, so nobody else is listening there`,
  );
}

export class PeerFinder {
  readonly #options: PeerFinderOptions;
  readonly #dial: Dial;
  readonly #wanted: () => number;
  readonly #random: () => number;
  readonly #candidates = new Map<string, Candidate>();
  #dialling = 0;
  /** Of the machines being dialled, those that the user did not name and that may still answer soon. */
  #diallingOthers = 0;
  #isClosed = false;
  #lastError: GoshareError | undefined;

  /** `wanted`: how many more connections are wanted. `random` gives numbers from 0 up to but not including 1. */
  constructor(
    options: PeerFinderOptions,
    dial: Dial,
    wanted: () => number,
    random: () => number = Math.random,
  ) {
    this.#options = options;
    this.#dial = dial;
    this.#wanted = wanted;
    this.#random = random;
  }

  /** Whether a machine is known that could be dialled now. */
  get hasIdle(): boolean {
    for (const { state } of this.#candidates.values()) if (state === "idle") return true;
    return false;
  }

  /** Why the last dial failed. */
  get lastError(): GoshareError | undefined {
    return this.#lastError;
  }

  /** Whether anything is being dialled now. */
  get isDialling(): boolean {
    return this.#dialling > 0;
  }

  /** A machine whose first endpoint is known already is passed over. */
  add(machine: Machine): void {
    const [first] = machine.endpoints;
    if (first === undefined) return;
    const key = formatEndpoint(first);
    if (this.#candidates.has(key) || this.#candidates.size >= this.#options.maxCandidates) return;
    this.#candidates.set(key, { ...machine, failures: 0, state: "idle", timer: undefined });
    this.fill();
  }

  close(): void {
    this.#isClosed = true;
    for (const { timer } of this.#candidates.values()) clearTimeout(timer);
  }

  /** Dials all machines that the user named, and of the others as many as are wanted and may be dialled at a time. To
   * be called when more are wanted than before. */
  fill(): void {
    while (!this.#isClosed) {
      const next = this.#next();
      if (next === undefined) return;
      this.#try(...next);
    }
  }

  /** The machine to dial next. */
  #next(): readonly [string, Candidate] | undefined {
    const idle = [...this.#candidates].filter(([, { state }]) => state === "idle");
    const named = idle.find(([, { isNamed }]) => isNamed);
    const isEnough = this.#dialling >= this.#options.maxDials || this.#diallingOthers >= this.#wanted();
    if (named !== undefined || isEnough) return named;
    return idle[Math.floor(this.#random() * idle.length)];
  }

  #try(key: string, candidate: Candidate): void {
    candidate.state = "busy";
    let others = candidate.isNamed ? 0 : 1;
    this.#dialling++;
    this.#diallingOthers += others;
    let isDialling = true;
    const makeRoom = () => {
      this.#diallingOthers -= others;
      others = 0;
      this.fill();
    };
    const slow = setTimeout(makeRoom, this.#options.slowDialMs).unref();
    const connected = () => {
      if (!isDialling) return;
      isDialling = false;
      this.#dialling--;
      clearTimeout(slow);
      makeRoom();
    };
    const over = (leaveAloneMs: number) => {
      connected();
      if (!this.#isClosed) this.#retryLater(candidate, leaveAloneMs);
    };
    this.#dial(candidate, connected).then(
      () => {
        candidate.failures = 0;
        over(0);
      },
      (thrown: unknown) => {
        const error = GoshareError.from(thrown);
        if (error.code === "PEER_SELF") {
          // The user expects another machine there. If another of its addresses failed before, that error says more.
          if (candidate.isNamed) this.#lastError ??= ledBack(key);
          return connected();
        }
        this.#lastError = error;
        candidate.failures++;
        // It may be named again; until then there is room for others.
        const isGivenUp = !candidate.isNamed && candidate.failures >= this.#options.maxDialFailures;
        if (isGivenUp) this.#candidates.delete(key);
        if (isGivenUp) connected();
        else over(error instanceof PeerRefused ? error.retryAfterMs : 0);
      },
    );
  }

  #retryLater(candidate: Candidate, leaveAloneMs: number): void {
    const { minRedialMs, maxRedialMs, maxRefusalPauseMs } = this.#options;
    const ceilingMs = Math.min(maxRedialMs, minRedialMs * 2 ** Math.min(candidate.failures, 16));
    const leastMs = Math.max(ceilingMs / 2, Math.min(maxRefusalPauseMs, leaveAloneMs));
    candidate.state = "waiting";
    // A part of the pause is random, so that many downloaders do not all come back at once.
    candidate.timer = setTimeout(
      () => {
        candidate.state = "idle";
        this.fill();
      },
      leastMs + Math.random() * (ceilingMs / 2),
    );
  }
}

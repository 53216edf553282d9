// Whose chunk goes next at one provider, as UploadTurns and ChunkSender decide it in production: the connections that
// ask for something take turns, and the chunks of one connection follow each other. Decides nothing about offers.
import type { Neighbour } from "./neighbour.js";
import type { Wire } from "./wire.js";

export interface TurnEvents {
  begun(to: Neighbour): void;
  /** A chunk is out (`isSent`), or is not sent after all; `hadBegun`: whether its sending had begun. */
  ended(to: Neighbour, chunkIndex: number, isSent: boolean, hadBegun: boolean): void;
}

interface Sender {
  readonly to: Neighbour;
  readonly queue: number[];
  begun: { readonly chunkIndex: number; readonly stop: () => boolean } | undefined;
}

export class ChunkTurns {
  readonly #wire: Wire;
  readonly #chunkBytes: number;
  readonly #soon: (run: () => void) => void;
  readonly #events: TurnEvents;
  readonly #senders = new Map<Neighbour, Sender>();
  /** The senders that have something to send, in the order of their turns. */
  readonly #turns = new Set<Sender>();

  constructor(wire: Wire, chunkBytes: number, soon: (run: () => void) => void, events: TurnEvents) {
    this.#wire = wire;
    this.#chunkBytes = chunkBytes;
    this.#soon = soon;
    this.#events = events;
  }

  ask(to: Neighbour, chunkIndex: number): void {
    let sender = this.#senders.get(to);
    if (sender === undefined) {
      sender = { to, queue: [], begun: undefined };
      this.#senders.set(to, sender);
    }
    sender.queue.push(chunkIndex);
    this.#turns.add(sender);
    this.#takeTurns();
  }

  /** Returns whether there was something to end. */
  cancel(to: Neighbour, chunkIndex: number): boolean {
    const sender = this.#senders.get(to);
    if (sender === undefined) return false;
    if (sender.begun?.chunkIndex === chunkIndex) {
      // A chunk that is already on its way comes all the same.
      if (!this.#stop(sender)) return false;
      this.#events.ended(to, chunkIndex, false, true);
      return true;
    }
    const at = sender.queue.indexOf(chunkIndex);
    if (at < 0) return false;
    sender.queue.splice(at, 1);
    this.#events.ended(to, chunkIndex, false, false);
    return true;
  }

  /** The connection has ended. */
  closed(to: Neighbour): void {
    const sender = this.#senders.get(to);
    if (sender === undefined) return;
    this.#stop(sender);
    this.#senders.delete(to);
    this.#turns.delete(sender);
  }

  /** Stops the chunk that has begun; returns whether it is not sent after all. */
  #stop(sender: Sender): boolean {
    if (sender.begun === undefined) return false;
    if (!sender.begun.stop()) return false;
    sender.begun = undefined;
    this.#again(sender);
    return true;
  }

  #again(sender: Sender): void {
    this.#turns.add(sender);
    this.#soon(this.#takeTurns);
  }

  readonly #takeTurns = (): void => {
    for (const sender of this.#turns) {
      const [chunkIndex] = sender.queue;
      if (sender.begun !== undefined || chunkIndex === undefined) {
        this.#turns.delete(sender);
        continue;
      }
      if (!this.#wire.mayBegin(this.#takeTurns)) return;
      sender.queue.shift();
      this.#turns.delete(sender);
      this.#begin(sender, chunkIndex);
    }
  };

  #begin(sender: Sender, chunkIndex: number): void {
    const { to } = sender;
    const stop = this.#wire.begin(to.downlink, this.#chunkBytes, () => {
      if (this.#senders.get(to) !== sender || sender.begun === undefined) return;
      sender.begun = undefined;
      to.sendChunk(chunkIndex);
      this.#events.ended(to, chunkIndex, true, true);
      this.#again(sender);
    });
    sender.begun = { chunkIndex, stop };
    this.#events.begun(to);
  }
}

// The shares of one command, all at one port: one that can no longer be served ends alone. Starts none itself and prints
// nothing.
import { GoshareError } from "../core/errors.js";
import type { EventObserver } from "../events/event.js";
import { failureOfSeveral, OneOfSeveral } from "./one-of-several.js";
import type { PreparedShare, RunningShare } from "./share.js";
import { ShareGroup } from "./sharing/share-group.js";

export class Shares {
  readonly #count: number;
  readonly #group: ShareGroup;
  readonly #observe: EventObserver;
  readonly #begun: RunningShare[] = [];
  readonly #served = new Set<RunningShare>();
  /** Each promise resolves when its share has failed and is closed. */
  readonly #ends = new Map<RunningShare, Promise<void>>();
  readonly #failures: GoshareError[] = [];
  #read = 0;

  /** `count`: how many there will be. */
  constructor(count: number, observe: EventObserver) {
    this.#count = count;
    this.#observe = observe;
    this.#group = new ShareGroup(observe);
  }

  /** Adds a share of `path`, which `prepare` reads as one of the group. Returns what serves it, to be called when all are
   * read. With several, `failed` is emitted for one that ends later. */
  async add(
    path: string,
    prepare: (observe: EventObserver, group: ShareGroup) => Promise<PreparedShare>,
  ): Promise<() => Promise<RunningShare>> {
    const named = this.#count === 1 ? undefined : new OneOfSeveral(path, this.#observe);
    const prepared = await prepare(named?.observe ?? this.#observe, this.#group);
    if (++this.#read === this.#count) await this.#group.complete();
    return async () => {
      const one = await prepared.serve();
      this.#begun.push(one);
      this.#served.add(one);
      const end = one.failed.catch((thrown: unknown) => {
        const error = GoshareError.from(thrown);
        this.#failures.push(named?.failed(error) ?? error);
        return this.#end(one);
      });
      // An error from closing it is thrown where its end is awaited.
      end.catch(() => undefined);
      this.#ends.set(one, end);
      return one;
    };
  }

  /** Payload bytes that all of them have sent so far. */
  get bytesSent(): number {
    return this.#begun.reduce((sum, one) => sum + one.bytesSent, 0);
  }

  /** One error for all of them, made from the first failure so far; undefined if there was none. */
  get failure(): GoshareError | undefined {
    return this.#count === 1 ? this.#failures[0] : failureOfSeveral(this.#failures, this.#count, "shares");
  }

  /** Resolves when each share that has begun has failed or, if `copies` are wanted, has been copied so often. */
  async untilOver(copies: number | undefined): Promise<void> {
    const overs = [...this.#ends].map(([one, end]) =>
      copies === undefined ? end : Promise.race([end, one.untilCopies(copies)]),
    );
    await Promise.all(overs);
  }

  /** Closes all that is still served. Running replies are sent to the end, unless they take too long. */
  async close(): Promise<void> {
    await Promise.all([this.#group.close(), ...[...this.#served].map((one) => this.#end(one))]);
  }

  async #end(one: RunningShare): Promise<void> {
    if (this.#served.delete(one)) await one.close();
  }
}

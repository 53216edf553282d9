// A connection to the port of several downloads, until it is known which of them it is for: the first content that it
// names decides. Answers by itself only that a content is not known here.
import { type Cancel, processTimers, type Timers } from "../../core/clock.js";
import type { GoshareError } from "../../core/errors.js";
import type { ContentId } from "../../core/ids.js";
import type { PeerConnection } from "../../peer/connection.js";
import type { ConnectionHandler } from "../../peer/connection-handler.js";
import type { GoodbyeReason, Notice, Request } from "../../peer/messages.js";
import { defaultDownloadSwarmOptions } from "../options.js";

/** Takes the connections for one content. */
export interface Acceptor {
  /** Throws if the connection is not wanted; it is then closed. */
  accept(connection: PeerConnection): ConnectionHandler;
}

export class DispatchedConnection implements ConnectionHandler {
  readonly #connection: PeerConnection;
  readonly #acceptorOf: (contentId: ContentId) => Acceptor | undefined;
  readonly #cancelWait: Cancel;
  #chosen: ConnectionHandler | undefined;
  #isOver = false;

  constructor(
    connection: PeerConnection,
    acceptorOf: (contentId: ContentId) => Acceptor | undefined,
    timers: Timers = processTimers,
  ) {
    this.#connection = connection;
    this.#acceptorOf = acceptorOf;
    this.#cancelWait = timers.later(defaultDownloadSwarmOptions.unjoinedMs, () => {
      if (this.#chosen === undefined && !this.#isOver) connection.close("finished");
    });
  }

  requested(id: number, request: Request, payload: Uint8Array): void {
    if (this.#chosen === undefined && request.type === "ping")
      return this.#connection.reply(id, { type: "pong" });
    const handler = "contentId" in request ? this.#choose(request.contentId) : this.#chosen;
    if (handler !== undefined) handler.requested(id, request, payload);
    else if (!this.#isOver) this.#connection.refuse(id, "contentUnknown");
  }

  noticed(notice: Exclude<Notice, { type: "hello" | "goodbye" }>): void {
    const handler = "contentId" in notice ? this.#choose(notice.contentId) : this.#chosen;
    handler?.noticed(notice);
  }

  cancelled(id: number): void {
    this.#chosen?.cancelled(id);
  }

  goodbye(reason: GoodbyeReason, message: string): void {
    this.#chosen?.goodbye(reason, message);
  }

  closed(error: GoshareError | undefined): void {
    this.#isOver = true;
    this.#cancelWait();
    this.#chosen?.closed(error);
  }

  bitfieldBytes(contentId: ContentId): number | undefined {
    return this.#choose(contentId)?.bitfieldBytes(contentId);
  }

  #choose(contentId: ContentId): ConnectionHandler | undefined {
    if (this.#chosen !== undefined || this.#isOver) return this.#chosen;
    const acceptor = this.#acceptorOf(contentId);
    if (acceptor === undefined) return undefined;
    try {
      this.#chosen = acceptor.accept(this.#connection);
    } catch {
      // The other side knows by now why it is not wanted.
      this.#isOver = true;
      this.#connection.close("tooManyConnections");
    }
    return this.#chosen;
  }
}

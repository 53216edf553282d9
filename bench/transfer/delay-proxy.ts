// A proxy in a process of its own that holds every byte for a while in both directions, as a long distance does. It
// bounds what is on the way, and takes processor time itself: for measuring what distance costs, not top speed.
import { fileURLToPath } from "node:url";
import { MeasuredProcess } from "../measured-process.js";

const SCRIPT = fileURLToPath(new URL("./delay-proxy-process.js", import.meta.url));

export class DelayProxy {
  readonly #process: MeasuredProcess;
  readonly endpoint: string;

  private constructor(process: MeasuredProcess, endpoint: string) {
    this.#process = process;
    this.endpoint = endpoint;
  }

  static async start(oneWayMs: number): Promise<DelayProxy> {
    const process = new MeasuredProcess([String(oneWayMs)], { script: SCRIPT });
    const { endpoint } = await process.event("listening");
    return new DelayProxy(process, String(endpoint));
  }

  /** Where connections go from now on, HOST:PORT. */
  leadTo(endpoint: string): void {
    this.#process.tell(endpoint);
  }

  async stop(): Promise<void> {
    await this.#process.stop();
  }
}

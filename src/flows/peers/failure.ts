// The failure of what runs on its own: a promise that rejects when it can no longer go on. Nobody has to await it.
import type { GoshareError } from "../../core/errors.js";

export interface Failure {
  readonly failed: Promise<never>;
  /** Rejects `failed`; later calls change nothing. */
  readonly fail: (error: GoshareError) => void;
}

export function failure(): Failure {
  let fail: (error: GoshareError) => void = () => undefined;
  const failed = new Promise<never>((_resolve, reject) => {
    fail = reject;
  });
  failed.catch(() => undefined);
  return { failed, fail };
}

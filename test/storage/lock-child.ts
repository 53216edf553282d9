// A process that takes the lock at argv[2], says "held" or the code of its error, and keeps it until SIGTERM.
import { GoshareError } from "../../src/core/errors.js";
import { Lock, targetBusy } from "../../src/storage/part/lock.js";

try {
  const lock = await Lock.acquire(process.argv[2] ?? "", targetBusy("the target"));
  const held = setInterval(() => undefined, 60_000);
  process.once("SIGTERM", () => {
    lock.release();
    clearInterval(held);
  });
  process.stdout.write(`held by ${process.pid}\n`);
} catch (thrown) {
  process.stdout.write(`${GoshareError.from(thrown).code}\n`);
}

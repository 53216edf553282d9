// Several shares in one command: one that can no longer be served ends alone, and gives the exit code in the end.
import { appendFileSync } from "node:fs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { MIB } from "../../src/core/units.js";
import { killAll } from "../support/goshare-process.js";
import { ScratchFolder } from "../support/scratch-folder.js";
import { download, type StartedShare, startDownload, startShare } from "../support/transfer.js";

const scratch = new ScratchFolder();
test.after(() => {
  killAll();
  scratch.remove();
});

/** Shares both; one of them is the first of the result. */
async function shareBoth(...args: readonly string[]): Promise<{
  readonly files: readonly [string, string];
  readonly process: StartedShare["process"];
  readonly tickets: readonly [string, string];
}> {
  const files = [scratch.file("first.bin", 3 * MIB), scratch.file("second.bin", 4 * MIB)] as const;
  const { process, ticket } = await startShare(files[0], [files[1], ...args]);
  const second = await process.waitFor("sharing", (body) => body["name"] === "second.bin");
  return { files, process, tickets: [ticket, String(second["ticket"])] };
}

/** Changes the first of two and asks for it; resolves when that is noticed. */
async function failFirst({ files, process, tickets }: Awaited<ReturnType<typeof shareBoth>>): Promise<void> {
  appendFileSync(files[0], "more");
  const asking = startDownload(tickets[0], scratch.folder());
  const failed = await process.waitFor("failed");
  const [sharing] = process.all("sharing");
  assert.equal([failed["code"], failed["contentId"]], ["SOURCE_CHANGED", sharing?.["contentId"]]);
  await asking.stop("SIGKILL");
}

test("a share whose file changes ends alone, and gives the exit code in the end", async () => {
  const both = await shareBoth();
  await failFirst(both);
  await download(both.tickets[1], scratch.folder());
  both.process.kill("SIGINT");
  assert.is((await both.process.exited).exitCode, 1);
  const last = both.process.events.at(-1)?.["failed"];
  assert.equal([last?.["code"], last?.["exitCode"], last?.["contentId"]], ["SOURCE_CHANGED", 1, undefined]);
  assert.match(String(last?.["message"]), "1 of 2 shares failed; first.bin: ");
});

test("where every share has failed, nothing is left to wait for", async () => {
  const both = await shareBoth();
  await failFirst(both);
  appendFileSync(both.files[1], "more");
  const asking = startDownload(both.tickets[1], scratch.folder());
  assert.is((await both.process.exited).exitCode, 1);
  const last = both.process.events.at(-1)?.["failed"];
  assert.match(String(last?.["message"]), "2 of 2 shares failed; the first: first.bin: ");
  await asking.stop("SIGKILL");
});

test("with --once the others are waited for, and one that failed gives the exit code", async () => {
  const both = await shareBoth("--once");
  await failFirst(both);
  await download(both.tickets[1], scratch.folder());
  assert.is((await both.process.exited).exitCode, 1);
  const last = both.process.events.at(-1)?.["failed"];
  assert.match(String(last?.["message"]), "1 of 2 shares failed; first.bin: ");
});

test.run();

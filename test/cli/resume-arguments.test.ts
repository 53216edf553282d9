import { test } from "uvu";
import * as assert from "uvu/assert";
import type { DownloadOptions } from "../../src/flows/downloading/download-options.js";
import { CONTENT_ID, type FakeSurroundings, startFakeCli } from "../support/fake-cli.js";

const TICKET = "goshare1x";

/** What the download flow is called with by `goshare resume ARGV`, and what was looked for. */
async function resumed(...argv: readonly string[]): Promise<{
  readonly options: DownloadOptions;
  readonly names: readonly string[];
  readonly output: string;
}> {
  const seen: DownloadOptions[] = [];
  let asked: { names: readonly string[]; output: string } = { names: [], output: "" };
  const flows: NonNullable<FakeSurroundings["flows"]> = {
    begun: async () => ({
      resumableDownloads: (names, { outputDirectory: output }) => {
        asked = { names, output };
        const counters = { bytesDone: 1, bytesTotal: 2, chunksDone: 1, chunks: 2, pid: 0 };
        const known = { contentId: CONTENT_ID, name: "a b", path: "isos/a b", what: TICKET };
        const place = { outputDirectory: "isos", moreArguments: ["--rename", "--select=*.iso"] };
        return [{ type: "resumable", ...known, ...counters, state: "paused", ...place }];
      },
    }),
    download: async () => ({
      download: async (options) => {
        seen.push(options);
        const counters = { bytes: 0, bytesReceived: 0, bytesWasted: 0, elapsedMs: 0, slowTimes: [] };
        return { path: "p", contentId: CONTENT_ID, ...counters };
      },
    }),
  };
  const cli = startFakeCli(["resume", ...argv], { flows });
  assert.is(await cli.exitCode, 0, cli.stderr());
  const [options] = seen;
  if (options === undefined) throw new Error("the flow was not called");
  return { options, ...asked };
}

test("resume downloads what was begun into where it lies", async () => {
  const { options, names, output } = await resumed("a b");
  assert.equal([names, output], [["a b"], "downloads"]);
  assert.equal([options.what, options.outputDirectory], [TICKET, "isos"]);
  assert.equal([options.ifTaken, options.select], ["rename", ["*.iso"]]);
});

test("every option of resume reaches the download", async () => {
  const network = ["--tracker", "192.0.2.1", "--tracker=192.0.2.2", "--listen", "127.0.0.1:7"];
  const limits = ["--timeout=2s", "--download-limit=2MiB", "--upload-limit=1MiB"];
  const counts = ["--max-peers=7", "--max-connections-per-host=3"];
  const { options, output } = await resumed("--output", "isos", ...network, ...limits, ...counts);
  assert.is(output, "isos");
  assert.equal(
    options.trackers.map(({ host }) => host),
    ["192.0.2.1", "192.0.2.2"],
  );
  assert.equal([options.listen.port, options.listenGiven, options.timeoutMs], [7, true, 2_000]);
  assert.is(options.downloadBudget?.bytesPerSecond, 2 * 1024 * 1024);
  assert.is(options.uploadBudget?.bytesPerSecond, 1024 * 1024);
  assert.equal([options.maxPeers, options.maxConnectionsPerHost], [7, 3]);
});

test.run();

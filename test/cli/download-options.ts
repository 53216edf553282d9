// What `goshare download ARGV` asks of its flow, for tests of arguments and of settings.
import * as assert from "uvu/assert";
import type { DownloadOptions } from "../../src/flows/downloading/download-options.js";
import { CONTENT_ID, type FakeSurroundings, startFakeCli } from "../support/fake-cli.js";

export async function downloadOptions(
  argv: readonly string[],
  env: Record<string, string> = {},
): Promise<DownloadOptions> {
  const seen: DownloadOptions[] = [];
  const flows: NonNullable<FakeSurroundings["flows"]> = {
    download: async () => ({
      download: async (options) => {
        seen.push(options);
        const counters = { bytes: 0, bytesReceived: 0, bytesWasted: 0, elapsedMs: 0, slowTimes: [] };
        return { path: "p", contentId: CONTENT_ID, ...counters };
      },
    }),
  };
  const cli = startFakeCli(["download", ...argv], { flows, env });
  assert.is(await cli.exitCode, 0, cli.stderr());
  const [options] = seen;
  if (options === undefined) throw new Error("the flow was not called");
  return options;
}

// Downloads a ticket, says how far it is, and gives up after ten minutes: node fetch-with-progress.mjs TICKET FOLDER
import { download, GoshareError } from "goshare";

const [ticket = "", output = "downloads"] = process.argv.slice(2);
const running = download(ticket, { output, signal: AbortSignal.timeout(600_000) });

for await (const event of running) {
  if (event.type === "progress") {
    console.error(`${Math.floor((100 * event.bytesDone) / event.bytesTotal)} %, ${event.peers} peers`);
  }
}

try {
  const { path, bytesReceived } = await running.done;
  console.log(path);
  console.error(`${bytesReceived} bytes received`);
} catch (error) {
  if (!(error instanceof GoshareError)) throw error;
  // What was verified is kept: the same call goes on where this one ended.
  console.error(`${error.code}: ${error.message} (${error.hint})`);
  process.exitCode = error.exitCode;
}

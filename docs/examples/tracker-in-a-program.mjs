// A tracker, a share and a download in one program: node tracker-in-a-program.mjs PATH FOLDER
import { download, inspect, share, startTracker } from "goshare";

const [path = ".", output = "downloads"] = process.argv.slice(2);
const tracker = await startTracker({ listen: "127.0.0.1:0" });
const trackers = [tracker.endpoint];

const sharing = share(path, { listen: "127.0.0.1:0", trackers });
const { contentId } = await sharing.ready;
// With a tracker the content id alone is enough.
const { name, bytes } = await inspect(contentId, { trackers });
console.error(`${name}: ${bytes} bytes`);

const { path: received } = await download(contentId, { output, listen: "127.0.0.1:0", trackers }).done;
console.log(received);

await sharing.close();
await tracker.close();

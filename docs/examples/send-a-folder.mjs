// Shares a folder until somebody has all of it: node send-a-folder.mjs PATH
import { share } from "goshare";

const [path = "."] = process.argv.slice(2);
const sharing = share(path, { exclude: ["node_modules", "*.tmp"] });
const { ticket } = await sharing.ready;
console.log(ticket);

await sharing.untilCopies(1);
await sharing.close();

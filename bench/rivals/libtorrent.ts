// libtorrent on both sides, as a rival, by way of its Python package. torrent.py does the work.
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { freePort } from "../../test/support/free-port.js";
import type { Figures } from "../bench-case.js";
import { type Rival, RivalServer, type RivalWork, receive } from "./rival.js";

export const SCRIPT = fileURLToPath(new URL("../../../bench/rivals/torrent.py", import.meta.url));
/** Debian's package of libtorrent is for Debian's Python. */
export const PYTHON = "/usr/bin/python3";

export const LIBTORRENT: Rival = { name: "libtorrent", programs: [PYTHON], pythonModule: "libtorrent", run };

async function run({ dataPath, bytes, outputFolder, scratchFolder }: RivalWork): Promise<Figures> {
  const port = await freePort();
  const file = join(scratchFolder, "data.torrent");
  const argv = [SCRIPT, "seed", file, dataPath, String(port)];
  const server = await RivalServer.start(PYTHON, argv, port);
  try {
    return await receive(`${PYTHON} ${SCRIPT} leech ${file} ${outputFolder} ${port}`, server, bytes);
  } finally {
    await server.stop();
  }
}

// The rivals, each as its users would run it to get one large file, or a folder of small ones, to another machine.
import { chmod, writeFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { basename, dirname, join } from "node:path";
import { freePort } from "../../test/support/free-port.js";
import { ARIA2 } from "./aria2.js";
import { LIBTORRENT } from "./libtorrent.js";
import { type Rival, RivalServer, receive, work } from "./rival.js";

/** `options` are further ones for rsync, which does not verify what it writes. */
function rsync(name: string, options: string): Rival {
  return {
    name,
    programs: ["rsync"],
    run: async ({ dataPath, bytes, outputFolder, scratchFolder }) => {
      const port = await freePort();
      const configuration = join(scratchFolder, "rsyncd.conf");
      await writeFile(
        configuration,
        `use chroot = no\n[data]\npath = ${dirname(dataPath)}\nread only = yes\n`,
      );
      const address = ["--address=127.0.0.1", `--port=${port}`, `--config=${configuration}`];
      const server = await RivalServer.start("rsync", ["--daemon", "--no-detach", ...address], port);
      const source = `rsync://127.0.0.1:${port}/data/${basename(dataPath)}`;
      try {
        return await receive(`rsync ${options} ${source} ${outputFolder}/`, server, bytes);
      } finally {
        await server.stop();
      }
    },
  };
}

/** `fetch` gives the command that gets URL into FILE and verifies it. */
function overHttp(
  name: string,
  programs: readonly string[],
  fetch: (url: string, file: string) => string,
): Rival {
  return {
    name,
    programs: ["nginx", ...programs],
    run: async ({ dataPath, bytes, outputFolder, scratchFolder }) => {
      const port = await freePort();
      const configuration = join(scratchFolder, "nginx.conf");
      // nginx serves as user nobody.
      await chmod(dirname(dataPath), 0o755);
      const global = `daemon off; master_process off; pid ${scratchFolder}/nginx.pid; error_log /dev/null; worker_processes 1;`;
      const server = `server { listen 127.0.0.1:${port}; root ${dirname(dataPath)}; }`;
      await writeFile(configuration, `${global} events {} http { access_log off; sendfile on; ${server} }\n`);
      const nginx = await RivalServer.start("nginx", ["-c", configuration], port);
      try {
        const file = join(outputFolder, "data");
        return await receive(fetch(`http://127.0.0.1:${port}/${basename(dataPath)}`, file), nginx, bytes);
      } finally {
        await nginx.stop();
      }
    },
  };
}

/** For one large file. */
export const fileRivals: readonly Rival[] = [
  rsync("rsync daemon", "-W --inplace"),
  overHttp("nginx, curl | tee | openssl", ["curl", "openssl"], (url, file) => {
    return `curl -s ${url} | tee ${file} | openssl dgst -sha256`;
  }),
  overHttp("nginx, curl, then openssl", ["curl", "openssl"], (url, file) => {
    return `curl -s -o ${file} ${url} && openssl dgst -sha256 ${file}`;
  }),
  overHttp("nginx, aria2 -x4, then openssl", ["aria2c", "openssl"], (url, file) => {
    const options = "-q -x4 -s4 -k16M --file-allocation=none";
    return `aria2c ${options} -d ${dirname(file)} -o ${basename(file)} ${url} && openssl dgst -sha256 ${file}`;
  }),
  LIBTORRENT,
  ARIA2,
];

/** For many small files. */
export const folderRivals: readonly Rival[] = [
  rsync("rsync daemon", "-a"),
  rsync("rsync daemon --fsync", "-a --fsync"),
];

/** For hashing many small files: as many processes as cores, 500 files each. */
export const hashingRivals: readonly Rival[] = [
  {
    name: "find | xargs -P openssl",
    programs: ["find", "xargs", "openssl"],
    run: ({ dataPath, bytes }) => {
      const perCore = `xargs -0 -P${availableParallelism()} -n500 openssl dgst -sha256`;
      return work(`find ${dataPath} -type f -print0 | ${perCore}`, bytes);
    },
  },
];

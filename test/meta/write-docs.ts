// Writes the pages that are generated from code: `pnpm write-docs`.
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { REPOSITORY } from "../support/repository.js";
import { configurationPage } from "./configuration-page.js";
import { errorsPage } from "./errors-page.js";
import { eventsPage } from "./events-page.js";

await mkdir(join(REPOSITORY, "docs"), { recursive: true });
await writeFile(join(REPOSITORY, "docs", "errors.md"), errorsPage());
await writeFile(join(REPOSITORY, "docs", "configuration.md"), configurationPage());
await writeFile(join(REPOSITORY, "docs", "events.md"), await eventsPage());

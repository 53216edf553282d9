// The real flows, each loaded when it is asked for. Nothing here runs anything.
import type { Flows } from "./context.js";

export const flows: Flows = {
  share: () => import("../flows/share.js"),
  download: () => import("../flows/download.js"),
  downloads: () => import("../flows/downloads.js"),
  inspect: () => import("../flows/inspect.js"),
  status: () => import("../flows/status.js"),
  tracker: () => import("../tracker/server/start.js"),
};

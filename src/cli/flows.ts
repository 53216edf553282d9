// The real flows, each loaded when it is asked for. Nothing here runs anything.
import type { Flows } from "./context.js";

export const flows: Flows = {
  share: () => import("../flows/share.js"),
  download: () => import("../flows/download.js"),
  downloads: () => import("../flows/downloads.js"),
  inspect: () => import("../flows/inspect.js"),
  verify: () => import("../flows/verify.js"),
  status: () => import("../flows/status.js"),
  trackerStatus: () => import("../flows/tracker-status.js"),
  doctor: () => import("../flows/doctor.js"),
  begun: () => import("../flows/downloading/begun-downloads.js"),
  discard: () => import("../flows/discard.js"),
  tracker: () => import("../flows/tracker.js"),
};

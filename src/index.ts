// The public library: what programs can do with goshare, and the types that it speaks in.
export { type ErrorCode, GoshareError } from "./core/errors.js";
export type { ContentId, PeerId } from "./core/ids.js";
export type { GoshareEvent, InspectedEntry, ServedPeer, SlowReason, SlowTime } from "./events/event.js";
export {
  type Download,
  type Downloaded,
  download,
  type Inspected,
  inspect,
  type Resumable,
  read,
  unfinished,
} from "./library/download.js";
export type {
  CallOptions,
  DownloadCallOptions,
  InspectCallOptions,
  PeerCallOptions,
  ReadCallOptions,
  ShareCallOptions,
} from "./library/options.js";
export { type Share, type Sharing, share } from "./library/share.js";
export { startTracker, type Tracker, type TrackerCallOptions } from "./library/tracker.js";

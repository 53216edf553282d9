// The public library: the flows and the types they speak in.
export { type Endpoint, type ListenAddress, parseEndpoint, parseListenAddress } from "./address/endpoint.js";
export { type ErrorCode, GoshareError } from "./core/errors.js";
export type { ContentId, PeerId } from "./core/ids.js";
export type { EventObserver, GoshareEvent, SlowReason, SlowTime } from "./events/event.js";
export { type DownloadResult, download } from "./flows/download.js";
export type { DownloadOptions } from "./flows/download-options.js";
export { type InspectOptions, inspect } from "./flows/inspect.js";
export { type RunningShare, type ShareOptions, share } from "./flows/share.js";
export { type StatusOptions, status } from "./flows/status.js";
export { type RunningTracker, startTracker } from "./tracker/server/start.js";

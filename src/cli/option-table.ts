// Every option of the command line: its names, its text in --help, and its default, once each. Reads nothing.
import { formatEndpoint } from "../address/endpoint.js";
import { LOG_LEVELS, type LogLevel } from "../core/log-level.js";
import { formatDuration } from "../core/units.js";
import { defaultFlowOptions, defaultPeerListen, type FlowOptions } from "../flows/defaults.js";
import {
  DEFAULT_CALLS_PER_ADDRESS,
  DEFAULT_PEERS_PER_CONTENT,
  DEFAULT_TRACKER_PORT,
} from "../tracker/limits.js";
import type { ColorMode } from "./render/palette.js";

/** What holds where the command line says nothing. Texts are read as if they had been typed. */
export interface CliOptions extends FlowOptions {
  /** Calls a second that a tracker answers to one address. */
  readonly perAddressLimit: number;
  /** Peers that one content may have at a tracker. */
  readonly perContentLimit: number;
  readonly logLevel: LogLevel;
  readonly color: ColorMode;
}

export const defaultCliOptions: CliOptions = Object.freeze({
  ...defaultFlowOptions,
  perAddressLimit: DEFAULT_CALLS_PER_ADDRESS,
  perContentLimit: DEFAULT_PEERS_PER_CONTENT,
  logLevel: "silent",
  color: "auto",
});

/** What to download where the command line does not say it. */
export const TICKET_VARIABLE = "GOSHARE_TICKET";

/** Where a tracker that is started by one word keeps what it knows. */
export const DEFAULT_TRACKER_STORE = "file";

interface OptionText {
  /** As clipanion wants them: "-q,--quiet". */
  readonly names: string;
  readonly description: string;
  /** What stands for the value in help; undefined for switches. */
  readonly value: string | undefined;
}

const option = (names: string, description: string, value?: string): OptionText => ({
  names,
  description,
  value,
});

export const OPTIONS = {
  json: option("--json", "Print events to stdout, one JSON object a line"),
  quiet: option("-q,--quiet", "Print results and problems only"),
  verbose: option("-v,--verbose", "Say on stderr what goes on: settings, trackers, peers, chunks, files"),
  color: option("--color", `Colours: auto, always or never (default ${defaultCliOptions.color})`, "WHEN"),
  tracker: option(
    "--tracker",
    `A tracker, HOST:PORT or tls://HOST:PORT; may be repeated (default one on this machine if there is one)`,
    "HOST:PORT",
  ),
  peerListen: option(
    "--listen",
    `Where to accept peers, HOST:PORT; port 0 takes a free one (default ${formatEndpoint(defaultPeerListen)}, or a free port if it is taken)`,
    "HOST:PORT",
  ),
  trackerListen: option(
    "--listen",
    `Where to accept calls, HOST:PORT; port 0 takes a free one (default ${formatEndpoint({ host: defaultPeerListen.host, port: DEFAULT_TRACKER_PORT })})`,
    "HOST:PORT",
  ),
  advertise: option(
    "--advertise",
    "An address at which others reach this machine, HOST:PORT; may be repeated; replaces its own addresses",
    "HOST:PORT",
  ),
  manifest: option("--manifest", "Where to write the .goshare file (default beside the share)", "FILE"),
  chunkSize: option(
    "--chunk-size",
    "Bytes in a chunk, a power of two such as 1MiB (default by the share's size)",
    "SIZE",
  ),
  uploadLimit: option(
    "--upload-limit",
    "Send no more than this, such as 10MiB/s, to all peers together (default no limit)",
    "RATE",
  ),
  downloadLimit: option(
    "--download-limit",
    "Receive no more than this, such as 10MiB/s, from all peers together (default no limit)",
    "RATE",
  ),
  maxPeers: option(
    "--max-peers",
    `Exchange with at most so many peers at a time (default ${defaultCliOptions.maxSharePeers} for a share, ${defaultCliOptions.maxDownloadPeers} for a download)`,
    "COUNT",
  ),
  maxConnectionsPerHost: option(
    "--max-connections-per-host",
    `Accept at most so many connections from one address (default ${defaultCliOptions.maxConnectionsPerHost}: many machines may share one)`,
    "COUNT",
  ),
  exclude: option(
    "--exclude",
    "Leave out what matches in a folder, such as '*.tmp' or 'build/**'; may be repeated",
    "PATTERN",
  ),
  once: option("--once", "End when one peer has everything"),
  untilCopies: option("--until-copies", "End when so many peers have everything", "COUNT"),
  qr: option("--qr", "Show the ticket as a QR code too"),
  rehash: option(
    "--rehash",
    "Read everything again, even files that have not changed since they were shared last",
  ),
  noPublish: option("--no-publish", "Keep the manifest away from trackers; peers serve it"),
  output: option(
    "--output",
    `The folder to download into, or - for standard output, of one file (default ${defaultCliOptions.outputDirectory})`,
    "DIR",
  ),
  begunIn: option(
    "--output",
    `The folder that downloads go into (default ${defaultCliOptions.outputDirectory})`,
    "DIR",
  ),
  select: option(
    "--select",
    "Only what matches, such as '*.jpg' or 'photos/2024'; may be repeated, and !GLOB leaves out (see goshare inspect)",
    "GLOB",
  ),
  reuse: option(
    "--reuse",
    "Copy chunks that an older version in this folder has already, instead of fetching them",
    "DIR",
  ),
  sequential: option("--sequential", "Ask for the chunks in their order, to use what is there before all is"),
  overwrite: option("--overwrite", "Replace what has the name of the download, once that is complete"),
  rename: option("--rename", "Where the name is taken, use the first that is free, such as film (1).mkv"),
  seed: option("--seed", "Go on serving others when everything is there, until Ctrl-C"),
  timeout: option(
    "--timeout",
    `Give up when nothing has arrived for so long, such as 30s or 5min (default ${formatDuration(defaultCliOptions.timeoutMs)})`,
    "DURATION",
  ),
  store: option(
    "--store",
    `Where to keep what it knows: file:DIR, file for this user's state directory, memory to keep nothing, or redis://HOST:PORT/DATABASE for several trackers over one Redis (default ${DEFAULT_TRACKER_STORE})`,
    "STORE",
  ),
  perAddressLimit: option(
    "--per-address-limit",
    `Answer no more calls a second from one address, beyond bursts (default ${defaultCliOptions.perAddressLimit}; loopback is exempt)`,
    "CALLS",
  ),
  perContentLimit: option(
    "--per-content-limit",
    `Keep no more peers than this for one content; others find peers all the same (default ${defaultCliOptions.perContentLimit})`,
    "PEERS",
  ),
  tlsCert: option(
    "--tls-cert",
    "Speak TLS with the certificate in this PEM file, which is read again when it changes",
    "FILE",
  ),
  tlsKey: option("--tls-key", "The key of that certificate, a PEM file", "FILE"),
  metrics: option(
    "--metrics",
    "Hand out metrics for Prometheus at http://HOST:PORT/metrics (default nowhere)",
    "HOST:PORT",
  ),
  logLevel: option(
    "--log-level",
    `Log to stderr as JSON lines from this level on: ${LOG_LEVELS.join(", ")} (default ${defaultCliOptions.logLevel})`,
    "LEVEL",
  ),
  all: option("--all", "Every unfinished download of the folder that no process runs"),
  repair: option("--repair", "Fetch what is wrong or missing, and put it in its place"),
  sums: option("--sha256sum", "Print the SHA-256 of every file to stdout, as sha256sum does"),
  preferNear: option(
    "--prefer-near",
    "Hand out peers with addresses close to the asker's first, up to half of an answer: the same /16, of IPv6 /32",
  ),
  trustAnnounced: option(
    "--trust-announced",
    "Hand out addresses that peers announce without having seen them: for trackers behind a proxy only",
  ),
} as const satisfies Record<string, OptionText>;

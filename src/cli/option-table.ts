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

/** The values that hold where the command line says nothing. Texts are read as if they had been typed. */
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

/** Says what to download where the command line does not. */
export const TICKET_VARIABLE = "GOSHARE_TICKET";

/** Where a tracker keeps what it knows if no option says so. */
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
  json: option("--json", "Print events to stdout, one JSON object per line"),
  quiet: option("-q,--quiet", "Print only results and problems"),
  verbose: option("-v,--verbose", "Log what happens to stderr: settings, trackers, peers, chunks, files"),
  color: option("--color", `Colours: auto, always or never (default ${defaultCliOptions.color})`, "WHEN"),
  tracker: option(
    "--tracker",
    `A tracker, HOST:PORT or tls://HOST:PORT; may be repeated (default the one on this machine, if any)`,
    "HOST:PORT",
  ),
  peerListen: option(
    "--listen",
    `Where to accept peers, HOST:PORT; port 0 picks a free one (default ${formatEndpoint(defaultPeerListen)}, or a free port if it is taken)`,
    "HOST:PORT",
  ),
  trackerListen: option(
    "--listen",
    `Where to accept calls, HOST:PORT; port 0 picks a free one (default ${formatEndpoint({ host: defaultPeerListen.host, port: DEFAULT_TRACKER_PORT })})`,
    "HOST:PORT",
  ),
  advertise: option(
    "--advertise",
    "An address where others can reach this machine, HOST:PORT; may be repeated; replaces its own addresses",
    "HOST:PORT",
  ),
  manifest: option("--manifest", "Where to write the .goshare file (default next to the share)", "FILE"),
  chunkSize: option(
    "--chunk-size",
    "Size of a chunk, a power of two such as 1MiB (default depends on the share's size)",
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
    `Exchange with at most this many peers at a time (default ${defaultCliOptions.maxSharePeers} for a share, ${defaultCliOptions.maxDownloadPeers} for a download)`,
    "COUNT",
  ),
  maxConnectionsPerHost: option(
    "--max-connections-per-host",
    `Accept at most this many connections from one address (default ${defaultCliOptions.maxConnectionsPerHost}: many machines may share one)`,
    "COUNT",
  ),
  exclude: option(
    "--exclude",
    "Leave out whatever matches in a folder, such as '*.tmp' or 'build/**'; may be repeated",
    "PATTERN",
  ),
  once: option("--once", "End when one peer has everything"),
  untilCopies: option("--until-copies", "End when this many peers have everything", "COUNT"),
  qr: option("--qr", "Also show the ticket as a QR code"),
  rehash: option(
    "--rehash",
    "Read everything again, even files that have not changed since they were last shared",
  ),
  noPublish: option("--no-publish", "Do not send the manifest to trackers; peers serve it"),
  output: option(
    "--output",
    `The folder to download into, or - to write one file to standard output (default ${defaultCliOptions.outputDirectory})`,
    "DIR",
  ),
  begunIn: option(
    "--output",
    `The folder that downloads go into (default ${defaultCliOptions.outputDirectory})`,
    "DIR",
  ),
  select: option(
    "--select",
    "Download only what matches, such as '*.jpg' or 'photos/2024'; may be repeated; !GLOB leaves out (see goshare inspect)",
    "GLOB",
  ),
  reuse: option(
    "--reuse",
    "Copy chunks that an older version in this folder already has, instead of fetching them",
    "DIR",
  ),
  sequential: option(
    "--sequential",
    "Ask for chunks in order, to use the beginning before the rest is there",
  ),
  overwrite: option(
    "--overwrite",
    "Replace whatever has the name of the download, once the download is complete",
  ),
  rename: option("--rename", "If the name is taken, use the first free one, such as film (1).mkv"),
  seed: option("--seed", "Keep serving others once everything is there, until Ctrl-C"),
  timeout: option(
    "--timeout",
    `Give up when nothing has arrived for this long, such as 30s or 5min (default ${formatDuration(defaultCliOptions.timeoutMs)})`,
    "DURATION",
  ),
  store: option(
    "--store",
    `Where to keep what it knows: file:DIR, file for your state directory, memory to keep nothing, or redis://HOST:PORT/DATABASE for several trackers sharing one Redis (default ${DEFAULT_TRACKER_STORE})`,
    "STORE",
  ),
  perAddressLimit: option(
    "--per-address-limit",
    `Answer no more than this many calls a second from one address, beyond bursts (default ${defaultCliOptions.perAddressLimit}; loopback is exempt)`,
    "CALLS",
  ),
  perContentLimit: option(
    "--per-content-limit",
    `Keep no more than this many peers for one content; others still find peers (default ${defaultCliOptions.perContentLimit})`,
    "PEERS",
  ),
  tlsCert: option(
    "--tls-cert",
    "Speak TLS with the certificate in this PEM file, which is reread when it changes",
    "FILE",
  ),
  tlsKey: option("--tls-key", "The key of that certificate, a PEM file", "FILE"),
  metrics: option(
    "--metrics",
    "Serve metrics for Prometheus at http://HOST:PORT/metrics (default nowhere)",
    "HOST:PORT",
  ),
  logLevel: option(
    "--log-level",
    `Log to stderr as JSON lines, from this level up: ${LOG_LEVELS.join(", ")} (default ${defaultCliOptions.logLevel})`,
    "LEVEL",
  ),
  all: option("--all", "Every unfinished download in the folder that no process is running"),
  repair: option("--repair", "Fetch what is wrong or missing, and put it in place"),
  sums: option("--sha256sum", "Print the SHA-256 of every file to stdout, as sha256sum does"),
  preferNear: option(
    "--prefer-near",
    "Hand out peers with addresses close to the asker's first, up to half of an answer: the same /16, or /32 for IPv6",
  ),
  trustAnnounced: option(
    "--trust-announced",
    "Hand out the addresses that peers announce without checking them: only for trackers behind a proxy",
  ),
} as const satisfies Record<string, OptionText>;

// How a scripted peer serves a share: right, or wrong in one of many ways. A peer is made of a share and an
// answer to GetChunk; answers can be chained.
import { setImmediate as nextTurn } from "node:timers/promises";
import type { MessageInitShape } from "@bufbuild/protobuf";
import {
  Coverage,
  type GoodbyeReason,
  type PeerAddressSchema,
  type RefusalReason,
} from "../../gen/goshare/v1/peer_pb.js";
import { idToBytes } from "../../src/core/ids.js";
import { MIB } from "../../src/core/units.js";
import { frameBytes, type HeardFrame, type HelloChanges, hasBody, ScriptedPeer } from "./scripted-peer.js";
import type { SmallShare } from "./small-share.js";

/** A GetChunk as it came. */
export interface Ask {
  readonly peer: ScriptedPeer;
  readonly id: number;
  readonly chunkIndex: number;
  /** The right bytes. */
  readonly chunk: Buffer;
}

export type Answer = (ask: Ask) => void | Promise<void>;

function send({ peer, id, chunkIndex }: Ask, payload: Uint8Array, changes = {}): ScriptedPeer {
  return peer.send({ case: "chunkData", value: { chunkIndex, offset: 0, ...changes } }, { id, payload });
}

function wholeFrame({ id, chunkIndex, chunk }: Ask): Buffer {
  return frameBytes({ case: "chunkData", value: { chunkIndex } }, { id, payload: chunk });
}

function flipped(chunk: Buffer): Buffer {
  const wrong = Buffer.from(chunk);
  wrong[0] = (wrong[0] ?? 0) ^ 1;
  return wrong;
}

/** The whole chunk in one frame. */
export const right: Answer = (ask) => void send(ask, ask.chunk);

/** The right length, one bit wrong. */
export const wrongBytes: Answer = (ask) => void send(ask, flipped(ask.chunk));

export const tooLong: Answer = (ask) => void send(ask, Buffer.concat([ask.chunk, Buffer.of(0)]));

export const wrongOffset: Answer = (ask) => void send(ask, ask.chunk.subarray(1), { offset: 1 });

export const wrongIndex: Answer = (ask) => void send(ask, ask.chunk, { chunkIndex: ask.chunkIndex + 1 });

export const unknownId: Answer = (ask) => void send({ ...ask, id: ask.id + 1000 }, ask.chunk);

/** The right chunk, twice. */
export const twice: Answer = (ask) => {
  send(ask, ask.chunk);
  send(ask, ask.chunk);
};

export const unknownReply: Answer = ({ peer, id }) => void peer.sendUnknown({ id, payload: Buffer.alloc(9) });

/** Never answers. */
export const silence: Answer = () => undefined;

/** The chunk in frames of `frameLength` bytes. */
export function inFrames(frameLength: number): Answer {
  return (ask) => {
    for (let offset = 0; offset < ask.chunk.byteLength; offset += frameLength)
      send(ask, ask.chunk.subarray(offset, offset + frameLength), { offset });
  };
}

/** A proper frame with the first `bytes` of the chunk, and never the rest. */
export function beginWith(bytes: number): Answer {
  return (ask) => void send(ask, ask.chunk.subarray(0, bytes));
}

/** The first `bytes` of the reply's only frame, then nothing more. */
export function stallAfter(bytes: number): Answer {
  return (ask) => void ask.peer.sendBytes(wholeFrame(ask).subarray(0, bytes));
}

/** The first `bytes` of the reply's only frame, then the end of the stream. */
export function endAfter(bytes: number, how: "fin" | "rst"): Answer {
  return (ask) => {
    ask.peer.sendBytes(wholeFrame(ask).subarray(0, bytes));
    if (how === "fin") ask.peer.fin();
    else ask.peer.reset();
  };
}

export function refuse(reason: RefusalReason, retryAfterMs = 0): Answer {
  return ({ peer, id }) => void peer.send({ case: "refusal", value: { reason, retryAfterMs } }, { id });
}

/** Says goodbye, gives what was asked for, and ends. */
export function goodbye(reason: GoodbyeReason): Answer {
  return (ask) => {
    ask.peer.send({ case: "goodbye", value: { reason } });
    send(ask, ask.chunk).fin();
  };
}

/** `count` times `answer`, counted over all connections, then `then`. */
export function first(count: number, answer: Answer, then: Answer): Answer {
  let given = 0;
  return (ask) => (given++ < count ? answer(ask) : then(ask));
}

export interface Service {
  readonly share: SmallShare;
  readonly answer: Answer;
  /** Chunks that it says it holds; all of them unless given. */
  readonly holds?: readonly number[];
  readonly hello?: HelloChanges;
  readonly pullWindow?: number;
  readonly rateLimited?: boolean;
  /** Instead of the right answer to Join, which the last parameter gives. */
  readonly join?: (peer: ScriptedPeer, id: number, answer: () => void) => void;
  /** The answer to GetPeers; nobody unless given. */
  readonly peers?: () => readonly MessageInitShape<typeof PeerAddressSchema>[];
  /** Called when a Join is answered. */
  readonly joined?: (peer: ScriptedPeer) => void;
  /** Instead of the right answer to GetManifest. */
  readonly manifestPage?: (peer: ScriptedPeer, id: number, page: number) => void | Promise<void>;
}

/** A script for ScriptedListener: serves until the other side has ended. */
export function serving(service: Service): (peer: ScriptedPeer) => Promise<void> {
  return async (peer) => {
    await peer.welcome(service.hello);
    await serveToEnd(service, peer);
  };
}

/** The same for a peer that dials, and says that it has everything. */
export async function serveByDialling(service: Service, port: number): Promise<ScriptedPeer> {
  const peer = await ScriptedPeer.dial(port);
  await peer.greet(service.hello);
  const contentId = idToBytes(service.share.manifest.root.contentId);
  peer.send({ case: "join", value: { contentId, coverage: Coverage.COMPLETE } }, { id: 1 });
  serveToEnd(service, peer).catch(() => peer.destroy());
  return peer;
}

async function serveToEnd(service: Service, peer: ScriptedPeer): Promise<void> {
  while (peer.end === undefined) {
    const frame = await peer.next();
    await serveFrame(service, peer, frame);
    await nextTurn();
  }
}

async function serveFrame(service: Service, peer: ScriptedPeer, frame: HeardFrame): Promise<void> {
  const { id } = frame;
  if (hasBody(frame, "getChunk")) {
    const { chunkIndex } = frame.value;
    await service.answer({ peer, id, chunkIndex, chunk: service.share.chunk(chunkIndex) });
  } else if (hasBody(frame, "getManifest")) {
    const { page } = frame.value;
    if (service.manifestPage !== undefined) return service.manifestPage(peer, id, page);
    sendPage(service.share, peer, id, page);
  } else if (hasBody(frame, "join")) {
    if (service.join === undefined) answerJoin(service, peer, id);
    else service.join(peer, id, () => answerJoin(service, peer, id));
  } else if (hasBody(frame, "getPeers")) {
    const peers = service.peers?.() ?? [];
    peer.send({ case: "peerList", value: { peers: [...peers] } }, { id });
  } else if (hasBody(frame, "ping")) peer.send({ case: "pong", value: {} }, { id });
  else if (hasBody(frame, "goodbye")) peer.fin();
}

/** The right answer to GetManifest. */
export function sendPage({ manifest }: SmallShare, peer: ScriptedPeer, id: number, page: number): void {
  const body = manifest.bodyBytes.subarray((page - 1) * MIB, page * MIB);
  peer.send(
    { case: "manifestData", value: { page } },
    { id, payload: page === 0 ? manifest.root.bytes : body },
  );
}

function answerJoin(
  { share, holds, pullWindow = 16, rateLimited = false, joined }: Service,
  peer: ScriptedPeer,
  id: number,
): void {
  const { contentId: hex, chunkCount } = share.manifest.root;
  const contentId = idToBytes(hex);
  if (holds === undefined) {
    peer.send({ case: "availability", value: { contentId, coverage: Coverage.COMPLETE } }, { id });
  } else {
    const payload = Buffer.alloc(Math.ceil(chunkCount / 8));
    for (const index of holds) payload[index >> 3] = (payload[index >> 3] ?? 0) | (0x80 >> (index & 7));
    peer.send({ case: "availability", value: { contentId, coverage: Coverage.BITFIELD } }, { id, payload });
  }
  peer.send({ case: "pullWindow", value: { contentId, requests: pullWindow, rateLimited } });
  joined?.(peer);
}

// What two peers say to each other over TCP, on one connection per pair of peers.
// Default port 9000.
//
// Goals: payload that is never copied or parsed (it stands outside protobuf);
// every length checked before anything is allocated; either side may ask, offer
// and serve, whichever dialled; a client that only asks is complete.
//
// Non-goals: several shares' secrets on one connection, routing, relaying.
//
// # Frames
//
//   u32 BE length of what follows | u16 BE header length H, at least 1
//   | H bytes PeerFrame | raw payload (may be empty): length - 2 - H bytes
//
// The sender of a request chooses its id: odd if the sender dialled, even if it
// was dialled. Its ids rise, are never used twice on a connection, and are never
// 0. A reply carries the id of its request. Notices have id 0.
//
//   requests: GetManifest -> ManifestData, Join -> Availability, GetChunk ->
//             ChunkData (one or more frames), GetPeers -> PeerList, Ping -> Pong.
//             Each gets exactly one reply: the one named here, or a Refusal.
//   notices:  Hello, AvailabilityUpdate, Offer, Decline, PullWindow, Leave,
//             Goodbye
//   Cancel    carries the id of the request it cancels. It is ignored if that
//             request is already answered.
//
// # Lengths (checked before allocation)
//
// Before Hello a frame is at most 4 KiB, its first four bytes not counted. After
// Hello a header is at most 16 KiB. Payloads:
//
//   ManifestData      1 byte to 1 MiB
//   Join, Availability  ceil(chunk_count / 8) bytes if coverage is BITFIELD,
//                     else none. A reader that does not know the content id of a
//                     Join reads and drops up to 2 MiB
//   ChunkData         the frames of one reply together are exactly the chunk,
//                     in ascending order without gaps. A provider sends the
//                     chunks of a connection one after another: no ChunkData of
//                     another reply stands between the frames of one
//   all others        none
//
// A peer that breaks a rule is sent Goodbye, and its socket is closed. There is one
// exception: a request for a page or chunk that does not exist, or for too many or
// no peers, is refused with LIMIT_EXCEEDED.
//
// # What is not known
//
// A reader may not know the body of a frame (a PeerFrame without body). What it
// does then depends on the frame's id:
//
//   an id of the other side's parity    answer with Refusal(UNIMPLEMENTED)
//   the id of an own open request       that request has failed; send nothing
//   0                                   ignore it
//
// The payload of such a frame, at most 4 MiB, is read and dropped. New bodies are
// sent only to peers whose Hello names their feature. After an unknown refusal
// reason, ask elsewhere, and here again after a pause.
//
// # Trust
//
// Offsets, lengths and digests come from the requester's own manifest. A
// requester accepts only what it asked for. A chunk comes from one peer, so a
// wrong digest shows which peer sent it: that peer is not asked again for this
// content.
//
// # Order of a conversation
//
//   dialler                         listener
//   Hello                  ->
//                          <-       Hello            (after checking the first)
//   GetManifest page 0     ->                        (if it is not known yet)
//                          <-       ManifestData
//   Join                   ->
//                          <-       Availability, PullWindow
//   GetChunk, GetChunk ... ->
//                          <-       ChunkData, ChunkData ...
//
// # Availability
//
// In each direction a snapshot of what the sender holds (Join or Availability)
// comes first, then updates. A later snapshot replaces the one before. Every
// chunk verified after the snapshot was taken is announced in an update, at once;
// those verified within some 25 ms may share one. A side that has everything has
// announced all of it before it says Goodbye: so a sharer knows that one more peer
// is complete. A notice about a content id that is not joined is ignored, since it
// may have crossed a Leave.
// Either side may Join any content id at any time once it holds the root. If two
// Joins cross, both are answered. A side that lacks the content answers
// CONTENT_UNKNOWN, and sends a Join itself when it has the root. Availability
// comes before the first Offer. Either side may Leave or say Goodbye(FINISHED)
// when both are complete, or when nothing has been joined for 30 s.
//
// # Offers (feature "offers")
//
// A provider offers chunks that it holds. The requester answers at once, either
// with a GetChunk for one of them that carries the offer's id, or with Decline.
// An offer is good for one chunk. offer_id rises per connection and direction; 0
// means no offer. A GetChunk that names a lapsed or unknown offer, or a chunk not
// in the offer, is an ordinary request, never an error. An accepted offer is
// served; the provider refuses it only if it no longer can (SOURCE_CHANGED,
// CHUNK_UNAVAILABLE, INTERNAL, CANCELLED or SHUTTING_DOWN), or with BUSY if it
// cannot begin within 10 s. A requester that lets an offer lapse gets no more
// offers until it answers, late or not. If an accepted chunk fails, the requester
// asks another holder, without an offer.
//
// # Pull
//
// PullWindow says how many GetChunk without an offer the provider wants open at a
// time:
//
//   1    until the provider says otherwise
//   16   when this neighbour is the only one that lacked anything when it joined,
//        or does not know offers; less where a rate allows less
//   0    wait for offers, except after a failure, or when none has come for 10 s
//
// One turn order serves requests and offers: the neighbour whose turn it is gets
// its oldest queued GetChunk, or else an offer. Requests beyond the window queue,
// up to Hello.max_requests_in_flight; those beyond that are refused with
// LIMIT_EXCEEDED. A request that is not begun within 10 s is refused with BUSY. A
// provider that keeps to a rate may take longer, but less than a requester waits
// for a first byte. A chunk that was asked for or accepted counts as a known
// copy.
//
// # One connection per pair and share
//
// A process that exchanges several shares may carry them all on one connection,
// or each on one of its own. If two peers have two connections for one share,
// only one stays, however old they are: the one dialled by the peer with the
// smaller id (compared as bytes), or, if the same side dialled both, the newer.
// The other connection gets Goodbye(DUPLICATE), takes nothing new, and closes
// when its running replies are out. Its Joins are repeated on the one that stays.
//
// # Liveness
//
// Any byte received is progress. A side that has heard nothing for a while sends
// Ping. The reply to a request begins within 20 s, then keeps at least 16 KiB/s
// over 30 s.

// @generated by protoc-gen-es v2.17.0 with parameter "target=ts,import_extension=js"
// @generated from file goshare/v1/peer.proto (package goshare.v1, syntax proto3)
/* eslint-disable */

import type { GenEnum, GenFile, GenMessage } from "@bufbuild/protobuf/codegenv2";
import { enumDesc, fileDesc, messageDesc } from "@bufbuild/protobuf/codegenv2";
import type { Endpoint } from "./endpoint_pb.js";
import { file_goshare_v1_endpoint } from "./endpoint_pb.js";
import type { Message } from "@bufbuild/protobuf";

/**
 * Describes the file goshare/v1/peer.proto.
 */
export const file_goshare_v1_peer: GenFile = /*@__PURE__*/
  fileDesc("ChVnb3NoYXJlL3YxL3BlZXIucHJvdG8SCmdvc2hhcmUudjEiyQYKCVBlZXJGcmFtZRISCgpyZXF1ZXN0X2lkGAEgASgNEiIKBWhlbGxvGAIgASgLMhEuZ29zaGFyZS52MS5IZWxsb0gAEiYKB2dvb2RieWUYAyABKAsyEy5nb3NoYXJlLnYxLkdvb2RieWVIABIvCgxnZXRfbWFuaWZlc3QYBCABKAsyFy5nb3NoYXJlLnYxLkdldE1hbmlmZXN0SAASMQoNbWFuaWZlc3RfZGF0YRgFIAEoCzIYLmdvc2hhcmUudjEuTWFuaWZlc3REYXRhSAASIAoEam9pbhgGIAEoCzIQLmdvc2hhcmUudjEuSm9pbkgAEjAKDGF2YWlsYWJpbGl0eRgHIAEoCzIYLmdvc2hhcmUudjEuQXZhaWxhYmlsaXR5SAASPQoTYXZhaWxhYmlsaXR5X3VwZGF0ZRgIIAEoCzIeLmdvc2hhcmUudjEuQXZhaWxhYmlsaXR5VXBkYXRlSAASKQoJZ2V0X2NodW5rGAkgASgLMhQuZ29zaGFyZS52MS5HZXRDaHVua0gAEisKCmNodW5rX2RhdGEYCiABKAsyFS5nb3NoYXJlLnYxLkNodW5rRGF0YUgAEikKCWdldF9wZWVycxgLIAEoCzIULmdvc2hhcmUudjEuR2V0UGVlcnNIABIpCglwZWVyX2xpc3QYDCABKAsyFC5nb3NoYXJlLnYxLlBlZXJMaXN0SAASIAoEcGluZxgNIAEoCzIQLmdvc2hhcmUudjEuUGluZ0gAEiAKBHBvbmcYDiABKAsyEC5nb3NoYXJlLnYxLlBvbmdIABImCgdyZWZ1c2FsGA8gASgLMhMuZ29zaGFyZS52MS5SZWZ1c2FsSAASJAoGY2FuY2VsGBAgASgLMhIuZ29zaGFyZS52MS5DYW5jZWxIABIiCgVvZmZlchgRIAEoCzIRLmdvc2hhcmUudjEuT2ZmZXJIABImCgdkZWNsaW5lGBIgASgLMhMuZ29zaGFyZS52MS5EZWNsaW5lSAASLQoLcHVsbF93aW5kb3cYEyABKAsyFi5nb3NoYXJlLnYxLlB1bGxXaW5kb3dIABIiCgVsZWF2ZRgUIAEoCzIRLmdvc2hhcmUudjEuTGVhdmVIAEIGCgRib2R5ItEBCgVIZWxsbxIUCgxwcm90b2NvbF9taW4YASABKA0SFAoMcHJvdG9jb2xfbWF4GAIgASgNEg8KB3BlZXJfaWQYAyABKAwSDQoFYWdlbnQYBCABKAkSEAoIZmVhdHVyZXMYBSADKAkSEwoLbGlzdGVuX3BvcnQYBiABKA0SDQoFbm9uY2UYByABKAwSHgoWbWF4X3JlcXVlc3RzX2luX2ZsaWdodBgIIAEoDRIXCg9pZGxlX3RpbWVvdXRfbXMYCSABKA0SDQoFcHJvYmUYCiABKAgiRQoHR29vZGJ5ZRIpCgZyZWFzb24YASABKA4yGS5nb3NoYXJlLnYxLkdvb2RieWVSZWFzb24SDwoHbWVzc2FnZRgCIAEoCSIvCgtHZXRNYW5pZmVzdBISCgpjb250ZW50X2lkGAEgASgMEgwKBHBhZ2UYAiABKA0iHAoMTWFuaWZlc3REYXRhEgwKBHBhZ2UYASABKA0iQgoESm9pbhISCgpjb250ZW50X2lkGAEgASgMEiYKCGNvdmVyYWdlGAIgASgOMhQuZ29zaGFyZS52MS5Db3ZlcmFnZSJKCgxBdmFpbGFiaWxpdHkSEgoKY29udGVudF9pZBgBIAEoDBImCghjb3ZlcmFnZRgCIAEoDjIULmdvc2hhcmUudjEuQ292ZXJhZ2UiRgoSQXZhaWxhYmlsaXR5VXBkYXRlEhIKCmNvbnRlbnRfaWQYASABKAwSDgoGZ2FpbmVkGAIgAygNEgwKBGxvc3QYAyADKA0iRQoIR2V0Q2h1bmsSEgoKY29udGVudF9pZBgBIAEoDBITCgtjaHVua19pbmRleBgCIAEoDRIQCghvZmZlcl9pZBgDIAEoDSIwCglDaHVua0RhdGESEwoLY2h1bmtfaW5kZXgYASABKA0SDgoGb2Zmc2V0GAIgASgNIisKCEdldFBlZXJzEhIKCmNvbnRlbnRfaWQYASABKAwSCwoDbWF4GAIgASgNIjIKCFBlZXJMaXN0EiYKBXBlZXJzGAEgAygLMhcuZ29zaGFyZS52MS5QZWVyQWRkcmVzcyJHCgtQZWVyQWRkcmVzcxIPCgdwZWVyX2lkGAEgASgMEicKCWVuZHBvaW50cxgCIAMoCzIULmdvc2hhcmUudjEuRW5kcG9pbnQiBgoEUGluZyIGCgRQb25nIl0KB1JlZnVzYWwSKQoGcmVhc29uGAEgASgOMhkuZ29zaGFyZS52MS5SZWZ1c2FsUmVhc29uEg8KB21lc3NhZ2UYAiABKAkSFgoOcmV0cnlfYWZ0ZXJfbXMYAyABKA0iCAoGQ2FuY2VsIlIKBU9mZmVyEhAKCG9mZmVyX2lkGAEgASgNEhIKCmNvbnRlbnRfaWQYAiABKAwSDgoGY2h1bmtzGAMgAygNEhMKC2RlYWRsaW5lX21zGAQgASgNIl4KB0RlY2xpbmUSEAoIb2ZmZXJfaWQYASABKA0SKQoGcmVhc29uGAIgASgOMhkuZ29zaGFyZS52MS5EZWNsaW5lUmVhc29uEhYKDnJldHJ5X2FmdGVyX21zGAMgASgNIkgKClB1bGxXaW5kb3cSEgoKY29udGVudF9pZBgBIAEoDBIQCghyZXF1ZXN0cxgCIAEoDRIUCgxyYXRlX2xpbWl0ZWQYAyABKAgiGwoFTGVhdmUSEgoKY29udGVudF9pZBgBIAEoDCrEAgoNR29vZGJ5ZVJlYXNvbhIeChpHT09EQllFX1JFQVNPTl9VTlNQRUNJRklFRBAAEhsKF0dPT0RCWUVfUkVBU09OX0ZJTklTSEVEEAESHAoYR09PREJZRV9SRUFTT05fRFVQTElDQVRFEAISIQodR09PREJZRV9SRUFTT05fUFJPVE9DT0xfRVJST1IQAxIaChZHT09EQllFX1JFQVNPTl9WRVJTSU9OEAQSIAocR09PREJZRV9SRUFTT05fU0hVVFRJTkdfRE9XThAFEicKI0dPT0RCWUVfUkVBU09OX1RPT19NQU5ZX0NPTk5FQ1RJT05TEAYSFwoTR09PREJZRV9SRUFTT05fU0VMRhAHEhoKFkdPT0RCWUVfUkVBU09OX1RJTUVPVVQQCBIZChVHT09EQllFX1JFQVNPTl9CQU5ORUQQCSplCghDb3ZlcmFnZRIYChRDT1ZFUkFHRV9VTlNQRUNJRklFRBAAEhEKDUNPVkVSQUdFX05PTkUQARIVChFDT1ZFUkFHRV9DT01QTEVURRACEhUKEUNPVkVSQUdFX0JJVEZJRUxEEAMqngMKDVJlZnVzYWxSZWFzb24SHgoaUkVGVVNBTF9SRUFTT05fVU5TUEVDSUZJRUQQABIiCh5SRUZVU0FMX1JFQVNPTl9DT05URU5UX1VOS05PV04QARIkCiBSRUZVU0FMX1JFQVNPTl9DSFVOS19VTkFWQUlMQUJMRRACEhcKE1JFRlVTQUxfUkVBU09OX0JVU1kQAxIfChtSRUZVU0FMX1JFQVNPTl9SQVRFX0xJTUlURUQQBBIhCh1SRUZVU0FMX1JFQVNPTl9TT1VSQ0VfQ0hBTkdFRBAFEhwKGFJFRlVTQUxfUkVBU09OX0NBTkNFTExFRBAGEiAKHFJFRlVTQUxfUkVBU09OX1VOSU1QTEVNRU5URUQQBxIhCh1SRUZVU0FMX1JFQVNPTl9MSU1JVF9FWENFRURFRBAIEiQKIFJFRlVTQUxfUkVBU09OX1BFUk1JU1NJT05fREVOSUVEEAkSIAocUkVGVVNBTF9SRUFTT05fU0hVVFRJTkdfRE9XThAKEhsKF1JFRlVTQUxfUkVBU09OX0lOVEVSTkFMEAsqiQEKDURlY2xpbmVSZWFzb24SHgoaREVDTElORV9SRUFTT05fVU5TUEVDSUZJRUQQABIdChlERUNMSU5FX1JFQVNPTl9OT1RfTkVFREVEEAESHQoZREVDTElORV9SRUFTT05fTk9UX1dBTlRFRBACEhoKFkRFQ0xJTkVfUkVBU09OX05PX1JPT00QA0I4Cg5kZXYuZ29zaGFyZS52MVABWiRnb3NoYXJlLmRldi9nZW4vZ29zaGFyZS92MTtnb3NoYXJldjFiBnByb3RvMw", [file_goshare_v1_endpoint]);

/**
 * The header of every frame.
 *
 * @generated from message goshare.v1.PeerFrame
 */
export type PeerFrame = Message<"goshare.v1.PeerFrame"> & {
  /**
   * See "Frames": 0 for notices.
   *
   * @generated from field: uint32 request_id = 1;
   */
  requestId: number;

  /**
   * Exactly one. If there is none, the reader does not know the body.
   *
   * @generated from oneof goshare.v1.PeerFrame.body
   */
  body: {
    /**
     * Notice: the first frame of each side.
     *
     * @generated from field: goshare.v1.Hello hello = 2;
     */
    value: Hello;
    case: "hello";
  } | {
    /**
     * Notice: the last frame of a side.
     *
     * @generated from field: goshare.v1.Goodbye goodbye = 3;
     */
    value: Goodbye;
    case: "goodbye";
  } | {
    /**
     * Request: a page of a manifest.
     *
     * @generated from field: goshare.v1.GetManifest get_manifest = 4;
     */
    value: GetManifest;
    case: "getManifest";
  } | {
    /**
     * Reply to get_manifest, with payload.
     *
     * @generated from field: goshare.v1.ManifestData manifest_data = 5;
     */
    value: ManifestData;
    case: "manifestData";
  } | {
    /**
     * Request: to exchange a content id; may have payload.
     *
     * @generated from field: goshare.v1.Join join = 6;
     */
    value: Join;
    case: "join";
  } | {
    /**
     * Reply to join; may have payload.
     *
     * @generated from field: goshare.v1.Availability availability = 7;
     */
    value: Availability;
    case: "availability";
  } | {
    /**
     * Notice: what changed since the snapshot.
     *
     * @generated from field: goshare.v1.AvailabilityUpdate availability_update = 8;
     */
    value: AvailabilityUpdate;
    case: "availabilityUpdate";
  } | {
    /**
     * Request: one chunk.
     *
     * @generated from field: goshare.v1.GetChunk get_chunk = 9;
     */
    value: GetChunk;
    case: "getChunk";
  } | {
    /**
     * Reply to get_chunk, with payload, in one frame or several.
     *
     * @generated from field: goshare.v1.ChunkData chunk_data = 10;
     */
    value: ChunkData;
    case: "chunkData";
  } | {
    /**
     * Request: other peers of a share.
     *
     * @generated from field: goshare.v1.GetPeers get_peers = 11;
     */
    value: GetPeers;
    case: "getPeers";
  } | {
    /**
     * Reply to get_peers.
     *
     * @generated from field: goshare.v1.PeerList peer_list = 12;
     */
    value: PeerList;
    case: "peerList";
  } | {
    /**
     * Request: a sign of life.
     *
     * @generated from field: goshare.v1.Ping ping = 13;
     */
    value: Ping;
    case: "ping";
  } | {
    /**
     * Reply to ping.
     *
     * @generated from field: goshare.v1.Pong pong = 14;
     */
    value: Pong;
    case: "pong";
  } | {
    /**
     * Reply to any request that is not granted.
     *
     * @generated from field: goshare.v1.Refusal refusal = 15;
     */
    value: Refusal;
    case: "refusal";
  } | {
    /**
     * Carries the id of the request it cancels.
     *
     * @generated from field: goshare.v1.Cancel cancel = 16;
     */
    value: Cancel;
    case: "cancel";
  } | {
    /**
     * Notice: chunks to choose one from.
     *
     * @generated from field: goshare.v1.Offer offer = 17;
     */
    value: Offer;
    case: "offer";
  } | {
    /**
     * Notice: an offer is not taken.
     *
     * @generated from field: goshare.v1.Decline decline = 18;
     */
    value: Decline;
    case: "decline";
  } | {
    /**
     * Notice: how many requests without an offer are welcome.
     *
     * @generated from field: goshare.v1.PullWindow pull_window = 19;
     */
    value: PullWindow;
    case: "pullWindow";
  } | {
    /**
     * Notice: a share is no longer held or wanted.
     *
     * @generated from field: goshare.v1.Leave leave = 20;
     */
    value: Leave;
    case: "leave";
  } | { case: undefined; value?: undefined };
};

/**
 * Describes the message goshare.v1.PeerFrame.
 * Use `create(PeerFrameSchema)` to create a new message.
 */
export const PeerFrameSchema: GenMessage<PeerFrame> = /*@__PURE__*/
  messageDesc(file_goshare_v1_peer, 0);

/**
 * The first frame of each side, without payload. The dialler speaks first; the
 * listener checks its Hello before it answers. The version spoken is the smaller
 * of the two protocol_max. If that is below either protocol_min, the connection
 * ends with Goodbye(VERSION). Hello and Goodbye never change meaning.
 *
 * @generated from message goshare.v1.Hello
 */
export type Hello = Message<"goshare.v1.Hello"> & {
  /**
   * Lowest protocol version spoken, at least 1. This file describes version 1.
   *
   * @generated from field: uint32 protocol_min = 1;
   */
  protocolMin: number;

  /**
   * Highest protocol version spoken.
   *
   * @generated from field: uint32 protocol_max = 2;
   */
  protocolMax: number;

  /**
   * 32 bytes: random for each process, or the SHA-256 of its TLS certificate.
   *
   * @generated from field: bytes peer_id = 3;
   */
  peerId: Uint8Array;

  /**
   * Program and version for people, such as "goshare/0.1.0"; at most 64 bytes.
   *
   * @generated from field: string agent = 4;
   */
  agent: string;

  /**
   * Names of what this side understands beyond the plain protocol: "offers"
   * (Offer, Decline, PullWindow 0). At most 32, each at most 32 bytes.
   *
   * @generated from field: repeated string features = 5;
   */
  features: string[];

  /**
   * Port at which this side accepts connections at its observed address; 0 if it
   * accepts none.
   *
   * @generated from field: uint32 listen_port = 6;
   */
  listenPort: number;

  /**
   * 8 to 32 random bytes. A dialler that receives its own nonce has dialled
   * itself, and hangs up.
   *
   * @generated from field: bytes nonce = 7;
   */
  nonce: Uint8Array;

  /**
   * How many unanswered requests this side accepts: at least 1, usually 64.
   *
   * @generated from field: uint32 max_requests_in_flight = 8;
   */
  maxRequestsInFlight: number;

  /**
   * This side hangs up after this many milliseconds without any byte; 0: not said.
   *
   * @generated from field: uint32 idle_timeout_ms = 9;
   */
  idleTimeoutMs: number;

  /**
   * The dialler only wants to know whether it reaches this peer: the listener
   * answers with Hello, then both close.
   *
   * @generated from field: bool probe = 10;
   */
  probe: boolean;
};

/**
 * Describes the message goshare.v1.Hello.
 * Use `create(HelloSchema)` to create a new message.
 */
export const HelloSchema: GenMessage<Hello> = /*@__PURE__*/
  messageDesc(file_goshare_v1_peer, 1);

/**
 * The last frame of a side, except for running replies. Its sender asks for and
 * offers nothing more. After a broken rule it closes at once, else when those
 * replies are out or have taken 5 s.
 *
 * @generated from message goshare.v1.Goodbye
 */
export type Goodbye = Message<"goshare.v1.Goodbye"> & {
  /**
   * Why.
   *
   * @generated from field: goshare.v1.GoodbyeReason reason = 1;
   */
  reason: GoodbyeReason;

  /**
   * For people, at most 256 bytes; never parsed, escaped before it is shown.
   *
   * @generated from field: string message = 2;
   */
  message: string;
};

/**
 * Describes the message goshare.v1.Goodbye.
 * Use `create(GoodbyeSchema)` to create a new message.
 */
export const GoodbyeSchema: GenMessage<Goodbye> = /*@__PURE__*/
  messageDesc(file_goshare_v1_peer, 2);

/**
 * Asks for a page of a manifest. Needs no Join.
 *
 * @generated from message goshare.v1.GetManifest
 */
export type GetManifest = Message<"goshare.v1.GetManifest"> & {
  /**
   * 32 bytes.
   *
   * @generated from field: bytes content_id = 1;
   */
  contentId: Uint8Array;

  /**
   * 0: the whole root. k >= 1: the k-th MiB of the body, where the root has
   * body_digests.
   *
   * @generated from field: uint32 page = 2;
   */
  page: number;
};

/**
 * Describes the message goshare.v1.GetManifest.
 * Use `create(GetManifestSchema)` to create a new message.
 */
export const GetManifestSchema: GenMessage<GetManifest> = /*@__PURE__*/
  messageDesc(file_goshare_v1_peer, 3);

/**
 * The page is the payload. On arrival page 0 is checked against the content id,
 * and page k against its digest in the root.
 *
 * @generated from message goshare.v1.ManifestData
 */
export type ManifestData = Message<"goshare.v1.ManifestData"> & {
  /**
   * As asked for.
   *
   * @generated from field: uint32 page = 1;
   */
  page: number;
};

/**
 * Describes the message goshare.v1.ManifestData.
 * Use `create(ManifestDataSchema)` to create a new message.
 */
export const ManifestDataSchema: GenMessage<ManifestData> = /*@__PURE__*/
  messageDesc(file_goshare_v1_peer, 4);

/**
 * Asks to exchange a share, and says what the sender holds of it.
 *
 * @generated from message goshare.v1.Join
 */
export type Join = Message<"goshare.v1.Join"> & {
  /**
   * 32 bytes.
   *
   * @generated from field: bytes content_id = 1;
   */
  contentId: Uint8Array;

  /**
   * What the sender holds now.
   *
   * @generated from field: goshare.v1.Coverage coverage = 2;
   */
  coverage: Coverage;
};

/**
 * Describes the message goshare.v1.Join.
 * Use `create(JoinSchema)` to create a new message.
 */
export const JoinSchema: GenMessage<Join> = /*@__PURE__*/
  messageDesc(file_goshare_v1_peer, 5);

/**
 * Answers a Join with what the sender holds.
 *
 * @generated from message goshare.v1.Availability
 */
export type Availability = Message<"goshare.v1.Availability"> & {
  /**
   * As in Join.
   *
   * @generated from field: bytes content_id = 1;
   */
  contentId: Uint8Array;

  /**
   * What the sender holds now.
   *
   * @generated from field: goshare.v1.Coverage coverage = 2;
   */
  coverage: Coverage;
};

/**
 * Describes the message goshare.v1.Availability.
 * Use `create(AvailabilitySchema)` to create a new message.
 */
export const AvailabilitySchema: GenMessage<Availability> = /*@__PURE__*/
  messageDesc(file_goshare_v1_peer, 6);

/**
 * What changed since the sender's last snapshot or update.
 *
 * @generated from message goshare.v1.AvailabilityUpdate
 */
export type AvailabilityUpdate = Message<"goshare.v1.AvailabilityUpdate"> & {
  /**
   * A joined content id.
   *
   * @generated from field: bytes content_id = 1;
   */
  contentId: Uint8Array;

  /**
   * Chunks it now holds. Gained and lost together have at most 2,048 numbers; more
   * take several updates, or a new Join.
   *
   * @generated from field: repeated uint32 gained = 2;
   */
  gained: number[];

  /**
   * Chunks it no longer holds, even if they are in gained too.
   *
   * @generated from field: repeated uint32 lost = 3;
   */
  lost: number[];
};

/**
 * Describes the message goshare.v1.AvailabilityUpdate.
 * Use `create(AvailabilityUpdateSchema)` to create a new message.
 */
export const AvailabilityUpdateSchema: GenMessage<AvailabilityUpdate> = /*@__PURE__*/
  messageDesc(file_goshare_v1_peer, 7);

/**
 * Asks for one chunk. Needs no Join, but where there are enough neighbours a peer
 * without one is refused with BUSY.
 *
 * @generated from message goshare.v1.GetChunk
 */
export type GetChunk = Message<"goshare.v1.GetChunk"> & {
  /**
   * 32 bytes.
   *
   * @generated from field: bytes content_id = 1;
   */
  contentId: Uint8Array;

  /**
   * Below the manifest's chunk_count.
   *
   * @generated from field: uint32 chunk_index = 2;
   */
  chunkIndex: number;

  /**
   * The offer it accepts, 0 if none.
   *
   * @generated from field: uint32 offer_id = 3;
   */
  offerId: number;
};

/**
 * Describes the message goshare.v1.GetChunk.
 * Use `create(GetChunkSchema)` to create a new message.
 */
export const GetChunkSchema: GenMessage<GetChunk> = /*@__PURE__*/
  messageDesc(file_goshare_v1_peer, 8);

/**
 * Part of a chunk, or all of it. The payload is its bytes, at least one. On a fast
 * link one frame carries a whole chunk; on a slow link, about as much as goes in
 * 50 ms, so that small frames do not wait behind a chunk.
 *
 * @generated from message goshare.v1.ChunkData
 */
export type ChunkData = Message<"goshare.v1.ChunkData"> & {
  /**
   * As asked for.
   *
   * @generated from field: uint32 chunk_index = 1;
   */
  chunkIndex: number;

  /**
   * Where in the chunk the payload begins: the sum of the payloads before it.
   *
   * @generated from field: uint32 offset = 2;
   */
  offset: number;
};

/**
 * Describes the message goshare.v1.ChunkData.
 * Use `create(ChunkDataSchema)` to create a new message.
 */
export const ChunkDataSchema: GenMessage<ChunkData> = /*@__PURE__*/
  messageDesc(file_goshare_v1_peer, 9);

/**
 * Asks for other peers of a share. Needs no Join.
 *
 * @generated from message goshare.v1.GetPeers
 */
export type GetPeers = Message<"goshare.v1.GetPeers"> & {
  /**
   * 32 bytes.
   *
   * @generated from field: bytes content_id = 1;
   */
  contentId: Uint8Array;

  /**
   * 1 to 16.
   *
   * @generated from field: uint32 max = 2;
   */
  max: number;
};

/**
 * Describes the message goshare.v1.GetPeers.
 * Use `create(GetPeersSchema)` to create a new message.
 */
export const GetPeersSchema: GenMessage<GetPeers> = /*@__PURE__*/
  messageDesc(file_goshare_v1_peer, 10);

/**
 * A random sample of the peers the sender knows to be reachable.
 *
 * @generated from message goshare.v1.PeerList
 */
export type PeerList = Message<"goshare.v1.PeerList"> & {
  /**
   * At most as many as were asked for, under the rules of endpoint.proto.
   *
   * @generated from field: repeated goshare.v1.PeerAddress peers = 1;
   */
  peers: PeerAddress[];
};

/**
 * Describes the message goshare.v1.PeerList.
 * Use `create(PeerListSchema)` to create a new message.
 */
export const PeerListSchema: GenMessage<PeerList> = /*@__PURE__*/
  messageDesc(file_goshare_v1_peer, 11);

/**
 * A peer and where to find it.
 *
 * @generated from message goshare.v1.PeerAddress
 */
export type PeerAddress = Message<"goshare.v1.PeerAddress"> & {
  /**
   * 32 bytes.
   *
   * @generated from field: bytes peer_id = 1;
   */
  peerId: Uint8Array;

  /**
   * 1 to 4.
   *
   * @generated from field: repeated goshare.v1.Endpoint endpoints = 2;
   */
  endpoints: Endpoint[];
};

/**
 * Describes the message goshare.v1.PeerAddress.
 * Use `create(PeerAddressSchema)` to create a new message.
 */
export const PeerAddressSchema: GenMessage<PeerAddress> = /*@__PURE__*/
  messageDesc(file_goshare_v1_peer, 12);

/**
 * Asks for a sign of life.
 *
 * @generated from message goshare.v1.Ping
 */
export type Ping = Message<"goshare.v1.Ping"> & {
};

/**
 * Describes the message goshare.v1.Ping.
 * Use `create(PingSchema)` to create a new message.
 */
export const PingSchema: GenMessage<Ping> = /*@__PURE__*/
  messageDesc(file_goshare_v1_peer, 13);

/**
 * A sign of life.
 *
 * @generated from message goshare.v1.Pong
 */
export type Pong = Message<"goshare.v1.Pong"> & {
};

/**
 * Describes the message goshare.v1.Pong.
 * Use `create(PongSchema)` to create a new message.
 */
export const PongSchema: GenMessage<Pong> = /*@__PURE__*/
  messageDesc(file_goshare_v1_peer, 14);

/**
 * The reply to a request that is not granted.
 *
 * @generated from message goshare.v1.Refusal
 */
export type Refusal = Message<"goshare.v1.Refusal"> & {
  /**
   * Why.
   *
   * @generated from field: goshare.v1.RefusalReason reason = 1;
   */
  reason: RefusalReason;

  /**
   * For people, at most 256 bytes; escaped before it is shown.
   *
   * @generated from field: string message = 2;
   */
  message: string;

  /**
   * Milliseconds after which it makes sense to ask again; 0: not said. After 10 s
   * the requester may ask again in any case.
   *
   * @generated from field: uint32 retry_after_ms = 3;
   */
  retryAfterMs: number;
};

/**
 * Describes the message goshare.v1.Refusal.
 * Use `create(RefusalSchema)` to create a new message.
 */
export const RefusalSchema: GenMessage<Refusal> = /*@__PURE__*/
  messageDesc(file_goshare_v1_peer, 15);

/**
 * Takes back the request whose id the frame carries. A reply still comes (what was
 * asked for, or CANCELLED), and the request counts as unanswered until then. A
 * frame that has begun is finished.
 *
 * @generated from message goshare.v1.Cancel
 */
export type Cancel = Message<"goshare.v1.Cancel"> & {
};

/**
 * Describes the message goshare.v1.Cancel.
 * Use `create(CancelSchema)` to create a new message.
 */
export const CancelSchema: GenMessage<Cancel> = /*@__PURE__*/
  messageDesc(file_goshare_v1_peer, 16);

/**
 * Chunks the sender holds and would send next.
 *
 * @generated from message goshare.v1.Offer
 */
export type Offer = Message<"goshare.v1.Offer"> & {
  /**
   * Rises per connection and direction, from 1.
   *
   * @generated from field: uint32 offer_id = 1;
   */
  offerId: number;

  /**
   * A joined content id.
   *
   * @generated from field: bytes content_id = 2;
   */
  contentId: Uint8Array;

  /**
   * 1 to 64 chunks, best first.
   *
   * @generated from field: repeated uint32 chunks = 3;
   */
  chunks: number[];

  /**
   * The offer lapses after this many milliseconds.
   *
   * @generated from field: uint32 deadline_ms = 4;
   */
  deadlineMs: number;
};

/**
 * Describes the message goshare.v1.Offer.
 * Use `create(OfferSchema)` to create a new message.
 */
export const OfferSchema: GenMessage<Offer> = /*@__PURE__*/
  messageDesc(file_goshare_v1_peer, 17);

/**
 * Answers an offer that is not taken.
 *
 * @generated from message goshare.v1.Decline
 */
export type Decline = Message<"goshare.v1.Decline"> & {
  /**
   * Which offer.
   *
   * @generated from field: uint32 offer_id = 1;
   */
  offerId: number;

  /**
   * Why.
   *
   * @generated from field: goshare.v1.DeclineReason reason = 2;
   */
  reason: DeclineReason;

  /**
   * Milliseconds after which to offer again, honoured up to 10 s; 0: not said. Then
   * the provider pauses for about 100 ms after NO_ROOM.
   *
   * @generated from field: uint32 retry_after_ms = 3;
   */
  retryAfterMs: number;
};

/**
 * Describes the message goshare.v1.Decline.
 * Use `create(DeclineSchema)` to create a new message.
 */
export const DeclineSchema: GenMessage<Decline> = /*@__PURE__*/
  messageDesc(file_goshare_v1_peer, 18);

/**
 * How many GetChunk without an offer the sender wants the receiver to have open at
 * a time, for one share. See "Pull".
 *
 * @generated from message goshare.v1.PullWindow
 */
export type PullWindow = Message<"goshare.v1.PullWindow"> & {
  /**
   * A joined content id.
   *
   * @generated from field: bytes content_id = 1;
   */
  contentId: Uint8Array;

  /**
   * 0 to the max_requests_in_flight of its sender's Hello.
   *
   * @generated from field: uint32 requests = 2;
   */
  requests: number;

  /**
   * The sender keeps to a rate its user has set. This tells the receiver's user why
   * the sender is slow. Older peers never set it.
   *
   * @generated from field: bool rate_limited = 3;
   */
  rateLimited: boolean;
};

/**
 * Describes the message goshare.v1.PullWindow.
 * Use `create(PullWindowSchema)` to create a new message.
 */
export const PullWindowSchema: GenMessage<PullWindow> = /*@__PURE__*/
  messageDesc(file_goshare_v1_peer, 19);

/**
 * The sender no longer holds or wants the share. Its open requests are refused,
 * and its offers are void.
 *
 * @generated from message goshare.v1.Leave
 */
export type Leave = Message<"goshare.v1.Leave"> & {
  /**
   * A joined content id.
   *
   * @generated from field: bytes content_id = 1;
   */
  contentId: Uint8Array;
};

/**
 * Describes the message goshare.v1.Leave.
 * Use `create(LeaveSchema)` to create a new message.
 */
export const LeaveSchema: GenMessage<Leave> = /*@__PURE__*/
  messageDesc(file_goshare_v1_peer, 20);

/**
 * Why a connection ends.
 *
 * @generated from enum goshare.v1.GoodbyeReason
 */
export enum GoodbyeReason {
  /**
   * Not said.
   *
   * @generated from enum value: GOODBYE_REASON_UNSPECIFIED = 0;
   */
  UNSPECIFIED = 0,

  /**
   * Nothing left to do here.
   *
   * @generated from enum value: GOODBYE_REASON_FINISHED = 1;
   */
  FINISHED = 1,

  /**
   * The other connection between us stays.
   *
   * @generated from enum value: GOODBYE_REASON_DUPLICATE = 2;
   */
  DUPLICATE = 2,

  /**
   * You broke a rule of this file; the message says which.
   *
   * @generated from enum value: GOODBYE_REASON_PROTOCOL_ERROR = 3;
   */
  PROTOCOL_ERROR = 3,

  /**
   * We have no protocol version in common.
   *
   * @generated from enum value: GOODBYE_REASON_VERSION = 4;
   */
  VERSION = 4,

  /**
   * This process ends.
   *
   * @generated from enum value: GOODBYE_REASON_SHUTTING_DOWN = 5;
   */
  SHUTTING_DOWN = 5,

  /**
   * More connections than this side takes; come back later.
   *
   * @generated from enum value: GOODBYE_REASON_TOO_MANY_CONNECTIONS = 6;
   */
  TOO_MANY_CONNECTIONS = 6,

  /**
   * You are this same process.
   *
   * @generated from enum value: GOODBYE_REASON_SELF = 7;
   */
  SELF = 7,

  /**
   * Nothing was heard for idle_timeout_ms, or a request stood still.
   *
   * @generated from enum value: GOODBYE_REASON_TIMEOUT = 8;
   */
  TIMEOUT = 8,

  /**
   * You sent wrong bytes for a content id.
   *
   * @generated from enum value: GOODBYE_REASON_BANNED = 9;
   */
  BANNED = 9,
}

/**
 * Describes the enum goshare.v1.GoodbyeReason.
 */
export const GoodbyeReasonSchema: GenEnum<GoodbyeReason> = /*@__PURE__*/
  enumDesc(file_goshare_v1_peer, 0);

/**
 * How a snapshot of held chunks is written.
 *
 * @generated from enum goshare.v1.Coverage
 */
export enum Coverage {
  /**
   * Never sent: sending it breaks a rule.
   *
   * @generated from enum value: COVERAGE_UNSPECIFIED = 0;
   */
  UNSPECIFIED = 0,

  /**
   * No chunk.
   *
   * @generated from enum value: COVERAGE_NONE = 1;
   */
  NONE = 1,

  /**
   * Every chunk.
   *
   * @generated from enum value: COVERAGE_COMPLETE = 2;
   */
  COMPLETE = 2,

  /**
   * The payload says which: ceil(chunk_count / 8) bytes. Bit 0x80 of byte 0 is
   * chunk 0. Spare bits at the end are 0.
   *
   * @generated from enum value: COVERAGE_BITFIELD = 3;
   */
  BITFIELD = 3,
}

/**
 * Describes the enum goshare.v1.Coverage.
 */
export const CoverageSchema: GenEnum<Coverage> = /*@__PURE__*/
  enumDesc(file_goshare_v1_peer, 1);

/**
 * Why a request is not granted.
 *
 * @generated from enum goshare.v1.RefusalReason
 */
export enum RefusalReason {
  /**
   * Not said. Ask elsewhere, and here again after a pause.
   *
   * @generated from enum value: REFUSAL_REASON_UNSPECIFIED = 0;
   */
  UNSPECIFIED = 0,

  /**
   * The content id is not shared here.
   *
   * @generated from enum value: REFUSAL_REASON_CONTENT_UNKNOWN = 1;
   */
  CONTENT_UNKNOWN = 1,

  /**
   * This chunk is not held here (yet, or any more).
   *
   * @generated from enum value: REFUSAL_REASON_CHUNK_UNAVAILABLE = 2;
   */
  CHUNK_UNAVAILABLE = 2,

  /**
   * The reply was not begun in time; or, to a Join or to a GetChunk without one,
   * there are enough neighbours (GetManifest and GetPeers are still answered). Ask
   * again after retry_after_ms.
   *
   * @generated from enum value: REFUSAL_REASON_BUSY = 3;
   */
  BUSY = 3,

  /**
   * A rate limit does not allow it.
   *
   * @generated from enum value: REFUSAL_REASON_RATE_LIMITED = 4;
   */
  RATE_LIMITED = 4,

  /**
   * A file has changed since it was shared. Once a chunk is refused with this, so
   * is every later request for that share.
   *
   * @generated from enum value: REFUSAL_REASON_SOURCE_CHANGED = 5;
   */
  SOURCE_CHANGED = 5,

  /**
   * Your Cancel or Leave cancelled it.
   *
   * @generated from enum value: REFUSAL_REASON_CANCELLED = 6;
   */
  CANCELLED = 6,

  /**
   * This body is not known here.
   *
   * @generated from enum value: REFUSAL_REASON_UNIMPLEMENTED = 7;
   */
  UNIMPLEMENTED = 7,

  /**
   * More requests than max_requests_in_flight, or a number out of range.
   *
   * @generated from enum value: REFUSAL_REASON_LIMIT_EXCEEDED = 8;
   */
  LIMIT_EXCEEDED = 8,

  /**
   * You may not have it.
   *
   * @generated from enum value: REFUSAL_REASON_PERMISSION_DENIED = 9;
   */
  PERMISSION_DENIED = 9,

  /**
   * This process, or this connection, ends.
   *
   * @generated from enum value: REFUSAL_REASON_SHUTTING_DOWN = 10;
   */
  SHUTTING_DOWN = 10,

  /**
   * Something broke here (a disk, say); ask elsewhere.
   *
   * @generated from enum value: REFUSAL_REASON_INTERNAL = 11;
   */
  INTERNAL = 11,
}

/**
 * Describes the enum goshare.v1.RefusalReason.
 */
export const RefusalReasonSchema: GenEnum<RefusalReason> = /*@__PURE__*/
  enumDesc(file_goshare_v1_peer, 2);

/**
 * Why an offer is not taken.
 *
 * @generated from enum goshare.v1.DeclineReason
 */
export enum DeclineReason {
  /**
   * Means the same as NO_ROOM.
   *
   * @generated from enum value: DECLINE_REASON_UNSPECIFIED = 0;
   */
  UNSPECIFIED = 0,

  /**
   * The declining peer holds these chunks, or has accepted them elsewhere. This is
   * valid for at most 2 s, or until its next update: a chunk whose accepted source
   * dies must be offered again.
   *
   * @generated from enum value: DECLINE_REASON_NOT_NEEDED = 1;
   */
  NOT_NEEDED = 1,

  /**
   * The declining peer wants nothing of this share until Leave.
   *
   * @generated from enum value: DECLINE_REASON_NOT_WANTED = 2;
   */
  NOT_WANTED = 2,

  /**
   * No room just now; says nothing about the chunks.
   *
   * @generated from enum value: DECLINE_REASON_NO_ROOM = 3;
   */
  NO_ROOM = 3,
}

/**
 * Describes the enum goshare.v1.DeclineReason.
 */
export const DeclineReasonSchema: GenEnum<DeclineReason> = /*@__PURE__*/
  enumDesc(file_goshare_v1_peer, 3);


// How long lists in frames may be; from proto/goshare/v1/peer.proto.

/** Most numbers in one AvailabilityUpdate, gained and lost together. */
export const MAX_UPDATE_NUMBERS = 2048;
/** Most chunks in one Offer. */
export const MAX_OFFER_CHUNKS = 64;
/** Most peers in one PeerList. */
export const MAX_PEER_LIST = 16;

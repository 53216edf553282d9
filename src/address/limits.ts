// Limits of endpoints and tickets, as proto/goshare/v1/endpoint.proto states them.

export const MAX_PORT = 65_535;
/** Bytes in a DNS name. */
export const MAX_NAME_BYTES = 253;

export const TICKET_FORMAT = 1;
/** The human-readable part of a ticket's bech32m text. */
export const TICKET_PREFIX = "goshare";
/** Characters in a ticket. */
export const MAX_TICKET_LENGTH = 600;
export const MAX_TICKET_TRACKERS = 2;
export const MAX_TICKET_PEERS = 3;
/** UTF-8 bytes of a share's name in a ticket. */
export const MAX_DISPLAY_NAME_BYTES = 64;

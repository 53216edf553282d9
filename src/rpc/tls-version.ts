// The lowest version of TLS that both ends speak. A constant and nothing else.

/** RFC 9113, section 9.2: HTTP/2 over TLS takes 1.2 or later. */
export const MIN_TLS_VERSION = "TLSv1.2";

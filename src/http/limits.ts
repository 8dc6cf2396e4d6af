/**
 * The bounds of the HTTP edge. Owns the numbers; who holds to them stands beside each. Beyond these, an answer is
 * always the last on its connection: nothing is kept alive, and what is pipelined behind a request is not served.
 */

/** Request line and headers, bytes; more: 431. */
export const MAX_HEADER_BYTES = 8 * 1024;
/** Of a request's body, which nobody reads, bytes; more: 413. */
export const MAX_BODY_BYTES = 1024;
/** Request line and headers must be in within this from the connection on; else 408. */
export const HEADERS_TIMEOUT_MS = 5_000;
/** The whole request, from the connection on; else 408. */
export const REQUEST_TIMEOUT_MS = 10_000;
/** How often these two are looked at: a slow client may take this much longer. */
export const TIMEOUTS_CHECKED_EVERY_MS = 1_000;
/** A client that takes nothing of an answer for this long is cut off. */
export const STALL_MS = 30_000;
/** Open connections; a further one is closed at once. */
export const MAX_CONNECTIONS = 64;
/** `GET /api/watch` at one time; a further one: 503. */
export const MAX_WATCHERS = 16;
/** Bytes that wait for one slow watcher; at the bound it is cut. */
export const MAX_WATCHER_BYTES = 1024 * 1024;
/** How long a watcher that is cut may take to read what waits for it. */
export const CUT_LINGER_MS = 5_000;
/** A watcher hears at least a blank line this often, so that both sides notice when the other is gone. */
export const HEARTBEAT_MS = 10_000;
/** `GET /api/states` at one time, as each holds a copy of all rows; a further one: 503. */
export const MAX_LISTINGS = 4;
/** Rows of a list that are written in one turn of the event loop: about 1 ms. */
export const ROWS_PER_TURN = 1_000;
/** Scrapes that come this soon after another get its text: scraping cannot eat the processor. */
export const SCRAPE_SHARED_MS = 250;
/** How long `close` lets answers go out that are under way. */
export const CLOSE_GRACE_MS = 500;

/**
 * Every bound of the AMI edge, by name. Owns numbers only.
 */
import type { LeaseTimes } from './lease.ts';

/** Characters of one line from Asterisk. Its longest honest line is a hint of many devices. */
export const MAX_LINE = 16 * 1024;
/** Characters of one packet from Asterisk; the longest honest one is the answer to ListCommands, about 15 000. */
export const MAX_PACKET = 64 * 1024;
/** Lines of one packet from Asterisk. */
export const MAX_PACKET_LINES = 1024;
/** Characters of the greeting. */
export const MAX_BANNER = 128;
/** Bytes we wrote that the operating system has not taken; past it an action is refused, not queued. */
export const MAX_UNSENT_BYTES = 1024 * 1024;
/** Actions without an answer; past it an action is refused, not queued. */
export const MAX_PENDING = 1024;
/** Rows of one list, and extensions that may be asked for one by one: more than a broker exports, which tells so itself. */
export const MAX_ROWS = 200_000;
/** Hints, devices, or channels of one listing: rows, answers and the events between them. */
export const MAX_LISTED = 2 * MAX_ROWS;
/** ExtensionState actions in flight when a session begins: past about 128 of any action PJSIP stops answering phones. */
export const ASK_WINDOW = 8;

/** An action's line, without CR LF (main/manager.c, `get_input`: a buffer of 1 025 bytes). */
export const MAX_ACTION_LINE = 1022;
/** Lines of one action (include/asterisk/manager.h, `AST_MAX_MANHEADERS`). */
export const MAX_ACTION_LINES = 128;

/** A hint follows its devices within this, or Asterisk has forgotten it. */
export const HINT_FOLLOWS_DEVICE_MS = 2_000;

/** An Asterisk that started this long ago and does not say FullyBooted never will, to this manager user. */
export const BOOT_SURELY_DONE_S = 300;

/** Several calls of `relist` within this are one. */
export const RELIST_DEBOUNCE_MS = 500;
/** A Ping without an answer for this long ends the session. */
export const PING_TIMEOUT_MS = 5_000;

/** How long a stop waits until Asterisk has taken that the lease is free. */
export const RELEASE_TIMEOUT_MS = 500;

/** All waits, milliseconds. Tests pass shorter ones. */
export interface Times {
  /** From dialling to the greeting, TLS included. */
  readonly connect: number;
  /** Asterisk itself takes a second to refuse a login. */
  readonly login: number;
  /** From login to FullyBooted; then the session is given up and another one tried. */
  readonly boot: number;
  /** An action's answer. */
  readonly answer: number;
  /** A list's next row. */
  readonly row: number;
  readonly ping: number;
  readonly relistDebounce: number;
  /** From one relist that a repeated hint state called for to the next one. */
  readonly relistAfterRepeat: number;
  /**
   * From one ExtensionState to the next when reading again. Making a hint by pattern while a dialplan reload runs
   * can lock Asterisk up for good (seen on 16.28 and 22.10), so after a reload, which may be followed by another,
   * they are asked for one by one.
   */
  readonly askGap: number;
  /** Who works beside this Asterisk. */
  readonly lease: LeaseTimes;
  /** Redialling: doubles from the first to the second, each time shortened by up to half at random. */
  readonly redialFirst: number;
  readonly redialMost: number;
  /** A session that was up for this long begins the doubling anew. */
  readonly stayedUp: number;
}

/** `redialMost` is less than `lease.deadAfter`: after a restart of Asterisk who held the lease must come before who stood by. */
export const TIMES: Times = {
  connect: 5_000,
  login: 5_000,
  boot: 10_000,
  answer: 5_000,
  row: 10_000,
  ping: PING_TIMEOUT_MS,
  relistDebounce: RELIST_DEBOUNCE_MS,
  relistAfterRepeat: 5_000,
  askGap: 5,
  lease: { keep: 500, look: 250, askAgain: 1_000, deadAfter: 2_000 },
  redialFirst: 200,
  redialMost: 1_000,
  stayedUp: 5_000,
};

/**
 * What is asked of lamps.ts, and what it says: states, writes, limits, figures. Owns the shapes only.
 */
import type { Presence } from './presence.ts';
import type { DeviceState, WritableState } from './state.ts';

/** What a lamp can be given, and what Asterisk may say that it is. */
export type Writable = WritableState | Presence;
export type Seen = DeviceState | Presence;

export interface PacingOptions {
  /** Sustained rate; `Infinity` for no limit. Rule: 1 000 NOTIFYs a second ÷ mean watchers per lamp. */
  readonly writesPerSecond: number;
  /** Writes that may go at once after a quiet time. */
  readonly burst: number;
  /** Setvars without an answer yet; past about 128, PJSIP stops answering phones. */
  readonly window: number;
}

/** Whether a phone is to see something that happens now, or something that is owed since earlier. */
export type Urgency = 'live' | 'backlog';

export interface Write {
  readonly id: number;
  readonly lamp: string;
  readonly state: Writable;
  /** When the origin of this state heard of it; absent: not known, or owed since before. */
  readonly since?: number;
}

export interface LampsStatus {
  /** Lamps whose write is still owed, in flight not counted. */
  readonly owed: number;
  readonly unanswered: number;
  /** Lamps whose last write was refused, to be tried again; and why, for the latest. */
  readonly refused: number;
  readonly refusedWhy: string | undefined;
  /** So far: writes sent, refused, states overtaken by a later one before they were written, repairs of drift. */
  readonly writesSent: number;
  readonly writesRefused: number;
  readonly writesCoalesced: number;
  readonly driftRepairs: number;
  /** Lamps that show something else than what Asterisk took from us; and one of them. */
  readonly held: number;
  readonly heldLamp: Held | undefined;
}

/** `shows`: what phones see. */
export interface Held {
  readonly lamp: string;
  readonly shows: Seen;
  readonly written: Seen | undefined;
}

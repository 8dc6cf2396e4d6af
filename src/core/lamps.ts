/**
 * Desired against written: which lamps are owed a write, and when each may go. Owns the token bucket, the
 * window of unanswered writes, latest-wins, retries and the repair of drift (laws 5 and 6). Knows lamps by
 * a key only, and states only as equal or not: why a lamp should show what it shows is decided elsewhere.
 */
import { Echoes } from './held.ts';
import { isPresence } from './presence.ts';
import { type OriginOf, Turns } from './turns.ts';
import type { LampsStatus, PacingOptions, Seen, Urgency, Writable, Write } from './write.ts';

/** Live changes go before the backlog (repairs, snapshots, a change of belief), but for one write in this many. */
export const BACKLOG_SHARE = 5;

/** A mismatch must last this long, with nothing in flight, to be drift and not an echo on its way. */
export const DRIFT_SETTLE_MS = 1_000;
/** A lamp is repaired at most this often. */
export const REPAIR_EVERY_MS = 1_000;
/** A refused write is tried again after this, doubling up to the maximum. */
export const RETRY_MIN_MS = 1_000;
export const RETRY_MAX_MS = 10_000;

/**
 * Live changes that wait are written in the order in which they came, but lamps that change often give way to others, so
 * that what a call does is seen in a storm. Often is so many changes within OFTEN_WITHIN_MS: a call that rings, is
 * answered and is over changes three times.
 */
export const OFTEN_CHANGES = 4;
export const OFTEN_WITHIN_MS = 3_000;

interface Lamp {
  desired: Writable | undefined;
  /** Of `desired`. */
  since: number | undefined;
  /** The last value sent, or found, in this AMI session. */
  written: Seen | undefined;
  /** States sent and not yet answered, oldest first. */
  inFlight: Writable[];
  /** When it last changed, OFTEN_CHANGES times at most, the latest last. */
  changedAt: number[];
  failures: number;
  retryAt: number;
  repairedAt: number;
}

export class Lamps {
  #options: PacingOptions;
  readonly #lamps = new Map<string, Lamp>();
  readonly #live: Turns;
  readonly #backlog: Turns;
  /** Refused, waiting for `retryAt`. */
  readonly #waiting: Turns;
  /** lamp → what Asterisk last said it is, and when, where that is not what we wrote. */
  readonly #drifting = new Map<string, { readonly state: Seen; readonly at: number }>();
  readonly #echoes = new Echoes<Seen>();
  readonly #unanswered = new Map<number, string>();
  #up = false;
  #tokens: number;
  #refilledAt: number | undefined;
  /** As of the last call that told the time. */
  #now = 0;
  #nextId = 1;
  #liveInRow = 0;
  #sent = 0;
  #refused = 0;
  /** Lamps whose last write was refused, also while it is tried again. */
  readonly #failing = new Set<string>();
  #refusedWhy: string | undefined;
  #coalesced = 0;
  #repairs = 0;

  constructor(options: PacingOptions, originOf: OriginOf) {
    this.#options = options;
    this.#live = new Turns(originOf, (name) => this.#changesOften(name));
    this.#backlog = new Turns(originOf);
    this.#waiting = new Turns(originOf);
    this.#tokens = options.burst;
  }

  /** Lamps whose write is still owed, in flight not counted. */
  get owed(): number {
    return this.#live.size + this.#backlog.size + this.#waiting.size;
  }

  get unanswered(): number {
    return this.#unanswered.size;
  }

  /** Lamps whose last write was refused. */
  get refused(): number {
    return this.#failing.size;
  }

  status(): LampsStatus {
    const held = this.#echoes.oneHeld;
    return {
      owed: this.owed,
      unanswered: this.unanswered,
      refused: this.refused,
      refusedWhy: this.#refusedWhy,
      writesSent: this.#sent,
      writesRefused: this.#refused,
      writesCoalesced: this.#coalesced,
      driftRepairs: this.#repairs,
      held: this.#echoes.held,
      heldLamp: held && { ...held, written: this.#lamp(held.lamp).written },
    };
  }

  /** Lamps of one origin whose write is owed. */
  owedOf(origin: string): number {
    return this.#live.sizeOf(origin) + this.#backlog.sizeOf(origin) + this.#waiting.sizeOf(origin);
  }

  /** Other limits from now on. */
  setPacing(options: PacingOptions): void {
    this.#options = options;
    this.#tokens = Math.min(this.#tokens, options.burst);
  }

  /** What the lamp should show, if anything was decided. */
  desired(lamp: string): Writable | undefined {
    return this.#lamps.get(lamp)?.desired;
  }

  /** What Asterisk has, as far as this AMI session knows. */
  written(lamp: string): Seen | undefined {
    return this.#lamps.get(lamp)?.written;
  }

  /** A lamp that is no more; only when nothing is owed or on its way. */
  forget(name: string): void {
    this.#lamps.delete(name);
    this.#drifting.delete(name);
    this.#echoes.forget(name);
  }

  /** A lamp that is somebody else's from now on: what is owed is not written, and no answer is waited for. */
  drop(name: string): void {
    for (const queue of [this.#live, this.#backlog, this.#waiting]) queue.delete(name);
    this.#failing.delete(name);
    for (const [id, lamp] of this.#unanswered) if (lamp === name) this.#unanswered.delete(id);
    this.forget(name);
  }

  /** A fresh AMI session: what it holds is what `found` says, and every difference is owed. */
  sessionUp(found: ReadonlyMap<string, Seen>): void {
    this.sessionDown();
    this.#up = true;
    for (const [name, state] of found) {
      this.#lamp(name).written = state;
      if (!isPresence(state)) this.#echoes.told(name, state, state);
    }
    for (const name of this.#lamps.keys()) this.#owe(name, 'backlog');
  }

  /** Whatever was in flight is unknown now, and nothing can be written. */
  sessionDown(): void {
    this.#up = false;
    this.#live.clear();
    this.#backlog.clear();
    this.#waiting.clear();
    this.#failing.clear();
    this.#drifting.clear();
    this.#echoes.clear();
    this.#unanswered.clear();
    for (const lamp of this.#lamps.values()) {
      lamp.written = undefined;
      lamp.inFlight = NONE;
      lamp.failures = 0;
      lamp.since = undefined;
    }
  }

  /** `since`: when the origin heard of this state, if it is known; for measuring only. */
  want(name: string, state: Writable, urgency: Urgency, since?: number): void {
    const lamp = this.#lamp(name);
    if (lamp.desired !== state) {
      if (this.#isOwed(name)) this.#coalesced += 1;
      lamp.since = since;
      if (urgency === 'live') lamp.changedAt = [...lamp.changedAt, this.#now].slice(-OFTEN_CHANGES);
    }
    lamp.desired = state;
    this.#owe(name, urgency);
  }

  /** The writes that may go now, in order; each spends a token and a place in the window. What is `parked` is owed no more. */
  due(now: number, isParked: (lamp: string) => boolean = () => false): Write[] {
    const writes: Write[] = [];
    this.#now = now;
    this.#refill(now);
    while (this.#tokens >= 1 && this.#unanswered.size < this.#options.window) {
      const name = this.#next();
      if (name === undefined) break;
      const lamp = this.#lamp(name);
      if (lamp.desired === undefined || lamp.desired === lamp.written || isParked(name)) {
        this.#failing.delete(name);
        continue;
      }
      const id = this.#nextId;
      const { desired: state, since } = lamp;
      const write: Write = since === undefined ? { id, lamp: name, state } : { id, lamp: name, state, since };
      this.#nextId += 1;
      lamp.since = undefined;
      // What Asterisk said before this write tells nothing of what it says after it.
      this.#drifting.delete(name);
      this.#echoes.sent(name);
      this.#sent += 1;
      this.#tokens -= 1;
      this.#unanswered.set(write.id, name);
      lamp.written = write.state;
      lamp.inFlight = [...lamp.inFlight, write.state];
      writes.push(write);
    }
    return writes;
  }

  /** Takes the lamp whose turn it is out of its queue. An endless storm of live changes must not starve the backlog. */
  #next(): string | undefined {
    const backlogsTurn = this.#live.size === 0 || this.#liveInRow >= BACKLOG_SHARE - 1;
    const queue = this.#backlog.size > 0 && backlogsTurn ? this.#backlog : this.#live;
    this.#liveInRow = queue === this.#live && this.#backlog.size > 0 ? this.#liveInRow + 1 : 0;
    return queue.next();
  }

  /**
   * The answer to a write; returns its lamp. Answers come in the order of the writes; one that belongs to
   * an older session is nobody's: `undefined`.
   */
  done(id: number, ok: boolean, now: number, why = 'refused', isParked = false): string | undefined {
    const name = this.#unanswered.get(id);
    if (name === undefined) return undefined;
    this.#unanswered.delete(id);
    const lamp = this.#lamp(name);
    const [state] = lamp.inFlight;
    lamp.inFlight = lamp.inFlight.length > 1 ? lamp.inFlight.slice(1) : NONE;
    // The echo of this write may still be on its way: a mismatch has to last from now on.
    const drift = this.#drifting.get(name);
    if (drift !== undefined) this.#drifting.set(name, { state: drift.state, at: now });
    if (isParked) {
      // It cannot be written here at all, so it is not tried again until somebody wants it anew.
      if (lamp.inFlight.length === 0) lamp.written = undefined;
      return name;
    }
    if (!ok) {
      this.#refused += 1;
      this.#refusedWhy = why;
    }
    if (ok) {
      lamp.failures = 0;
      this.#failing.delete(name);
      if (lamp.inFlight.length === 0) this.#echoes.taken(name, lamp.written, now);
    } else if (lamp.inFlight.length === 0) {
      // A later value on its way may still land; only when none is, is what Asterisk holds unknown.
      lamp.written = undefined;
      this.#failing.add(name);
      // Another value that waits for its turn keeps it.
      if (lamp.desired !== state && (this.#live.has(name) || this.#backlog.has(name))) return name;
      lamp.retryAt = now + Math.min(RETRY_MIN_MS * 2 ** lamp.failures, RETRY_MAX_MS);
      lamp.failures += 1;
      this.#live.delete(name);
      this.#backlog.delete(name);
      this.#waiting.add(name);
    }
    return name;
  }

  /** Asterisk says what the lamp is: an echo, or somebody else's write; `isListed`: a list does. */
  seen(name: string, state: Seen, now: number, isListed = false): void {
    const lamp = this.#lamp(name);
    if (lamp.written === undefined && lamp.inFlight.length === 0 && !this.#waiting.has(name)) {
      lamp.written = state;
    }
    // A presence is of one Asterisk alone, and its events may be held back where nothing needs them.
    if (!isPresence(state)) {
      if (isListed) this.#echoes.listed(name, state, lamp.written);
      else this.#echoes.told(name, state, lamp.written);
    }
    // Events come in the order of the writes: after the echo of an earlier value comes that of the last one.
    if (state === lamp.written) this.#drifting.delete(name);
    else this.#drifting.set(name, { state, at: now });
  }

  /** Lets retries and repairs that are due join the backlog; returns the lamps found drifted. */
  tick(now: number): string[] {
    for (const name of this.#waiting) {
      if (this.#lamp(name).retryAt > now) continue;
      this.#waiting.delete(name);
      this.#owe(name, 'backlog');
    }
    const drifted: string[] = [];
    for (const [name, { state, at }] of this.#drifting) {
      const lamp = this.#lamp(name);
      const settled = now - at >= DRIFT_SETTLE_MS && now - lamp.repairedAt >= REPAIR_EVERY_MS;
      if (!settled || this.#isOwed(name) || lamp.inFlight.length > 0) continue;
      this.#drifting.delete(name);
      // Asterisk has what we wrote, and writing it again would change nothing either.
      if (this.#echoes.isHeldAt(name, state)) continue;
      lamp.written = state;
      if (lamp.desired === undefined || lamp.desired === state) continue;
      lamp.repairedAt = now;
      drifted.push(name);
      this.#repairs += 1;
      this.#owe(name, 'backlog');
    }
    return drifted;
  }

  /** Whether everything should be read again, to see what writes that nothing was told of have done. */
  wantsList(now: number): boolean {
    return this.#echoes.tick(now, (name) => this.#lamp(name).inFlight.length > 0);
  }

  /** Whether a write of it is owed, or has no answer yet. */
  isBusy(name: string): boolean {
    return this.#isOwed(name) || (this.#lamps.get(name)?.inFlight.length ?? 0) > 0;
  }

  /** When a token for the first write in line will be there; `undefined`: nothing waits for a token. */
  wakeAt(now: number): number | undefined {
    if (this.#live.size + this.#backlog.size === 0) return undefined;
    if (!this.#up || this.#unanswered.size >= this.#options.window) return undefined;
    this.#refill(now);
    return this.#tokens >= 1 ? now : now + ((1 - this.#tokens) * 1_000) / this.#options.writesPerSecond;
  }

  #changesOften(name: string): boolean {
    const { changedAt } = this.#lamp(name);
    return changedAt.length === OFTEN_CHANGES && this.#now - (changedAt[0] ?? 0) < OFTEN_WITHIN_MS;
  }

  #isOwed(name: string): boolean {
    return this.#live.has(name) || this.#backlog.has(name) || this.#waiting.has(name);
  }

  #owe(name: string, urgency: Urgency): void {
    const lamp = this.#lamp(name);
    if (!this.#up || lamp.desired === undefined) return;
    if (lamp.desired === lamp.written) {
      lamp.since = undefined;
      this.#failing.delete(name);
      this.#live.delete(name);
      this.#backlog.delete(name);
      return;
    }
    this.#waiting.delete(name);
    if (urgency === 'live') {
      this.#backlog.delete(name);
      this.#live.add(name);
    } else if (!this.#live.has(name)) this.#backlog.add(name);
  }

  #refill(now: number): void {
    const { writesPerSecond, burst } = this.#options;
    const elapsed = now - (this.#refilledAt ?? now);
    this.#refilledAt = now;
    if (writesPerSecond === Number.POSITIVE_INFINITY) this.#tokens = Number.POSITIVE_INFINITY;
    else this.#tokens = Math.min(burst, this.#tokens + (elapsed * writesPerSecond) / 1_000);
  }

  #lamp(name: string): Lamp {
    let lamp = this.#lamps.get(name);
    if (lamp === undefined) {
      lamp = {
        desired: undefined,
        since: undefined,
        written: undefined,
        inFlight: NONE,
        changedAt: NONE,
        failures: 0,
        retryAt: 0,
        repairedAt: Number.NEGATIVE_INFINITY,
      };
      this.#lamps.set(name, lamp);
    }
    return lamp;
  }
}

/** One for all: most lamps of a large snapshot have nothing in theirs. Never written to. */
const NONE: never[] = [];

/**
 * One AMI connection of the simulated Asterisk: a single loop, as Asterisk has one thread a session, so
 * answers and events never mix and a reader that does not read stops everything but the clock that cuts it.
 * Owns login, the Events mask, the order of output. The actions are actions.ts.
 */
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { act, type Host } from './actions.ts';
import { failure, response } from './answer.ts';
import { eventText, LineReader, MAX_HEADERS, Message, type PbxEvent } from './message.ts';
import { ALL, eventMask, type Mask, privileges } from './privileges.ts';

export interface AmiUser {
  readonly username: string;
  readonly secret: string;
  /** As in manager.conf; absent: everything. */
  readonly read?: string;
  readonly write?: string;
  /** Lines `eventfilter` of manager.conf: only events that match one of them; absent: all. */
  readonly eventfilter?: readonly string[];
  /** `allowmultiplelogin=no`: a second session is refused. */
  readonly single?: boolean;
}

/** What a session asks of its server. */
export interface SessionHost extends Host {
  readonly booted: boolean;
  readonly writeTimeoutMs: number;
  readonly refusalMs: number;
  /** Waited out before each answer; 0: none. */
  readonly delayMs: number;
  /** Resolves when the server is not muted. */
  awake(): Promise<void>;
  user(name: string): AmiUser | undefined;
  inUse(name: string): boolean;
  fullyBooted(): string;
}

/** Bytes taken from a client before it has to wait; Asterisk leaves them to the kernel. */
const MAX_INPUT = 64 * 1024;
/** Asterisk's own queue has no bound; here a session this far behind is cut. */
const MAX_EVENTS = 200_000;

export class Session {
  user: AmiUser | undefined;
  /** Characters it may still write before it is cut. */
  budget = Number.POSITIVE_INFINITY;
  readonly #socket: Socket;
  readonly #host: SessionHost;
  readonly #input = new LineReader();
  #events: PbxEvent[] = [];
  #read: Mask = new Set();
  #write: Mask = new Set();
  #mask: Mask = ALL;
  #filters: RegExp[] = [];
  #over = false;
  #wake: () => void = () => {};

  constructor(socket: Socket, host: SessionHost) {
    this.#socket = socket;
    this.#host = host;
  }

  /** Runs until the connection is over; never rejects. */
  async run(): Promise<void> {
    const socket = this.#socket;
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => {
      this.#input.push(chunk);
      if (this.#input.buffered > MAX_INPUT) socket.pause();
      this.#wake();
    });
    const over = () => this.cut();
    socket.on('end', over);
    socket.on('close', over);
    socket.on('error', over);
    await this.#host.awake();
    await this.#say(`Asterisk Call Manager/${this.#host.pbx.shape.ami}\r\n`);
    while (!this.#over) await this.#message();
    if (!socket.destroyed) socket.destroySoon();
  }

  /** Ends the loop and the connection; what was written goes out if it still can. */
  cut(): void {
    this.#over = true;
    this.#wake();
  }

  event(event: PbxEvent): void {
    this.#events.push(event);
    if (this.#events.length > MAX_EVENTS) this.destroy();
    this.#wake();
  }

  /** Raw bytes, whatever the loop is doing: for faults. */
  inject(bytes: string | Uint8Array): void {
    this.#socket.write(bytes);
  }

  destroy(): void {
    this.#socket.destroy();
    this.cut();
  }

  /** `do_message` (main/manager.c): lines up to an empty one, events in between. */
  async #message(): Promise<void> {
    const lines: string[] = [];
    let lost = false;
    while (!this.#over) {
      await this.#host.awake();
      await this.#tellEvents();
      const line = this.#input.next();
      if (line === undefined) {
        await this.#more();
      } else if (line !== '') {
        if (lines.length < MAX_HEADERS) lines.push(line);
        else lost = true;
      } else {
        await this.#answer(new Message(lines), lost);
        return;
      }
    }
  }

  async #more(): Promise<void> {
    if (this.#events.length > 0 || this.#over) return;
    const woken = new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
    this.#socket.resume();
    await woken;
  }

  async #answer(message: Message, lost: boolean): Promise<void> {
    if (this.#host.delayMs > 0) await sleep(this.#host.delayMs, undefined, { ref: false });
    if (lost) return this.#say(failure(message, 'Too many lines in message or allocation failure'));
    if (this.#input.tooLong) {
      this.#input.tooLong = false;
      return this.#say(failure(message, 'Failed to parse message: line too long'));
    }
    const action = message.get('Action').toLowerCase();
    if (action === '') return this.#say(failure(message, 'Missing action in request'));
    if (action === 'login') return this.#login(message);
    if (action === 'logoff') {
      await this.#say(response(message, 'Goodbye', [['Message', 'Thanks for all the fish.']]));
      return this.cut();
    }
    if (!this.user) return this.#say(failure(message, 'Permission denied'));
    if (action === 'events') return this.#eventsAction(message);
    return this.#say(act(message, this.#write, this.#host));
  }

  async #login(message: Message): Promise<void> {
    if (this.user) return this.#say(response(message, 'Success', [['Message', 'Already authenticated']]));
    const user = this.#host.user(message.get('Username'));
    let refused: string | undefined;
    if (user?.single && this.#host.inUse(user.username)) refused = 'Login Already In Use';
    else if (!user || user.secret !== message.get('Secret')) refused = 'Authentication failed';
    if (refused || !user) {
      await sleep(this.#host.refusalMs, undefined, { ref: false }); // Asterisk sleeps a second, then hangs up
      await this.#say(failure(message, refused ?? 'Authentication failed'));
      return this.cut();
    }
    this.user = user;
    this.#read = privileges(user.read ?? 'all');
    this.#write = privileges(user.write ?? 'all');
    this.#mask = eventMask(message.get('Events')) ?? ALL;
    // POSIX spells this class out; the rest of what is used here is alike.
    this.#filters = (user.eventfilter ?? []).map((text) => new RegExp(text.replaceAll('[[:space:]]', '\\s')));
    await this.#say(response(message, 'Success', [['Message', 'Authentication accepted']]));
    if (this.#host.booted && this.#mayHear('system')) await this.#say(this.#host.fullyBooted());
  }

  #eventsAction(message: Message): Promise<void> {
    const mask = eventMask(message.get('EventMask'));
    if (!mask) return this.#say(failure(message, 'Invalid event mask'));
    this.#mask = mask;
    return this.#say(response(message, 'Success', [['Events', mask.size > 0 ? 'On' : 'Off']]));
  }

  #mayHear(word: string): boolean {
    return this.#read.has(word) && this.#mask.has(word);
  }

  async #tellEvents(): Promise<void> {
    while (this.#events.length > 0 && !this.#over) {
      const events = this.#events;
      this.#events = [];
      if (!this.user) continue;
      for (const event of events) {
        if (this.#over) return;
        if (!this.#mayHear(event.class)) continue;
        const text = eventText(event);
        const passes = this.#filters.length === 0 || this.#filters.some((filter) => filter.test(text));
        if (passes) await this.#say(text);
      }
    }
  }

  /** Writes, and waits while the kernel takes no more; no progress for `writetimeout` ends the session. */
  async #say(text: string): Promise<void> {
    if (this.#over) return;
    if (text.length > this.budget) {
      this.inject(text.slice(0, this.budget));
      return this.cut();
    }
    this.budget -= text.length;
    const written = new Promise<'written'>((resolve) => {
      this.#socket.write(text, () => resolve('written'));
    });
    if (this.#socket.writableLength === 0) return;
    const timer = new AbortController();
    const late = sleep(this.#host.writeTimeoutMs, 'late' as const, { signal: timer.signal }).catch(
      () => 'written' as const,
    );
    const outcome = await Promise.race([written, late]);
    timer.abort();
    if (outcome === 'late') this.destroy();
  }
}

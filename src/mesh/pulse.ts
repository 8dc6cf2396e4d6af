/**
 * Whether a link lives: pings, the silence of the peer, and a channel that is stuck. Owns one timer. Sends and
 * closes nothing itself.
 */

/** Beats without a sign of life from the peer after which the link is dead. */
export const SILENT_BEATS = 3;
/** A peer that is heard anyway, as `alive` makes it, is pinged at each so many-th beat only. */
export const PING_BEATS = 5;
/** But so many times at once, so that its clock is known well soon. */
export const FIRST_PINGS = 5;
/** Beats during which a full channel took nothing after which the link is dead. */
export const STALLED_BEATS = 30;

export interface PulseHandlers {
  ping(id: number): void;
  /** What the channel holds, and whether it is so much that nothing more is given to it. */
  load(): { readonly buffered: number; readonly congested: boolean };
  /** The link is dead; called once. */
  dead(reason: 'silence' | 'stalled', text: string): void;
}

/** When a ping was first sent and when its answer came, milliseconds of our `performance.now()`. */
export interface RoundTrip {
  readonly sentAt: number;
  readonly receivedAt: number;
}

export class Pulse {
  readonly #everyMs: number;
  readonly #handlers: PulseHandlers;
  #timer: NodeJS.Timeout | undefined;
  #silent = 0;
  /** Beats since the last ping. */
  #beats = 0;
  #stalled = 0;
  #bufferedBefore = 0;
  #ids = 0;
  /** The ping without pong so far. It is repeated with its id, so that a round trip may be longer than a beat. */
  #open: { readonly id: number; readonly sentAt: number } | undefined;
  #roundTripMs: number | undefined;

  constructor(everyMs: number, handlers: PulseHandlers) {
    this.#everyMs = everyMs;
    this.#handlers = handlers;
  }

  /** Of the latest answered ping. */
  get roundTripMs(): number | undefined {
    return this.#roundTripMs;
  }

  start(): void {
    this.#ping();
    this.#await();
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  /** The peer said something, whatever it was. */
  heard(): void {
    this.#silent = 0;
  }

  /** Undefined when it answers no ping of ours, or one that was answered before. */
  pong(id: number): RoundTrip | undefined {
    if (id !== this.#open?.id) return undefined;
    const { sentAt } = this.#open;
    const receivedAt = performance.now();
    this.#roundTripMs = receivedAt - sentAt;
    this.#open = undefined;
    return { sentAt, receivedAt };
  }

  /** All links beat at one time: to wake up costs an idle process more than what it does then. */
  #await(): void {
    const left = this.#everyMs - (performance.now() % this.#everyMs);
    const isNow = left < this.#everyMs / 2;
    this.#timer = setTimeout(
      () => {
        this.#await();
        this.#beat();
      },
      isNow ? left + this.#everyMs : left,
    );
  }

  /** Counts beats, not time: after a pause of our own event loop the peer must not look silent. */
  #beat(): void {
    this.#silent += 1;
    if (this.#silent > SILENT_BEATS) {
      return this.#dead('silence', `heard nothing for ${SILENT_BEATS * this.#everyMs} ms`);
    }
    const { buffered, congested } = this.#handlers.load();
    this.#stalled = congested && buffered >= this.#bufferedBefore ? this.#stalled + 1 : 0;
    this.#bufferedBefore = buffered;
    if (this.#stalled > STALLED_BEATS) {
      return this.#dead(
        'stalled',
        `it took none of ${buffered} bytes for ${STALLED_BEATS * this.#everyMs} ms`,
      );
    }
    this.#beats += 1;
    if (!congested && this.#isDue) this.#ping();
  }

  get #isDue(): boolean {
    const isUnsure = this.#silent > 1 || this.#open !== undefined;
    return isUnsure || this.#beats >= PING_BEATS || this.#ids < FIRST_PINGS;
  }

  #ping(): void {
    this.#beats = 0;
    if (this.#open === undefined) {
      this.#ids += 1;
      this.#open = { id: this.#ids, sentAt: performance.now() };
    }
    this.#handlers.ping(this.#open.id);
  }

  #dead(reason: 'silence' | 'stalled', text: string): void {
    this.stop();
    this.#handlers.dead(reason, text);
  }
}

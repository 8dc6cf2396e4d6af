// One link under measurement: a real Link on a real channel, with ears on both. Owns the bulk that keeps the channel
// full without being coalesced, and the round trips beside it.
import { setImmediate as nextTurn, setTimeout as pause } from 'node:timers/promises';
import type { Entry } from '../../../src/core/message.ts';
import { Batch } from '../../../src/mesh/batches.ts';
import { type Channel, HIGH_WATER_BYTES } from '../../../src/mesh/contract.ts';
import { encodePing, withSeq } from '../../../src/mesh/frames.ts';
import { Link } from '../../../src/mesh/link.ts';

/** Frames given in one turn at most, so that answers are read in between. */
const FRAMES_A_TURN = 64;
/** Pings of ours are told from those of the link by their id. */
const FIRST_TRIP = 1_000_000;
/** A channel that has taken nothing for so long takes nothing any more, ms. */
const STUCK_MS = 250;

export interface Bulk {
  readonly frames: number;
  /** Until the other end had heard the last of them. */
  readonly ms: number;
  /** Round trips meanwhile, ms. */
  readonly trips: number[];
}

export interface LineOptions {
  readonly id: number;
  readonly channel: Channel;
  readonly tag: string;
  readonly pingEveryMs: number;
}

export class Line {
  /** How long each numbered frame that is heard takes this end, ms. */
  slowMs = 0;
  readonly up: Promise<void>;
  readonly #link: Link;
  readonly #channel: Channel;
  readonly #trips = new Map<number, { resolve: () => void; reject: (error: Error) => void }>();
  #lastTrip = FIRST_TRIP;
  #drained: () => void = () => {};
  #ended: Error | undefined;

  constructor({ id, channel, tag, pingEveryMs }: LineOptions) {
    this.#channel = channel;
    let isUp: () => void = () => {};
    let isNot: (error: Error) => void = () => {};
    this.up = new Promise((resolve, reject) => {
      isUp = resolve;
      isNot = reject;
    });
    const clock = () => performance.now();
    const options = { id, channel, tag, epoch: `run-of-${tag}`, pingEveryMs, helloTimeoutMs: 5_000, clock };
    this.#link = new Link(options, {
      hello: (link) => {
        link.accept();
        isUp();
      },
      heard: () => {
        if (this.slowMs > 0) block(this.slowMs);
      },
      refused: (_link, code, text) => isNot(new Error(`refused: ${code}: ${text}`)),
      refusedByPeer: (_link, code, text) => isNot(new Error(`refused by the peer: ${code}: ${text}`)),
      skipped: () => {},
      coalesced: () => {},
      closed: (_link, { reason, text }) => {
        this.#ended = new Error(`closed: ${reason}: ${text}`);
        isNot(this.#ended);
        for (const trip of this.#trips.values()) trip.reject(this.#ended);
        this.#drained();
      },
    });
    this.up.catch(() => {});
    this.#link.start();
    this.#listen();
  }

  hangUp(): void {
    this.#link.terminate('stopped', 'measured');
  }

  /** From a ping to its pong, ms. It goes where the frames go, and waits behind them. */
  trip(): Promise<number> {
    this.#lastTrip += 1;
    const id = this.#lastTrip;
    const start = performance.now();
    return new Promise((resolve, reject) => {
      if (this.#ended !== undefined) return reject(this.#ended);
      this.#trips.set(id, { resolve: () => resolve(performance.now() - start), reject });
      this.#channel.send(encodePing(id));
    });
  }

  async trips(count: number, pauseMs: number): Promise<number[]> {
    const trips: number[] = [];
    while (trips.length < count) {
      await pause(pauseMs);
      trips.push(await this.trip());
    }
    return trips;
  }

  /** Frames of so many states for so long, as fast as the channel takes them. */
  async bulk(states: number, ms: number, tripEveryMs?: number): Promise<Bulk> {
    const entries = entriesOf(states);
    const start = performance.now();
    let frames = 0;
    let going = true;
    const beside = this.#tripsWhile(() => going, tripEveryMs);
    while (performance.now() - start < ms) {
      frames += this.#fill(entries, FRAMES_A_TURN);
      if (this.#channel.buffered >= HIGH_WATER_BYTES) await this.#drain();
      else await nextTurn();
    }
    going = false;
    await this.trip();
    const took = performance.now() - start;
    return { frames, ms: took, trips: await beside };
  }

  /** What goes into a channel whose other end reads nothing, beside what it says it holds itself; bytes. */
  async hidden(states: number): Promise<number> {
    const entries = entriesOf(states);
    const body = new Batch(entries, performance.now(), () => {}).body(0);
    const frameBytes = Buffer.byteLength(withSeq(1_000, body));
    let frames = 0;
    let changedAt = performance.now();
    while (performance.now() - changedAt < STUCK_MS) {
      const more = this.#fill(entries, FRAMES_A_TURN);
      if (more > 0) changedAt = performance.now();
      frames += more;
      await pause(1);
    }
    return frames * frameBytes - this.#channel.buffered;
  }

  #fill(entries: readonly Entry[], atMost: number): number {
    let frames = 0;
    while (frames < atMost && this.#channel.buffered < HIGH_WATER_BYTES) {
      // A batch for each: encoding is part of what a frame costs.
      this.#link.batch(new Batch(entries, performance.now(), () => {}));
      frames += 1;
    }
    return frames;
  }

  #drain(): Promise<void> {
    return new Promise((resolve) => {
      this.#drained = resolve;
    });
  }

  /** None waits for the one before. */
  async #tripsWhile(going: () => boolean, everyMs: number | undefined): Promise<number[]> {
    const trips: Promise<number>[] = [];
    while (everyMs !== undefined && going()) {
      trips.push(this.trip());
      await pause(everyMs);
    }
    return Promise.all(trips);
  }

  /** Beside the link, after it. */
  #listen(): void {
    const { onMessage, onDrain } = this.#channel;
    this.#channel.onMessage = (text) => {
      onMessage(text);
      if (!text.startsWith('{"type":"pong"')) return;
      const { id } = JSON.parse(text) as { id: number };
      this.#trips.get(id)?.resolve();
      this.#trips.delete(id);
    };
    this.#channel.onDrain = () => {
      onDrain();
      this.#drained();
    };
  }
}

function entriesOf(states: number): Entry[] {
  return Array.from({ length: states }, (_, n) => ({
    kind: 'device',
    extension: `${10_000 + n}`,
    state: n % 2 === 0 ? 'INUSE' : 'NOT_INUSE',
  }));
}

/** As an end does that is too busy to read. */
function block(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

/**
 * Dials one peer again and again until told that a link is there. Owns the delays between attempts and the
 * cancelling of one. Knows no links, no frames.
 */
import { type Channel, DialError, type PeerAddress, type Refusal, type Transport } from './contract.ts';

/** Read anew for each delay: {@link Mesh.setPeers} may change them. */
export interface DialerOptions {
  /** First delay after a failure, doubled at each further one up to `maxMs`. */
  readonly minMs: number;
  readonly maxMs: number;
  /** 0 ≤ x < 1; spreads each delay over its upper half, so that two brokers do not stay in step. */
  readonly random: () => number;
}

export interface DialerHandlers {
  /** The attempt succeeded; the dialer rests until the next `wake`. */
  channel(channel: Channel): void;
  failed(refusal: Refusal): void;
}

export class Dialer {
  readonly #peer: PeerAddress;
  readonly #transport: Transport;
  readonly #options: DialerOptions;
  readonly #handlers: DialerHandlers;
  #delayMs = 0;
  #timer: NodeJS.Timeout | undefined;
  #attempt: AbortController | undefined;

  constructor(peer: PeerAddress, transport: Transport, options: DialerOptions, handlers: DialerHandlers) {
    this.#peer = peer;
    this.#transport = transport;
    this.#options = options;
    this.#handlers = handlers;
  }

  /** A link is wanted: dial after the delay that is due. Does nothing while dialling, or without a url. */
  wake(): void {
    if (this.#peer.url === undefined || this.#timer !== undefined || this.#attempt !== undefined) return;
    const { minMs, maxMs, random } = this.#options;
    const delay = Math.min(maxMs, this.#delayMs) * (0.5 + random() / 2);
    this.#delayMs = Math.min(maxMs, Math.max(minMs, this.#delayMs * 2));
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      void this.#dial();
    }, delay);
  }

  /** What stood in the way is gone: the attempt that waits begins now. */
  hurry(): void {
    if (this.#timer === undefined) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#delayMs = this.#options.minMs;
    void this.#dial();
  }

  /** No link is wanted: gives up a running attempt and dials no more until `wake`. */
  rest(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#attempt?.abort();
    this.#attempt = undefined;
  }

  /** A link stayed up: the next delay is the first one again. */
  succeeded(): void {
    this.#delayMs = this.#options.minMs;
  }

  async #dial(): Promise<void> {
    const attempt = new AbortController();
    this.#attempt = attempt;
    const result = await this.#transport.dial(this.#peer, attempt.signal).catch((error: unknown) => {
      if (error instanceof DialError) return error;
      throw error;
    });
    if (this.#attempt !== attempt) {
      if (!(result instanceof DialError)) result.terminate('no longer wanted');
      return;
    }
    this.#attempt = undefined;
    if (result instanceof DialError) {
      this.#handlers.failed(result.refusal);
      this.wake();
    } else {
      this.#handlers.channel(result);
    }
  }
}

/**
 * Who may come in over ZeroMQ: the ZAP handler (rfc.zeromq.org/spec/27) of one context. Every listening socket has
 * a domain of its own, named here; libzmq asks with that domain and the key that CURVE proved, before the other
 * side is let in. Owns what was answered. Without such a handler libzmq lets every key in.
 */
import { z85 } from './identity.ts';
import type { Proof } from './trust.ts';
import type { Context, Reply, ZeroMqLibrary } from './zeromq-library.ts';

const ENDPOINT = 'inproc://zeromq.zap.01';
const VERSION = '1.0';

/** What becomes of one listening socket. */
export interface Seat {
  readonly domain: string;
  /** The key (Z85) that was shown; undefined: none was yet. */
  key: string | undefined;
  /** What was answered to it: who sits there, or why not. */
  proof: Proof | undefined;
}

export class CurveKeys {
  readonly #prove: (key: string) => Proof;
  readonly #seats = new Map<string, Seat>();
  readonly #reply: Reply;
  #lastSeat = 0;

  /** `prove`: whose key (Z85) this is. */
  constructor({ Reply }: ZeroMqLibrary, context: Context, prove: (key: string) => Proof) {
    this.#prove = prove;
    this.#reply = new Reply({ context, linger: 0 });
  }

  async start(): Promise<void> {
    await this.#reply.bind(ENDPOINT);
    void this.#answer();
  }

  /** For one socket; `leave` frees it. */
  seat(): Seat {
    this.#lastSeat += 1;
    const seat: Seat = { domain: `hintmesh-${this.#lastSeat}`, key: undefined, proof: undefined };
    this.#seats.set(seat.domain, seat);
    return seat;
  }

  leave({ domain }: Seat): void {
    this.#seats.delete(domain);
  }

  close(): void {
    this.#reply.close();
  }

  /** An error here that is not foreseen ends the broker: nobody may come in unasked, nor be kept out unseen. */
  async #answer(): Promise<void> {
    for (;;) {
      try {
        const [, id = '', domain = '', , , mechanism = '', key = Buffer.alloc(0)] =
          await this.#reply.receive();
        const ok = this.#judge(String(domain), String(mechanism), Buffer.from(key));
        await this.#reply.send([VERSION, id, ok ? '200' : '400', ok ? 'OK' : 'refused', '', '']);
      } catch (error) {
        if (this.#reply.closed) return;
        throw error;
      }
    }
  }

  /** The first key decides what the socket is for ever: nobody may come in beside it. */
  #judge(domain: string, mechanism: string, key: Buffer): boolean {
    const seat = this.#seats.get(domain);
    if (seat === undefined || seat.proof !== undefined || mechanism !== 'CURVE' || key.length !== 32) {
      return false;
    }
    seat.key = z85(key);
    seat.proof = this.#prove(seat.key);
    return seat.proof.ok;
  }
}

/**
 * How often somebody may connect to us: a token bucket for each IPv4 address and each IPv6 /64. Owns the buckets and
 * the bound on how many are remembered. Knows no sockets; time comes in.
 */

import { Bucket } from './bucket.ts';

/**
 * Connections of one address at once, and a second after that. It is room for as many peers as one address may have
 * (MAX_PER_ADDRESS in tcp.ts) that are all refused and dial on: each four times in its first second at the most, then
 * once a second (dialer.ts).
 */
export const CONNECT_BURST = 160;
export const CONNECTS_PER_SECOND = 40;
/** Addresses remembered; past it the one that was quiet the longest is forgotten. */
export const MAX_REMEMBERED = 4_096;

export interface ArrivalLimits {
  readonly burst: number;
  readonly perSecond: number;
  readonly maxRemembered?: number;
}

export class Arrivals {
  readonly #limits: Required<ArrivalLimits>;
  readonly #now: () => number;
  /** Who came last stands last. */
  readonly #buckets = new Map<string, Bucket>();

  /** `now`: milliseconds of a monotonic clock. */
  constructor(limits: ArrivalLimits, now: () => number = () => performance.now()) {
    this.#limits = { maxRemembered: MAX_REMEMBERED, ...limits };
    this.#now = now;
  }

  /** Who is remembered. */
  get size(): number {
    return this.#buckets.size;
  }

  /**
   * Whether somebody of this network may connect now; one who may not costs it nothing. Whoever has more networks
   * than are remembered gets past this, and would have had a burst for each anyway; nobody else is kept out by it.
   */
  admit(network: string): boolean {
    const { burst, maxRemembered } = this.#limits;
    const now = this.#now();
    const bucket = this.#buckets.get(network) ?? new Bucket(burst, now);
    this.#buckets.delete(network);
    if (this.#buckets.size >= maxRemembered) {
      const [quietest] = this.#buckets.keys();
      if (quietest !== undefined) this.#buckets.delete(quietest);
    }
    this.#buckets.set(network, bucket);
    return bucket.take(this.#limits, now);
  }
}

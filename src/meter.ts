/**
 * How long things take between the edges. Owns the writes whose echo has not come back yet; counts nothing else.
 * Times are milliseconds of one monotonic clock.
 */

import { lampDevice } from './core/names.ts';
import { isPresence } from './core/presence.ts';
import type { DeviceStatus } from './core/source.ts';
import type { Writable } from './core/write.ts';

/** Where measurements go. */
export interface Gauges {
  /** From a Setvar to its answer. */
  observeWrite(ms: number): void;
  /** From a Setvar to the DeviceStateChange it causes. */
  observeEcho(ms: number): void;
  /** From the origin's broker hearing of a state to the answer of the Setvar that shows it here. */
  observeLamp(ms: number): void;
}

/** Writes whose echo is waited for; past it the oldest is forgotten. */
export const MAX_ECHOES = 1_000;

export class Meter {
  readonly #gauges: Gauges;
  /** device → its last write. */
  readonly #echoes = new Map<string, { readonly state: Writable; readonly at: number }>();

  constructor(gauges: Gauges) {
    this.#gauges = gauges;
  }

  /** Of a presence only the answer is measured. */
  sent(lamp: string, state: Writable, now: number): void {
    if (isPresence(state)) return;
    const device = lampDevice(lamp);
    // Asked anew, it is the newest again.
    this.#echoes.delete(device);
    this.#echoes.set(device, { state, at: now });
    if (this.#echoes.size <= MAX_ECHOES) return;
    for (const oldest of this.#echoes.keys()) {
      this.#echoes.delete(oldest);
      return;
    }
  }

  /** `since`: when the origin heard of it, if that is known. */
  answered(sentAt: number, since: number | undefined, ok: boolean, now: number): void {
    this.#gauges.observeWrite(now - sentAt);
    if (ok && since !== undefined) this.#gauges.observeLamp(now - since);
  }

  seen({ device, state }: DeviceStatus, now: number): void {
    const write = this.#echoes.get(device);
    if (write?.state !== state) return;
    this.#echoes.delete(device);
    this.#gauges.observeEcho(now - write.at);
  }
}

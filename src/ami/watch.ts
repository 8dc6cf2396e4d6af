/**
 * What the stream of events tells besides its content. Owns what is known of each hint and device in one
 * session, for two conclusions: the dialplan was reloaded, and events do not reach us at all. No I/O, no
 * clock; times are milliseconds of one monotonic clock.
 */

import type { HintKey, HintStatus, Listing } from '../core/source.ts';
import type { DeviceState } from '../core/state.ts';
import { BURST_RELIST_EVERY_MS, BURST_REPEATS, BURST_WINDOW_MS, MAX_LISTED } from './limits.ts';
import { hintKey } from './lists.ts';

export class Watch {
  readonly #hints = new Map<string, number>();
  #asked: ReadonlySet<string> = new Set();
  #devices: ReadonlyMap<string, DeviceState> | undefined;
  #heard = false;
  #windowFrom = Number.NEGATIVE_INFINITY;
  #repeats = 0;
  #lastBurst = Number.NEGATIVE_INFINITY;

  /** Any event about states arrived, so the manager user may read them. */
  heard(): void {
    this.#heard = true;
    this.#devices = undefined;
  }

  /**
   * Everything was read. True when a device's state differs from the reading before although no event has
   * ever been heard: then events are missing, unless one is just about to arrive.
   */
  listed(listing: Listing, asked: readonly HintKey[]): boolean {
    this.#asked = new Set(asked.map(hintKey));
    this.#hints.clear();
    for (const status of listing.hints) this.#hints.set(hintKey(status), status.status);
    if (this.#heard) return false;
    const before = this.#devices;
    this.#devices = new Map(listing.devices.map(({ device, state }) => [device, state]));
    return listing.devices.some(({ device, state }) => (before?.get(device) ?? state) !== state);
  }

  get isDeaf(): boolean {
    return !this.#heard;
  }

  /**
   * A hint's event. True when everything should be read again: it is new and does not tell its devices, or
   * it is the one that makes a burst of repeats. A dialplan reload repeats the state of every hint up to
   * 22.10 and forgets those that were asked for, without another sign (main/pbx.c, `ast_merge_contexts_and_delete`).
   */
  hint(status: HintStatus, now: number): boolean {
    const key = hintKey(status);
    const before = this.#hints.get(key);
    if (before !== undefined || this.#hints.size < MAX_LISTED) this.#hints.set(key, status.status);
    if (before === undefined) return status.hint === '';
    // Asking for a hint makes it, and that raises an event which repeats the answer.
    if (before !== status.status || this.#asked.has(key)) return false;
    if (now - this.#windowFrom > BURST_WINDOW_MS) {
      this.#windowFrom = now;
      this.#repeats = 0;
    }
    this.#repeats += 1;
    const enough = Math.min(BURST_REPEATS, Math.ceil((this.#hints.size - this.#asked.size) / 2));
    if (this.#repeats < enough || now - this.#lastBurst < BURST_RELIST_EVERY_MS) return false;
    this.#lastBurst = now;
    return true;
  }
}

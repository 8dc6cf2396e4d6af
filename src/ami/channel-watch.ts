/**
 * Whether the events of channels reach us: an `eventfilter` in manager.conf may hold them back while those of hints
 * and devices come through, and nothing else would tell. No I/O, no clock.
 */
import type { ChannelChange, ChannelStatus } from '../core/source.ts';

export class ChannelWatch {
  /** id → state of the last listing, while it is of use. */
  #before: ReadonlyMap<string, number> | undefined;
  /** The kinds of events that no one of this session has told yet; the others are as rare as what they tell. */
  readonly #unheard = new Set<ChannelChange['type']>(['state', 'gone']);
  /** Those of them that should have been heard. */
  readonly #missed = new Set<ChannelChange['type']>();

  /** An event is missing that should have come, unless it is just about to arrive. */
  get isDeaf(): boolean {
    return this.#missed.size > 0;
  }

  /** Every kind of event was heard: there is nothing to find out. */
  get isProved(): boolean {
    return this.#unheard.size === 0;
  }

  heard({ type }: ChannelChange): void {
    this.#unheard.delete(type);
    this.#missed.delete(type);
  }

  /**
   * Everything was read. True when channels appeared, changed their state or went since the reading before although
   * no event of that kind has ever been heard.
   */
  listed(channels: readonly ChannelStatus[]): boolean {
    const before = this.#before;
    const now = new Map(channels.map(({ id, state }) => [id, state]));
    this.#before = this.#unheard.size > 0 ? now : undefined;
    if (before === undefined) return false;
    if (this.#unheard.has('state') && channels.some(({ id, state }) => before.get(id) !== state)) {
      this.#missed.add('state');
    }
    if (this.#unheard.has('gone') && [...before.keys()].some((id) => !now.has(id))) this.#missed.add('gone');
    return this.isDeaf;
  }
}

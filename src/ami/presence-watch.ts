/**
 * Whether the events of presence reach us: an `eventfilter` in manager.conf may hold them back while others come through.
 * No I/O, no clock. Of mailboxes the same cannot be told: programs beside Asterisk change them without any event.
 */
import type { Presence } from '../core/presence.ts';
import type { PresenceStatus } from '../core/source.ts';

export class PresenceWatch {
  /** Of the last listing, until an event was heard. */
  #before: ReadonlyMap<string, Presence> | undefined;
  #heard = false;

  /** No event was ever heard in this session. */
  get isDeaf(): boolean {
    return !this.#heard;
  }

  heard(): void {
    this.#heard = true;
    this.#before = undefined;
  }

  /**
   * Everything was read. True when somebody's presence differs from the reading before although no event has ever been
   * heard: the list is made of what events tell (main/presencestate.c), unless one is just about to arrive.
   */
  listed(presences: readonly PresenceStatus[]): boolean {
    if (this.#heard) return false;
    const before = this.#before;
    this.#before = new Map(presences.map(({ presentity, presence }) => [presentity, presence]));
    return (
      before !== undefined &&
      presences.some(({ presentity, presence }) => before.get(presentity) !== presence)
    );
  }
}

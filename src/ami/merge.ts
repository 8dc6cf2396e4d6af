/**
 * A listing in the making. Owns how the rows of lists, single answers and the events between them become one: in
 * stream order, the later one counts.
 */
import { renamed } from '../core/channels.ts';
import type {
  ChannelChange,
  ChannelStatus,
  DeviceStatus,
  HintKey,
  HintStatus,
  Listing,
  MailboxStatus,
  PresenceStatus,
} from '../core/source.ts';
import { MAX_LISTED } from './limits.ts';

/** One text for a hint's two names; control characters never are in either. */
export function hintKey(key: HintKey): string {
  return `${key.context}\n${key.extension}`;
}

export class Merge {
  readonly #hints = new Map<string, HintStatus>();
  readonly #devices = new Map<string, DeviceStatus>();
  readonly #channels = new Map<string, ChannelStatus>();
  readonly #presences = new Map<string, PresenceStatus>();
  readonly #mailboxes = new Map<string, MailboxStatus>();
  /** Names of channels that events put on hold; no list has them. */
  readonly #held = new Set<string>();
  /** Events can add to what the lists have; past this bound the listing is no longer whole. */
  isWhole = true;

  /** A row, an answer or an event. One that does not tell the devices of the hint leaves those known. */
  hint(status: HintStatus): void {
    const key = hintKey(status);
    const known = this.#hints.get(key);
    if (this.#hasRoom(known !== undefined, this.#hints)) {
      this.#hints.set(key, status.hint === '' && known ? { ...status, hint: known.hint } : status);
    }
  }

  device(status: DeviceStatus): void {
    if (this.#hasRoom(this.#devices.has(status.device), this.#devices)) {
      this.#devices.set(status.device, status);
    }
  }

  presence(status: PresenceStatus): void {
    if (this.#hasRoom(this.#presences.has(status.presentity), this.#presences)) {
      this.#presences.set(status.presentity, status);
    }
  }

  mailbox(status: MailboxStatus): void {
    if (this.#hasRoom(this.#mailboxes.has(status.mailbox), this.#mailboxes)) {
      this.#mailboxes.set(status.mailbox, status);
    }
  }

  /** An event, or as `state` a row. A row that is still to come has the name of a channel renamed before it. */
  channel(change: ChannelChange): void {
    const known = this.#channels.get(change.id);
    switch (change.type) {
      case 'state': {
        const { id, name, state } = change;
        if (this.#hasRoom(known !== undefined, this.#channels)) this.#channels.set(id, { id, name, state });
        return;
      }
      case 'renamed':
        if (!known) return;
        for (const channel of renamed(known, change.name, this.#channels.values())) {
          this.#channels.set(channel.id, channel);
        }
        return;
      case 'held':
        if (!change.held) this.#held.delete(change.name);
        else if (this.#hasRoom(this.#held.has(change.name), this.#held)) this.#held.add(change.name);
        return;
      case 'gone':
        if (known) this.#held.delete(known.name);
        this.#channels.delete(change.id);
    }
  }

  hints(): HintStatus[] {
    return [...this.#hints.values()];
  }

  /** The channels of the listing that were put on hold while it was read. */
  held(): ChannelChange[] {
    return [...this.#channels.values()]
      .filter(({ name }) => this.#held.has(name))
      .map(({ id, name }) => ({ type: 'held', id, name, held: true }));
  }

  listing(): Listing {
    return {
      hints: this.hints(),
      devices: [...this.#devices.values()],
      channels: [...this.#channels.values()],
      presences: [...this.#presences.values()],
      mailboxes: [...this.#mailboxes.values()],
    };
  }

  #hasRoom(isKnown: boolean, among: { readonly size: number }): boolean {
    const has = isKnown || among.size < MAX_LISTED;
    if (!has) this.isWhole = false;
    return has;
  }
}

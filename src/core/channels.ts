/**
 * The channels of the local Asterisk → the states of their devices. Owns which channels there are, what they are
 * called, which are on hold, and how the channels of one device make its state.
 *
 * On hold is the phone that put the call on hold, as chan_sip has it and as the event says. chan_pjsip's own device
 * states show the phone at the other end as ONHOLD instead (channels/chan_pjsip.c, `chan_pjsip_indicate`).
 */
import type { ChannelChange, ChannelStatus } from './source.ts';
import { aggregate, type DeviceState, fromChannelState } from './state.ts';

/** Channels that are kept; no Asterisk has as many. */
export const MAX_CHANNELS = 100_000;

interface Channel extends ChannelStatus {
  readonly held: boolean;
}

export class Channels {
  readonly #channels = new Map<string, Channel>();
  /** device → the ids of its channels. */
  readonly #ofDevice = new Map<string, Set<string>>();

  /** All channels were read. Hold is in no list: one put on hold before this session began is in use until it is told. */
  listed(rows: readonly ChannelStatus[]): void {
    const before = new Map(this.#channels);
    this.clear();
    for (const row of rows) this.#put({ ...row, held: before.get(row.id)?.held ?? false });
  }

  /** Returns the devices whose state may be another now. A change of a channel that is not known is nobody's. */
  changed(change: ChannelChange): string[] {
    const before = this.#channels.get(change.id);
    const old = before && deviceOfChannel(before.name);
    switch (change.type) {
      case 'state':
        this.#put({ id: change.id, name: change.name, state: change.state, held: before?.held ?? false });
        return devicesOf(old, deviceOfChannel(change.name));
      case 'renamed':
        if (before === undefined) return [];
        for (const channel of renamed(before, change.name, this.#channels.values())) this.#put(channel);
        return devicesOf(old, deviceOfChannel(change.name));
      case 'held':
        if (before === undefined) return [];
        this.#put({ ...before, held: change.held });
        return devicesOf(old);
      case 'gone':
        this.#remove(change.id);
        return devicesOf(old);
    }
  }

  /** NOT_INUSE when it has no channels. */
  state(device: string): DeviceState {
    const states = this.#of(device).map(({ state, held }) => {
      const is = fromChannelState(state);
      return is === 'INUSE' && held ? 'ONHOLD' : is;
    });
    return aggregate(['NOT_INUSE', ...states]);
  }

  /** Whatever is known of channels and hold is not true any more. */
  clear(): void {
    this.#channels.clear();
    this.#ofDevice.clear();
  }

  #of(device: string): Channel[] {
    const ids = [...(this.#ofDevice.get(device) ?? [])];
    return ids.map((id) => this.#channels.get(id)).filter((channel) => channel !== undefined);
  }

  #put(channel: Channel): void {
    const { id, name } = channel;
    const before = this.#channels.get(id);
    if (before === undefined && this.#channels.size >= MAX_CHANNELS) return;
    if (before?.name !== name) this.#unlink(id);
    this.#channels.set(id, channel);
    const device = deviceOfChannel(name);
    if (device === undefined) return;
    const ids = this.#ofDevice.get(device);
    if (ids === undefined) this.#ofDevice.set(device, new Set([id]));
    else ids.add(id);
  }

  #remove(id: string): void {
    this.#unlink(id);
    this.#channels.delete(id);
  }

  #unlink(id: string): void {
    const device = deviceOfChannel(this.#channels.get(id)?.name ?? '');
    const ids = device === undefined ? undefined : this.#ofDevice.get(device);
    ids?.delete(id);
    if (device !== undefined && ids?.size === 0) this.#ofDevice.delete(device);
  }
}

/**
 * What a Rename of `channel` makes of it, and of another one of `all` maybe. Before Asterisk 12 a masquerade moves
 * names from channel to channel, NEW → NEW<MASQ>, OLD → NEW, NEW<MASQ> → OLD<ZOMBIE>, and with them, without a word,
 * all that the phones do (main/channel.c, `ast_do_masquerade`); from 12 on it renames nothing.
 */
export function renamed<T extends ChannelStatus>(channel: T, name: string, all: Iterable<T>): readonly T[] {
  if (channel.name === name) return [channel];
  for (const other of all) {
    if (other.name !== `${name}<MASQ>`) continue;
    return [
      { ...channel, id: other.id, name: other.name },
      { ...other, id: channel.id, name },
    ];
  }
  return [{ ...channel, name }];
}

/**
 * `PJSIP/1001-0000002a` → `PJSIP/1001` (main/channel.c, `ast_channel_get_device_name`). None while a channel is
 * between two others (`…<MASQ>`) or has lost its phone to another one (`…<ZOMBIE>`).
 */
export function deviceOfChannel(name: string): string | undefined {
  const end = name.lastIndexOf('-');
  return end > 0 && !name.includes('<') ? name.slice(0, end) : undefined;
}

function devicesOf(...devices: (string | undefined)[]): string[] {
  return [...new Set(devices.filter((device) => device !== undefined))];
}

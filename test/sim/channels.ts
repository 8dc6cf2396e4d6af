/**
 * The channels of the simulated Asterisk: their names and ids, the events they raise, the rows they are in
 * CoreShowChannels, and the state they give their device (channels/chan_pjsip.c, `chan_pjsip_devicestate`).
 */
import { aggregate, type DeviceState } from '../../src/core/state.ts';
import { newHeaders, oldHeaders, stateText } from './channel-headers.ts';
import type { Fields, PbxEvent } from './message.ts';

/** include/asterisk/channelstate.h, those that occur here. */
export const DOWN = 0;
export const RING = 4;
export const RINGING = 5;
export const UP = 6;
export const BUSY = 7;

const CAUSE_TEXT: Record<number, string> = {
  16: 'Normal Clearing',
  17: 'User busy',
  26: 'Answered elsewhere',
  127: 'Interworking, unspecified',
};

/** When the first of them was made, epoch seconds: a fixed time, so that runs are alike. */
const EPOCH_S = 1_795_258_362;

export interface Channel {
  readonly id: string;
  /** Id of the channel that the call began with. */
  readonly linked: string;
  readonly extension: string;
  name: string;
  state: number;
  /** Its phone holds the other end. */
  holds: boolean;
  /** The phone at the other end holds it. */
  isHeld: boolean;
}

export class Channels {
  onEvent: (event: PbxEvent) => void = () => {};
  /** A device has a new state by its channels; `undefined`: it has none that count. */
  onDevice: (device: string, state: DeviceState | undefined) => void = () => {};
  /** As Asterisk up to 11: names move at a masquerade, and Hold has a Status. From its source, not recorded. */
  readonly renames: boolean;
  readonly #context: string;
  /** Up to 11 chan_sip shows the phone that holds as ONHOLD (`sip_peer_hold`), chan_pjsip the other one. */
  readonly #isOld: boolean;
  readonly #all = new Map<string, Channel>();
  #count = 0;
  #boots = 0;

  /** `isOld`: headers, and who is on hold, as up to 11. */
  constructor(context: string, renames: boolean, isOld = false) {
    this.#context = context;
    this.renames = renames;
    this.#isOld = isOld;
  }

  /** A device (`PJSIP/1001`) makes or is offered a call to `extension`, alone or as part of the call of `first`. */
  create(device: string, state: number, extension: string, first?: Channel): Channel {
    const n = this.#count++;
    const id = `${EPOCH_S + this.#boots}.${n}`;
    const name = `${device}-${n.toString(16).padStart(8, '0')}`;
    const linked = first?.linked ?? id;
    const channel = { id, linked, extension, name, state, holds: false, isHeld: false };
    this.#all.set(id, channel);
    this.#raise('Newchannel', channel);
    this.#publish(device);
    return channel;
  }

  setState(channel: Channel, state: number): void {
    if (!this.#all.has(channel.id) || channel.state === state) return;
    channel.state = state;
    this.#raise('Newstate', channel);
    this.#publish(deviceOf(channel));
  }

  /** The phone of `holder` holds, or no longer, and `other` is what it talks to. */
  hold(holder: Channel, held: boolean, other?: Channel): void {
    if (!this.#all.has(holder.id)) return;
    holder.holds = held;
    if (!this.renames) this.#raise(held ? 'Hold' : 'Unhold', holder, held ? [['MusicClass', 'default']] : []);
    else {
      this.#tell('Hold', [
        ['Status', held ? 'On' : 'Off'],
        ['Channel', holder.name],
        ['Uniqueid', holder.id],
      ]);
    }
    const shown = this.#isOld ? holder : other;
    if (!shown) return;
    shown.isHeld = held;
    this.#publish(deviceOf(shown));
  }

  /** The one that held it left. */
  letGo(channel: Channel): void {
    channel.isHeld = false;
    this.#publish(deviceOf(channel));
  }

  hangup(channel: Channel, cause = 16): void {
    if (!this.#all.delete(channel.id)) return;
    this.#raise('Hangup', channel, [
      ['Cause', String(cause)],
      ['Cause-txt', CAUSE_TEXT[cause] ?? 'Unknown'],
    ]);
    this.#publish(deviceOf(channel));
  }

  /**
   * `clone` takes the place of `original`, which is hung up; returns what goes on. From 12 on nothing else is seen of
   * it (main/channel.c, `ast_channel_masquerade`); before, the id of `original` goes on under the name of `clone`.
   */
  masquerade(original: Channel, clone: Channel, cause?: number): Channel {
    if (!this.renames) {
      this.hangup(original, cause);
      return clone;
    }
    const [was, name] = [original.name, clone.name];
    this.#tell('Masquerade', [
      ['Clone', name],
      ['CloneState', stateText(clone.state)],
      ['Original', was],
      ['OriginalState', stateText(original.state)],
    ]);
    this.#rename(clone, `${name}<MASQ>`);
    this.#rename(original, name);
    // Their states change places without an event.
    [original.state, clone.state] = [clone.state, original.state];
    [original.holds, clone.holds] = [clone.holds, original.holds];
    [original.isHeld, clone.isHeld] = [clone.isHeld, original.isHeld];
    this.#rename(clone, `${was}<ZOMBIE>`);
    this.hangup(clone, cause);
    for (const device of [was, name].map(deviceOfName)) this.#publish(device);
    return original;
  }

  /** A channel that lives as long as one thing it did; nobody hears of its birth and end. */
  passing(device: string, extension: string): Channel {
    const n = this.#count++;
    const id = `${EPOCH_S + this.#boots}.${n}`;
    const name = `${device}-${n.toString(16).padStart(8, '0')};2`;
    return { id, linked: id, extension, name, state: UP, holds: false, isHeld: false };
  }

  /** The rows of CoreShowChannels. */
  rows(): Fields[] {
    const headers = this.#isOld ? oldHeaders : newHeaders;
    return [...this.#all.values()].map((channel) => headers.row(channel, this.#context));
  }

  /** The rows of Status, as up to 11. */
  statusRows(): Fields[] {
    return [...this.#all.values()].map((channel) => oldHeaders.status(channel, this.#context));
  }

  /** The headers of a channel in an event that tells of something else too. */
  snapshot(channel: Channel): Fields {
    return newHeaders.event('Newstate', channel, this.#context);
  }

  /** All calls end without a word, as when the process dies. */
  clear(): void {
    this.#all.clear();
    this.#count = 0;
    this.#boots += 1;
  }

  #rename(channel: Channel, name: string): void {
    this.#tell('Rename', [
      ['Channel', channel.name],
      ['Newname', name],
      ['Uniqueid', channel.id],
    ]);
    channel.name = name;
  }

  #raise(name: string, channel: Channel, more: Fields = []): void {
    const headers = this.#isOld ? oldHeaders : newHeaders;
    this.#tell(name, [...headers.event(name, channel, this.#context), ...more]);
  }

  #tell(name: string, fields: Fields): void {
    this.onEvent({ name, class: 'call', fields });
  }

  #publish(device: string | undefined): void {
    if (device === undefined) return;
    const states = [...this.#all.values()]
      .filter((channel) => deviceOf(channel) === device && channel.state !== DOWN)
      .map(stateOf);
    this.onDevice(device, states.length === 0 ? undefined : aggregate(states));
  }
}

function stateOf({ state, isHeld }: Channel): DeviceState {
  if (state === RINGING) return 'RINGING';
  if (state === BUSY) return 'BUSY';
  return state === UP && isHeld ? 'ONHOLD' : 'INUSE';
}

export function deviceOf(channel: Channel): string | undefined {
  return deviceOfName(channel.name);
}

/** None of a channel that lost its phone to another one. */
function deviceOfName(name: string): string | undefined {
  return name.endsWith('>') ? undefined : name.slice(0, name.lastIndexOf('-'));
}

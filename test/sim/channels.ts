/**
 * The channels of the simulated Asterisk: their names and ids, the events they raise, the rows they are in
 * CoreShowChannels, and the state they give their device (channels/chan_pjsip.c, `chan_pjsip_devicestate`).
 */
import { aggregate, type DeviceState } from '../../src/core/state.ts';
import type { Fields } from './message.ts';
import type { PbxEvent } from './pbx.ts';

/** include/asterisk/channelstate.h, those that occur here. */
export const DOWN = 0;
export const RING = 4;
export const RINGING = 5;
export const UP = 6;
export const BUSY = 7;
const STATE_TEXT: Record<number, string> = { 0: 'Down', 4: 'Ring', 5: 'Ringing', 6: 'Up', 7: 'Busy' };

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
  readonly #all = new Map<string, Channel>();
  #count = 0;
  #boots = 0;

  constructor(context: string, renames: boolean) {
    this.#context = context;
    this.renames = renames;
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
    if (!other) return;
    other.isHeld = held;
    this.#publish(deviceOf(other));
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

  /** The rows of CoreShowChannels. */
  rows(): Fields[] {
    return [...this.#all.values()].map((channel) => [
      ...this.#snapshot(channel),
      ['Application', 'AppDial'],
      ['ApplicationData', '(Outgoing Line)'],
      ['Duration', '00:00:00'],
      ['BridgeId', ''],
    ]);
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
    this.#tell(name, [...this.#snapshot(channel), ...more]);
  }

  #tell(name: string, fields: Fields): void {
    this.onEvent({ name, class: 'call', fields });
  }

  #snapshot({ id, linked, extension, name, state }: Channel): Fields {
    return [
      ['Channel', name],
      ['ChannelState', String(state)],
      ['ChannelStateDesc', STATE_TEXT[state] ?? 'Unknown'],
      ['CallerIDNum', deviceOfName(name)?.split('/')[1] ?? '<unknown>'],
      ['CallerIDName', '<unknown>'],
      ['ConnectedLineNum', '<unknown>'],
      ['ConnectedLineName', '<unknown>'],
      ['Language', 'en'],
      ['AccountCode', ''],
      ['Context', this.#context],
      ['Exten', extension],
      ['Priority', '1'],
      ['Uniqueid', id],
      ['Linkedid', linked],
    ];
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

/**
 * What the local Asterisk says, as the core sees it: no AMI headers, no sockets. Owns the shapes only.
 */
import type { DeviceState } from './state.ts';

export interface HintKey {
  readonly context: string;
  readonly extension: string;
}

/** One hint: its `ExtensionStatus` number (-1, -2: there is none) and the devices it names ('' = not told). */
export interface HintStatus extends HintKey {
  readonly hint: string;
  readonly status: number;
}

/** One device's aggregate state, as `DeviceStateChange` and DeviceStateList give it. */
export interface DeviceStatus {
  readonly device: string;
  readonly state: DeviceState;
}

/** One channel. `id` is its Uniqueid, which stays when it is renamed; `state` is the number Asterisk gives it. */
export interface ChannelStatus {
  readonly id: string;
  /** As Asterisk has it: `PJSIP/1001-0000002a`; while one channel takes the place of another, `…<MASQ>`, `…<ZOMBIE>`. */
  readonly name: string;
  /** `ChannelState` of Newchannel, Newstate and CoreShowChannels (include/asterisk/channelstate.h). */
  readonly state: number;
}

/** What an event tells of one channel. */
export type ChannelChange =
  /** Newchannel, Newstate. */
  | ({ readonly type: 'state' } & ChannelStatus)
  | { readonly type: 'renamed'; readonly id: string; readonly name: string }
  /** Hold, Unhold. */
  | { readonly type: 'held'; readonly id: string; readonly name: string; readonly held: boolean }
  | { readonly type: 'gone'; readonly id: string };

/**
 * Everything the local Asterisk has, read at one go in one AMI session. Rows are unique by context and
 * extension, by device, and by channel id; where an event arrived while the lists were read, the later of the two
 * is here. No list tells which channels are on hold.
 */
export interface Listing {
  readonly hints: readonly HintStatus[];
  readonly devices: readonly DeviceStatus[];
  /** Empty when channels are not read. */
  readonly channels: readonly ChannelStatus[];
}

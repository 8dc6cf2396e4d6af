/**
 * What the local Asterisk says, as the core sees it: no AMI headers, no sockets. Owns the shapes only.
 */
import type { Presence } from './presence.ts';
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

/** What a presence provider says of somebody: `CustomPresence:1001`, as `PresenceStateChange` and PresenceStateList give it. */
export interface PresenceStatus {
  readonly presentity: string;
  readonly presence: Presence;
}

/** One mailbox, `1001@default`, and how many new messages it has; as MessageWaiting and VoicemailUsersList give it. */
export interface MailboxStatus {
  readonly mailbox: string;
  readonly newMessages: number;
}

/**
 * Everything the local Asterisk has, read at one go in one AMI session. Rows are unique by context and
 * extension, by device, by channel id, by presentity and by mailbox; where an event arrived while the lists were read, the later of the two
 * is here. No list tells which channels are on hold.
 */
export interface Listing {
  readonly hints: readonly HintStatus[];
  readonly devices: readonly DeviceStatus[];
  /** Empty when channels are not read. */
  readonly channels: readonly ChannelStatus[];
  /** Empty where Asterisk has no list of them. */
  readonly presences: readonly PresenceStatus[];
  /** Empty when mailboxes are not read. */
  readonly mailboxes: readonly MailboxStatus[];
}

/**
 * What a channel looks like in events and lists: since 12, and as 1.8 has it (main/channel.c, main/manager.c of 1.8.32.3).
 * Values that nobody reads are some value.
 */
import type { Channel } from './channels.ts';
import type { Fields } from './message.ts';

const STATE_TEXT: Record<number, string> = { 0: 'Down', 4: 'Ring', 5: 'Ringing', 6: 'Up', 7: 'Busy' };

export function stateText(state: number): string {
  return STATE_TEXT[state] ?? 'Unknown';
}

const NOBODY = '<unknown>';
const numberOf = ({ name }: Channel): string =>
  name.endsWith('>') ? NOBODY : (name.slice(0, name.lastIndexOf('-')).split('/')[1] ?? NOBODY);

const state = (channel: Channel): Fields => [
  ['ChannelState', String(channel.state)],
  ['ChannelStateDesc', stateText(channel.state)],
];
const caller = (channel: Channel): Fields => [
  ['CallerIDNum', numberOf(channel)],
  ['CallerIDName', NOBODY],
];
const CONNECTED: Fields = [
  ['ConnectedLineNum', NOBODY],
  ['ConnectedLineName', NOBODY],
];

function snapshot(channel: Channel, context: string): Fields {
  return [
    ['Channel', channel.name],
    ...state(channel),
    ...caller(channel),
    ...CONNECTED,
    ['Language', 'en'],
    ['AccountCode', ''],
    ['Context', context],
    ['Exten', channel.extension],
    ['Priority', '1'],
    ['Uniqueid', channel.id],
    ['Linkedid', channel.linked],
  ];
}

export const newHeaders = {
  event: (_name: string, channel: Channel, context: string): Fields => snapshot(channel, context),
  row: (channel: Channel, context: string): Fields => [
    ...snapshot(channel, context),
    ['Application', 'AppDial'],
    ['ApplicationData', '(Outgoing Line)'],
    ['Duration', '00:00:00'],
    ['BridgeId', ''],
  ],
};

function oldEvent(name: string, channel: Channel, context: string): Fields {
  const id = ['Uniqueid', channel.id] as const;
  if (name === 'Newchannel') {
    return [
      ['Channel', channel.name],
      ...state(channel),
      ...caller(channel),
      ['AccountCode', ''],
      ['Exten', channel.extension],
      ['Context', context],
      id,
    ];
  }
  if (name === 'Newstate') {
    return [['Channel', channel.name], ...state(channel), ...caller(channel), ...CONNECTED, id];
  }
  // Hangup; that of a channel which lost its name to another says less.
  const who = channel.name.endsWith('<ZOMBIE>') ? [] : [...caller(channel), ...CONNECTED];
  return [['Channel', channel.name], id, ...who];
}

export const oldHeaders = {
  event: oldEvent,
  /** `UniqueID` here, and `Extension`. */
  row: (channel: Channel, context: string): Fields => [
    ['Channel', channel.name],
    ['UniqueID', channel.id],
    ['Context', context],
    ['Extension', channel.extension],
    ['Priority', '1'],
    ...state(channel),
    ['Application', 'AppDial'],
    ['ApplicationData', '(Outgoing Line)'],
    ['CallerIDnum', numberOf(channel)],
    ['CallerIDname', ''],
    ...CONNECTED,
    ['Duration', '00:00:00'],
    ['AccountCode', ''],
    ['BridgedChannel', ''],
    ['BridgedUniqueID', ''],
  ],
  /** Only a channel that runs the dialplan, the caller's, has the number of its state (`action_status`). */
  status: (channel: Channel, context: string): Fields => {
    const isCaller = channel.id === channel.linked;
    const inDialplan: Fields = [
      ['Accountcode', ''],
      ...state(channel),
      ['Context', context],
      ['Extension', channel.extension],
      ['Priority', '1'],
      ['Seconds', '0'],
    ];
    const elsewhere: Fields = [
      ['Account', ''],
      ['State', stateText(channel.state)],
    ];
    return [
      ['Channel', channel.name],
      ...caller(channel),
      ...CONNECTED,
      ...(isCaller ? inDialplan : elsewhere),
      ['Uniqueid', channel.id],
    ];
  },
};

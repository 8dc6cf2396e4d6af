/**
 * The actions of the simulated Asterisk that list hints, devices, presence, mailboxes and channels (main/pbx.c,
 * main/manager.c, res/res_manager_devicestate.c, res/res_manager_presencestate.c, apps/app_voicemail.c).
 */
import { acknowledge, failure, idOf, list, response } from './answer.ts';
import { shuffled, statusText } from './dialplan.ts';
import type { Mailbox } from './mailboxes.ts';
import { type Fields, type Message, packet } from './message.ts';
import { type Pbx, presenceFields } from './pbx.ts';

export function extensionStateList(message: Message, pbx: Pbx): string {
  if (pbx.shape.hints === 'kept' && pbx.hintCount === 0) {
    return failure(message, 'No dialplan hints are available');
  }
  const rows = pbx.hintRows();
  return list(
    message,
    'ExtensionStatus',
    'Extension Statuses will follow',
    'ExtensionStateListComplete',
    (pbx.shape.hints === 'kept' ? rows : shuffled(rows, pbx.random)).map((row) => [
      ['Exten', row.extension],
      ['Context', row.context],
      ['Hint', row.hint],
      ['Status', String(row.status)],
      ['StatusText', statusText(row.status)],
    ]),
  );
}

export function deviceStateList(message: Message, pbx: Pbx): string {
  return list(
    message,
    'DeviceStateChange',
    'Device State Changes will follow',
    'DeviceStateListComplete',
    shuffled(pbx.devices(), pbx.random).map(([device, state]) => [
      ['Device', device],
      ['State', state],
    ]),
  );
}

export function presenceStateList(message: Message, pbx: Pbx): string {
  return list(
    message,
    'PresenceStateChange',
    'Presence State Changes will follow',
    'PresenceStateListComplete',
    shuffled(pbx.presences.all(), pbx.random).map(([presentity, said]) => presenceFields(presentity, said)),
  );
}

export function coreShowChannels(message: Message, pbx: Pbx): string {
  const rows = shuffled(pbx.channelRows(), pbx.random);
  if (pbx.shape.since13) {
    return list(message, 'CoreShowChannel', 'Channels will follow', 'CoreShowChannelsComplete', rows);
  }
  const id = idOf(message);
  const begun = response(message, 'Success', [
    ['EventList', 'start'],
    ['Message', 'Channels will follow'],
  ]);
  const count: Fields = [
    ['EventList', 'Complete'],
    ['ListItems', String(rows.length)],
  ];
  const listed = rows.map((row) => packet([['Event', 'CoreShowChannel'], ...id, ...row]));
  return [begun, ...listed, packet([['Event', 'CoreShowChannelsComplete'], ...count, ...id])].join('');
}

/** `action_status` up to 11: the list does not say that it is one. */
export function status(message: Message, pbx: Pbx): string {
  const id = idOf(message);
  const rows = pbx.statusRows();
  return [
    acknowledge(message, 'Channel status will follow'),
    ...rows.map((row) => packet([['Event', 'Status'], ['Privilege', 'Call'], ...row, ...id])),
    packet([['Event', 'StatusComplete'], ...id, ['Items', String(rows.length)]]),
  ].join('');
}

export function voicemailUsersList(message: Message, pbx: Pbx): string {
  const boxes = pbx.voicemail.all();
  if (boxes.length === 0) return acknowledge(message, 'There are no voicemail users currently defined.');
  const text = 'Voicemail user list will follow';
  const [entry, complete] = ['VoicemailUserEntry', 'VoicemailUserEntryComplete'];
  const { since13, since18 } = pbx.shape;
  if (since13) {
    const rows = boxes.map((box) => userFields(box, { old: true, urgent: since18 }));
    return list(message, entry, text, complete, rows);
  }
  // Here the ActionID comes first, old messages are not counted, and nothing says that a list begins or ends.
  const id = idOf(message);
  const rows = boxes.map((box) => [...id, ['Event', entry] as const, ...userFields(box, {})]);
  return [acknowledge(message, text), ...rows.map(packet), packet([['Event', complete], ...id])].join('');
}

/** `append_vmu_info_astman`; only names and counts are modelled. */
function userFields(box: Mailbox, has: { readonly old?: boolean; readonly urgent?: boolean }): Fields {
  const [mailbox = '', context = ''] = box.name.split('@');
  return [
    ['VMContext', context],
    ['VoiceMailbox', mailbox],
    ['Fullname', box.fullname],
    ['Email', box.email ?? '(null)'],
    ['Pager', ''],
    ['ServerEmail', 'asterisk'],
    ...(has.old ? ([['FromString', '']] as const) : []),
    ['MailCommand', '/usr/sbin/sendmail -t'],
    ['Language', ''],
    ['TimeZone', ''],
    ['Callback', ''],
    ['Dialout', ''],
    ['UniqueID', ''],
    ['ExitContext', ''],
    ['SayDurationMinimum', '2'],
    ['SayEnvelope', 'Yes'],
    ['SayCID', 'No'],
    ['AttachMessage', 'Yes'],
    ['AttachmentFormat', ''],
    ['DeleteMessage', 'No'],
    ['VolumeGain', '0.00'],
    ['CanReview', 'No'],
    ...(has.urgent ? ([['CanMarkUrgent', 'Yes']] as const) : []),
    ['CallOperator', 'No'],
    ['MaxMessageCount', '100'],
    ['MaxMessageLength', '0'],
    ['NewMessageCount', String(box.fresh)],
    ...(has.old ? ([['OldMessageCount', String(box.old)]] as const) : []),
  ];
}

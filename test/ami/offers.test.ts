// What an Asterisk offers is found out by itself: old ones, down to 1.8, have fewer lists and events, and say less.
import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import type { HintStatus } from '../../src/core/source.ts';
import { until } from '../until.ts';
import { begin, closeAll, up } from './recorder.ts';
import {
  type Action,
  aboutChannel,
  answers,
  channelEvent,
  commands,
  event,
  type Reply,
  type Script,
  unknownCommand,
} from './scripted.ts';

afterEach(closeAll);

const STATUS: Record<string, number> = { '1001': 0, '1002': 1 };

/** ExtensionState up to 12 has no StatusText. */
const extensionState: Reply = (action) => {
  const { exten = '', context = '' } = action;
  const status = STATUS[exten] ?? -1;
  const hint = status < 0 ? '' : `SIP/${exten}`;
  return answers(
    `Message: Extension Status\nExten: ${exten}\nContext: ${context}\nHint: ${hint}\nStatus: ${status}\n`,
  )(action, undefined as never);
};

const hintEvent = (extension: string, status: number, hint = `SIP/${extension}`): string =>
  event('ExtensionStatus', {
    ...{ Exten: extension, Context: 'ext-local', Hint: hint, Status: String(status) },
  });

/** As main/manager.c of 1.8 has it, `action_coreshowchannels`: `UniqueID`, and the ActionID at the end of the end. */
const coreShowChannels: Reply = (action) => {
  const id = `ActionID: ${action['actionid']}\n`;
  return [
    `Response: Success\n${id}EventList: start\nMessage: Channels will follow\n\n`,
    `Event: CoreShowChannel\n${id}Channel: SIP/1002-00000001\nUniqueID: 1.1\nContext: internal\nChannelState: 6\nChannelStateDesc: Up\n\n`,
    `Event: CoreShowChannelsComplete\nEventList: Complete\nListItems: 1\n${id}\n`,
  ].join('');
};

/** What 1.8 offers, of what anybody looks at. */
const COMMANDS =
  'CoreShowChannels: List currently active channels. (Priv: system,reporting,all)\nVoicemailUsersList: List All Voicemail User Information. (Priv: call,reporting,all)\nExtensionState: Check Extension Status. (Priv: call,reporting,all)\nSetvar: Set a channel variable. (Priv: call,all)\n';

/** Its login sends FullyBooted too, up to 1.8.4 through the queue of events (main/manager.c, `action_login`). */
const OLD: Script = {
  greeting: 'Asterisk Call Manager/1.1\n',
  replies: {
    login: (action) =>
      `Response: Success\nActionID: ${action['actionid']}\nMessage: Authentication accepted\n\nEvent: FullyBooted\nPrivilege: system,all\nStatus: Fully Booted\n\n`,
    coresettings: answers('AMIversion: 1.1\nAsteriskVersion: 1.8.32.3\n'),
    listcommands: answers(COMMANDS),
    extensionstate: extensionState,
    coreshowchannels: coreShowChannels,
    extensionstatelist: unknownCommand,
    devicestatelist: unknownCommand,
    presencestatelist: unknownCommand,
  },
};

const asked = (...extensions: string[]) =>
  extensions.map((extension) => ({ context: 'ext-local', extension }));
const names = (actions: readonly Action[]): string[] => actions.map((action) => action['action'] ?? '');

async function upOld(options = {}) {
  const both = await begin(OLD, options);
  let listed: readonly HintStatus[] | undefined;
  both.seen.toAsk = (hints) => {
    listed = hints;
    return asked('1001', '1002', '1003');
  };
  await until('up', () => both.seen.ups.length >= 1);
  return { ...both, listed: () => listed };
}

test('an Asterisk 1.8 comes up: hints asked one by one, no devices, channels from their list, and no list it lacks', async () => {
  const { server, seen, listed } = await upOld({ channels: true });
  assert.deepEqual(listed(), []);
  assert.deepEqual(seen.ups[0], {
    hints: [
      { context: 'ext-local', extension: '1001', hint: 'SIP/1001', status: 0 },
      { context: 'ext-local', extension: '1002', hint: 'SIP/1002', status: 1 },
      { context: 'ext-local', extension: '1003', hint: '', status: -1 },
    ],
    channels: [{ id: '1.1', name: 'SIP/1002-00000001', state: 6 }],
    ...{ devices: [], presences: [], mailboxes: [] },
  });
  assert.deepEqual([seen.version, seen.lists], ['1.8.32.3', ['CoreShowChannels']]);
  assert.ok(!names(server.actions).some((name) => /^(Extension|Device|Presence)StateList$/.test(name)));
});

test('its events are understood, which have no StatusText, and a Hold with a Status', async () => {
  const { server, seen } = await upOld({ channels: true, mailboxes: true });
  server.peer.say(
    hintEvent('1001', 8) +
      channelEvent('Newchannel', 'SIP/1001-00000002', 0, '1.2') +
      channelEvent('Newstate', 'SIP/1001-00000002', 5, '1.2') +
      aboutChannel('Hold', 'SIP/1001-00000002', '1.2', { Status: 'On' }) +
      aboutChannel('Hold', 'SIP/1001-00000002', '1.2', { Status: 'Off' }) +
      aboutChannel('Hangup', 'SIP/1001-00000002', '1.2', { Cause: '16' }) +
      event('MessageWaiting', { Mailbox: '1001@default', Waiting: '1', New: '2', Old: '0' }) +
      event('MessageWaiting', { Mailbox: '1001@default', Waiting: '0' }),
  );
  await until('told', () => seen.mailboxes.length === 2);
  assert.deepEqual(
    seen.hints.map(({ extension, hint, status }) => [extension, hint, status]),
    [['1001', 'SIP/1001', 8]],
  );
  assert.deepEqual(
    seen.channels.map((change) => [change.type, 'held' in change ? change.held : undefined]),
    [
      ['state', undefined],
      ['state', undefined],
      ['held', true],
      ['held', false],
      ['gone', undefined],
    ],
  );
  assert.deepEqual(
    seen.mailboxes.map(({ newMessages }) => newMessages),
    [2, 0],
  );
});

test('there it relists as well, and no Asterisk without lists is called deaf', async () => {
  const { server, seen } = await upOld({ pingEveryMs: 5, relistEveryMs: 10, channels: true });
  await until('several relists', () => seen.relisted.length >= 4);
  assert.equal(seen.relisted[0]?.hints.length, 3);
  assert.deepEqual(seen.downs, []);
  assert.equal(server.peers.length, 1);
});

for (const [what, options, text] of [
  [
    'devices',
    { devices: true },
    /^Asterisk 1\.8\.32\.3 has no DeviceStateChange .*`device:` lines in export .*take those extensions from hints \(context:\) or from channels:$/,
  ],
  [
    'presence',
    { presences: true },
    /^Asterisk 1\.8\.32\.3 has no PresenceStateChange .*`presence:` lines in export .*take those lines out$/,
  ],
] as const) {
  test(`a config that takes states from ${what} is told that this Asterisk is too old, and the rest goes on`, async () => {
    const { seen } = await upOld(options);
    assert.match(seen.asterisk.status().lacking ?? '', text);
    assert.equal(seen.ups[0]?.hints.length, 3);
    seen.asterisk.relist();
    await until('relisted', () => seen.relisted.length >= 1);
    assert.match(seen.asterisk.status().lacking ?? '', text);
    assert.deepEqual([seen.failed, seen.downs], [[], []]);
  });
}

test('a PBX since 13 without res_manager_devicestate is still told so, whatever the config takes states from', async () => {
  const { seen } = await begin({
    replies: { listcommands: answers(commands().replace(/^DeviceStateList.*\n/m, '')) },
  });
  await until('failed', () => seen.failed.length >= 1);
  assert.equal(seen.failed[0]?.reason, 'missing-module');
  assert.match(seen.failed[0]?.text ?? '', /no DeviceStateList; load res_manager_devicestate/);
});

test('which lists are read is told, and the names of the core are asked for also when ListCommands is refused', async () => {
  const all = await up({}, { channels: true, mailboxes: true });
  assert.deepEqual(all.seen.lists, [
    ...[
      'ExtensionStateList',
      'DeviceStateList',
      'PresenceStateList',
      'VoicemailUsersList',
      'CoreShowChannels',
    ],
  ]);
  const blind = await up({ replies: { listcommands: unknownCommand } });
  assert.deepEqual(blind.seen.lists, ['ExtensionStateList', 'DeviceStateList']);
});

// Mailboxes: what of the packets is believed, in the shapes that the versions have, and how rows and events become one.
import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import fc from 'fast-check';
import { MAX_LISTED } from '../../src/ami/limits.ts';
import { mailboxOfEvent, mailboxOfRow } from '../../src/ami/mailbox.ts';
import { Merge } from '../../src/ami/merge.ts';
import type { Message } from '../../src/ami/message.ts';
import { fixture, parseRecording } from '../sim/recording.ts';
import { until } from '../until.ts';
import { closeAll, up } from './recorder.ts';
import {
  type Action,
  answers,
  commands,
  event,
  list,
  mailboxEvent,
  mailboxRow,
  parse,
  unknownCommand,
} from './scripted.ts';

afterEach(closeAll);

const ON = { mailboxes: true };
const rows = (...texts: string[]) => ({
  voicemailuserslist: (action: Action) => list(action, 'VoicemailUserEntry', texts),
});

test('without mailboxes nothing of them is asked or told', async () => {
  const { server, seen } = await up({ replies: rows(mailboxRow('default', '1001', 1)) });
  server.peer.say(mailboxEvent('1001@default', 1));
  seen.asterisk.relist();
  await until('relisted', () => seen.relisted.length >= 1);
  assert.ok(!server.actions.some((action) => action['action'] === 'VoicemailUsersList'));
  assert.deepEqual([seen.ups[0]?.mailboxes, seen.relisted[0]?.mailboxes], [[], []]);
  assert.deepEqual(seen.calls, ['up', 'relisted']);
});

test('with mailboxes they are part of each reading, and events count from their place in the stream on', async () => {
  const { server, seen } = await up(
    {
      replies: {
        voicemailuserslist: (action) =>
          // Before its row, which knows better by then.
          mailboxEvent('1001@default', 9) +
          list(action, 'VoicemailUserEntry', [
            mailboxRow('default', '1001', 0),
            mailboxRow('other', '1001', 2),
            mailboxRow('default', '1002', 0),
          ]) +
          mailboxEvent('1002', 3) +
          mailboxEvent('1009@default', 1),
      },
    },
    ON,
  );
  assert.deepEqual(seen.ups[0]?.mailboxes, [
    { mailbox: '1001@default', newMessages: 0 },
    { mailbox: '1001@other', newMessages: 2 },
    { mailbox: '1002@default', newMessages: 3 },
    { mailbox: '1009@default', newMessages: 1 },
  ]);
  assert.ok(seen.lists.includes('VoicemailUsersList'));
  server.script = { replies: rows(mailboxRow('default', '1001', 4)) };
  seen.asterisk.relist();
  await until('relisted', () => seen.relisted.length >= 1);
  assert.deepEqual(seen.relisted[0]?.mailboxes, [{ mailbox: '1001@default', newMessages: 4 }]);
  server.peer.say(mailboxEvent('1001@default', 5));
  await until('told', () => seen.mailboxes.length === 1);
  assert.deepEqual(seen.mailboxes, [{ mailbox: '1001@default', newMessages: 5 }]);
});

test('a voicemail without users has no mailboxes', async () => {
  const { seen } = await up({}, ON);
  assert.deepEqual(seen.ups[0]?.mailboxes, []);
});

test('the list of Asterisk up to 12, which says neither that it begins nor that it ends, is read', async () => {
  const { seen } = await up(
    {
      replies: {
        voicemailuserslist: (action) => {
          const id = `ActionID: ${action['actionid']}\n`;
          // There the ActionID comes first (apps/app_voicemail.c of 1.8, `manager_list_voicemail_users`).
          const entry = (box: string, unread: number) =>
            `${id}Event: VoicemailUserEntry\nVMContext: default\nVoiceMailbox: ${box}\nNewMessageCount: ${unread}\n\n`;
          return `Response: Success\n${id}Message: Voicemail user list will follow\n\n${entry('1001', 1)}${entry('1002', 0)}Event: VoicemailUserEntryComplete\n${id}\n`;
        },
      },
    },
    ON,
  );
  assert.deepEqual(seen.ups[0]?.mailboxes, [
    { mailbox: '1001@default', newMessages: 1 },
    { mailbox: '1002@default', newMessages: 0 },
  ]);
});

for (const [title, replies] of [
  ['ListCommands does not name it', { listcommands: answers(commands()) }],
  ['Asterisk does not know it', { listcommands: unknownCommand, voicemailuserslist: unknownCommand }],
] as const) {
  test(`a config with mailboxes is told that app_voicemail is missing: ${title}`, async () => {
    const { seen } = await up({ replies }, ON);
    assert.match(
      seen.asterisk.status().lacking ?? '',
      /no VoicemailUsersList, .*`mailbox:` lines .*; load app_voicemail/,
    );
    assert.ok(!seen.lists.includes('VoicemailUsersList'));
    assert.deepEqual([seen.ups[0]?.mailboxes, seen.failed], [[], []]);
  });
}

const waiting = (headers: Record<string, string>): Message => ({ event: 'MessageWaiting', ...headers });

test('New counts and not Waiting, which stands alone only when somebody listened to messages on Asterisk up to 11', () => {
  assert.deepEqual(mailboxOfEvent(waiting({ mailbox: '1001@default', waiting: '1', new: '0', old: '3' })), {
    ...{ mailbox: '1001@default', newMessages: 0 },
  });
  for (const count of ['0', '1']) {
    assert.deepEqual(mailboxOfEvent(waiting({ mailbox: '1001', waiting: count })), {
      ...{ mailbox: '1001@default', newMessages: Number(count) },
    });
  }
});

test('every packet that was recorded from real Asterisks is understood', () => {
  for (const version of ['16.28', '22.10']) {
    const rows = new Map<string, number>();
    const events = new Map<string, number>();
    for (const { packets } of parseRecording(fixture(`${version}-voicemail.txt`))) {
      for (const lines of packets) {
        const message = parse(lines.join('\r\n'));
        const isRow = message['event'] === 'VoicemailUserEntry';
        if (!isRow && message['event'] !== 'MessageWaiting') continue;
        const status = isRow ? mailboxOfRow(message) : mailboxOfEvent(message);
        assert.ok(status, lines.join());
        (isRow ? rows : events).set(status.mailbox, status.newMessages);
      }
    }
    // Of somebody's phone too, which has no row.
    assert.deepEqual([...rows.keys()].sort(), ['1001@default', '1002@default', '1003@other'], version);
    for (const mailbox of rows.keys()) assert.ok(events.has(mailbox), `${version} ${mailbox}`);
  }
});

test('several mailboxes in one packet, a name that cannot be, or a count that is none, are no news', () => {
  for (const mailbox of [
    ...['', '@', '@default', '1001@', '1001@a@b', '1001@default,1002@default', '1001&1002', '1001 1002'],
    ...['a\u0000@default', `${'1'.repeat(80)}@default`, `1001@${'c'.repeat(80)}`],
  ]) {
    // An empty context is the default one.
    const expected = mailbox === '1001@' ? { mailbox: '1001@default', newMessages: 1 } : undefined;
    assert.deepEqual(mailboxOfEvent(waiting({ mailbox, new: '1' })), expected, mailbox);
  }
  for (const count of ['', '-1', '1.5', ' 1', '1e3', '0x1', '1234567890', '٣']) {
    assert.equal(mailboxOfEvent(waiting({ mailbox: '1001', new: count, waiting: '1' })), undefined, count);
    assert.equal(mailboxOfRow({ voicemailbox: '1001', newmessagecount: count }), undefined, count);
  }
  assert.equal(mailboxOfEvent(waiting({ mailbox: '1001' })), undefined);
  assert.equal(mailboxOfRow({ vmcontext: 'default', newmessagecount: '1' }), undefined);
});

test('whatever a packet holds, what is believed of it is one mailbox and a number', () => {
  const text = fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('1', '1001', '1001@default', 'a@b@c'));
  const headers = fc.dictionary(
    fc.constantFrom('mailbox', 'new', 'waiting', 'vmcontext', 'voicemailbox', 'newmessagecount'),
    text,
  );
  fc.assert(
    fc.property(headers, (message) => {
      for (const status of [mailboxOfEvent(message), mailboxOfRow(message)]) {
        if (status === undefined) continue;
        assert.match(status.mailbox, /^[^\s,&@\u0000-\u001f\u007f]{1,79}@[^\s,&@\u0000-\u001f\u007f]{1,79}$/);
        assert.ok(Number.isInteger(status.newMessages) && status.newMessages >= 0);
      }
    }),
    { numRuns: 2_000 },
  );
});

test('mailboxes and presentities past the bound make a reading no longer whole', () => {
  for (const kind of ['mailbox', 'presence'] as const) {
    const merge = new Merge();
    const add = (name: string): void => {
      if (kind === 'mailbox') merge.mailbox({ mailbox: name, newMessages: 0 });
      else merge.presence({ presentity: name, presence: '' as never });
    };
    for (let i = 0; i < MAX_LISTED; i++) add(String(i));
    add('0');
    assert.equal(merge.isWhole, true);
    add('more');
    assert.equal(merge.isWhole, false);
  }
});

test('an event with a channel in front is about its mailbox', async () => {
  const { server, seen } = await up({}, ON);
  server.peer.say(
    event('MessageWaiting', {
      ...{ Channel: 'PJSIP/1001-00000001', ChannelState: '6', Uniqueid: '1.1', Context: 'internal' },
      ...{ Mailbox: '1001@default', Waiting: '1', New: '2', Old: '0' },
    }),
  );
  await until('told', () => seen.mailboxes.length === 1);
  assert.deepEqual(seen.mailboxes, [{ mailbox: '1001@default', newMessages: 2 }]);
});

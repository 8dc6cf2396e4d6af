// Presence: what of the packets is believed, how rows and events become one, and what is written.
import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import fc from 'fast-check';
import { encode, Unwritable } from '../../src/ami/encode.ts';
import { MAX_ACTION_LINE } from '../../src/ami/limits.ts';
import type { Message } from '../../src/ami/message.ts';
import { presenceStatus } from '../../src/ami/presence.ts';
import {
  isPresenceText,
  MAX_PRESENCE_TEXT,
  NOT_SET,
  PRESENCE_WORDS,
  type Presence,
  type PresenceWord,
  partsOf,
  presenceOf,
} from '../../src/core/presence.ts';
import { fixture, parseRecording } from '../sim/recording.ts';
import { until } from '../until.ts';
import { closeAll, up } from './recorder.ts';
import { answers, commands, deviceEvent, list, parse, presenceEvent, unknownCommand } from './scripted.ts';

afterEach(closeAll);

const of = (word: PresenceWord, subtype = '', message = ''): Presence =>
  presenceOf({ word, subtype, message });
const told = (presentity: string, ...parts: Parameters<typeof of>) => ({
  presentity,
  presence: of(...parts),
});
const packet = (message: string): Message => ({
  ...{ presentity: 'CustomPresence:1001', status: 'away', subtype: '', message },
});
const messageOf = (text: string, escaped: boolean): string => {
  const status = presenceStatus(packet(text), escaped);
  assert.ok(status);
  return partsOf(status.presence).message;
};

test('the list is part of the first reading and of each relist, events count from their place in the stream on', async () => {
  const { server, seen } = await up({
    replies: {
      presencestatelist: (action) =>
        // Before its row, which knows better by then.
        presenceEvent('CustomPresence:1001', 'chat') +
        list(action, 'PresenceStateList', [
          presenceEvent('CustomPresence:1001', 'away', 'lunch', 'Обед, до 14:00'),
          presenceEvent('CustomPresence:1002', 'not_set'),
          presenceEvent('CustomPresence:1003', 'no such word'),
        ]) +
        presenceEvent('CustomPresence:1002', 'dnd') +
        presenceEvent('SIP/1004', 'xa'),
    },
  });
  assert.deepEqual(seen.ups[0]?.presences, [
    told('CustomPresence:1001', 'away', 'lunch', 'Обед, до 14:00'),
    told('CustomPresence:1002', 'dnd'),
    told('SIP/1004', 'xa'),
  ]);
  assert.deepEqual(seen.lists, ['ExtensionStateList', 'DeviceStateList', 'PresenceStateList']);
  server.script = { replies: { presencestatelist: (action) => list(action, 'PresenceStateList', []) } };
  seen.asterisk.relist();
  await until('relisted', () => seen.relisted.length >= 1);
  assert.deepEqual(seen.relisted[0]?.presences, []);
  // Asterisk repeats what was written again: that is told on, and the core compares.
  server.peer.say(presenceEvent('CustomPresence:1001', 'away').repeat(2));
  await until('told', () => seen.presences.length === 2);
  assert.deepEqual(seen.presences, Array(2).fill(told('CustomPresence:1001', 'away')));
});

test('where there is no list of presence nothing is asked, and hints and devices go on', async () => {
  const { server, seen } = await up({ replies: { listcommands: answers(commands()) } });
  assert.deepEqual(seen.ups[0]?.presences, []);
  assert.ok(!server.actions.some((action) => action['action'] === 'PresenceStateList'));
  server.peer.say(deviceEvent('PJSIP/1001', 'INUSE'));
  await until('told', () => seen.devices.length === 1);
});

for (const [title, replies] of [
  ['ListCommands does not name it', { listcommands: answers(commands()) }],
  ['Asterisk does not know it', { listcommands: unknownCommand, presencestatelist: unknownCommand }],
] as const) {
  test(`a config that takes states from presence is told which module is missing: ${title}`, async () => {
    const { seen } = await up({ replies }, { presences: true });
    assert.match(
      seen.asterisk.status().lacking ?? '',
      /no PresenceStateList, .*`presence:` lines .*; load res_manager_presencestate/,
    );
    assert.ok(!seen.lists.includes('PresenceStateList'));
    assert.deepEqual([seen.ups[0]?.presences, seen.failed], [[], []]);
  });
}

test('texts are read as this version writes them', async () => {
  for (const [version, written, read] of [
    [
      '22.10.1+dfsg+~cs6.17.60671434-1',
      String.raw`a\\b \"c\" \'d\' e\? f\tg`,
      String.raw`a\b "c" 'd' e? f g`,
    ],
    ['13.5.0', String.raw`one\ntwo \\n`, String.raw`one two \n`],
    ['certified/13.13-cert2', String.raw`\\`, '\\'],
    ['GIT-master-1234abc', String.raw`\\`, '\\'],
    ['13.4.2', String.raw`a\\b\n`, String.raw`a\\b\n`],
    ['certified/13.1-cert8', String.raw`\\`, String.raw`\\`],
  ] as const) {
    const { seen } = await up({
      replies: {
        coresettings: answers(`AsteriskVersion: ${version}\n`),
        presencestatelist: (action) =>
          list(action, 'PresenceStateList', [presenceEvent('CustomPresence:1', 'away', written, written)]),
      },
    });
    assert.deepEqual(seen.ups[0]?.presences, [told('CustomPresence:1', 'away', read, read)], version);
    await seen.asterisk.close();
  }
});

test('every packet that was recorded from real Asterisks is understood', () => {
  for (const version of ['16.28', '22.10']) {
    const texts = new Set<string>();
    for (const { packets } of parseRecording(fixture(`${version}-presence.txt`))) {
      for (const lines of packets.filter(([first]) => first === 'Event: PresenceStateChange')) {
        const status = presenceStatus(parse(lines.join('\r\n')), true);
        assert.ok(status, lines.join());
        texts.add(partsOf(status.presence).message);
      }
    }
    assert.ok(texts.has('Zurück "um" 10 \\ Anna'), version);
    // Control characters, of which Asterisk escapes some only.
    assert.ok(
      [...texts].some((text) => /^line feed +end \?'$/.test(text)),
      version,
    );
  }
});

test('a backslash that Asterisk would not write stands for itself', () => {
  for (const text of ['\\', 'a\\', '\\x41', '\\0', '\\ z']) assert.equal(messageOf(text, true), text);
  assert.equal(messageOf('\\\\\\"', true), '\\"');
  assert.equal(messageOf('kept: as it  is', true), 'kept: as it  is');
});

test('whatever a text holds, what Asterisk escaped comes back as it was', () => {
  const letters = ['a', 'b', 'f', 'n', 'r', 't', 'v', '\\', "'", '"', '?'];
  const meant = ['\u0007', '\b', '\f', '\n', '\r', '\t', '\v', '\\', "'", '"', '?'];
  const escaped = (text: string): string =>
    [...text].map((c) => (meant.includes(c) ? `\\${letters[meant.indexOf(c)]}` : c)).join('');
  const text = fc.string({ unit: fc.oneof(fc.constantFrom(...letters, 'é', '%', ','), fc.string()) });
  fc.assert(
    fc.property(text.filter(isPresenceText), (free) => assert.equal(messageOf(escaped(free), true), free)),
  );
});

test('a packet without a name or a word, or with one that cannot be, is no presence; texts are made fit', () => {
  for (const presentity of ['', 'x'.repeat(256), 'a\u0000', 'a\u007f']) {
    assert.equal(presenceStatus({ ...packet(''), presentity }, true), undefined);
  }
  for (const status of ['', 'AWAY', 'invalid', '__proto__']) {
    assert.equal(presenceStatus({ ...packet(''), status }, true), undefined);
  }
  assert.deepEqual(presenceStatus({ presentity: 'x', status: 'not_set' }, true), {
    ...{ presentity: 'x', presence: NOT_SET },
  });
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 600 }), fc.boolean(), (text, escaped) => {
      assert.ok(isPresenceText(messageOf(text, escaped)));
    }),
  );
});

test('each presence is written as one line that Asterisk parses, texts in base64', () => {
  const write = (presentity: string, presence: Presence) => encode({ name: 'Setvar', presentity, presence });
  assert.deepEqual(write('CustomPresence:1001*msk', of('away', 'a,b', 'Обед "14"')), {
    action: 'Setvar',
    variable: 'PRESENCE_STATE(CustomPresence:1001*msk)',
    value: 'away,YSxi,0J7QsdC10LQgIjE0Ig==,e',
  });
  const longest = 'x'.repeat(MAX_PRESENCE_TEXT);
  for (const word of PRESENCE_WORDS) {
    assert.equal(write('custompresence:1001', of(word))['value'], `${word},,,e`);
    const { variable, value } = write(`CustomPresence:${'1'.repeat(68)}*msk`, of(word, longest, longest));
    assert.ok(`Variable: ${variable}`.length < MAX_ACTION_LINE);
    assert.ok(`Value: ${value}`.length < MAX_ACTION_LINE);
    assert.deepEqual(
      value
        ?.split(',')
        .slice(1, 3)
        .map((text) => Buffer.from(text, 'base64').toString()),
      [longest, longest],
    );
  }
  const forged = (...parts: unknown[]): Presence => JSON.stringify(parts) as Presence;
  for (const [presentity, presence] of [
    ['Custom:1001*msk', NOT_SET],
    ['CustomPresence:', NOT_SET],
    ['CustomPresence:1001*msk)', NOT_SET],
    ['CustomPresence:1001\r\nAction: Command', NOT_SET],
    ['CustomPresence:SIP/1001*msk', NOT_SET],
    ['CustomPresence:1001@x', NOT_SET],
    ['CustomPresence:1001*msk', forged('gone', '', '')],
    ['CustomPresence:1001*msk', forged('away', 'a\nb', '')],
    ['CustomPresence:1001*msk', forged('away', '', 'x'.repeat(MAX_PRESENCE_TEXT + 1))],
    ['CustomPresence:1001*msk', forged('away\r\nAction: Command', '', '')],
  ] as [string, Presence][]) {
    assert.throws(() => write(presentity, presence), Unwritable, presentity);
  }
});

test('a presence is written in the order of the other writes, and answered', async () => {
  const { server, seen } = await up({
    replies: {
      setvar: (action) =>
        action['value']?.startsWith('dnd')
          ? `Response: Error\nActionID: ${action['actionid']}\nMessage: no memory\n\n`
          : answers('Message: Variable Set\n')(action, undefined as never),
    },
  });
  const { asterisk } = seen;
  const results = await Promise.all([
    asterisk.setPresence('CustomPresence:1001*spb', of('away', '', 'back soon')),
    asterisk.setDeviceState('Custom:1001*spb', 'INUSE'),
    asterisk.setPresence('CustomPresence:1002*spb', of('dnd')),
    asterisk.setPresence('PJSIP/1002', of('away')),
  ]);
  assert.deepEqual(
    results.map((result) => (result.ok ? 'ok' : result.why)),
    [...['ok', 'ok', 'no memory'], '"PJSIP/1002" is no lamp (CustomPresence:EXT*tag or CustomPresence:EXT)'],
  );
  assert.deepEqual(
    server.actions.filter((action) => action['action'] === 'Setvar').map((action) => action['variable']),
    [
      'PRESENCE_STATE(CustomPresence:1001*spb)',
      'DEVICE_STATE(Custom:1001*spb)',
      'PRESENCE_STATE(CustomPresence:1002*spb)',
    ],
  );
  await asterisk.close();
  assert.deepEqual(await asterisk.setPresence('CustomPresence:1001*spb', NOT_SET), {
    ...{ ok: false, why: 'there is no session with Asterisk' },
  });
});

test('an Asterisk without func_presencestate is not asked to write presence again before the next reading', async () => {
  const { server, seen } = await up({
    replies: {
      setvar: (action) =>
        action['variable']?.startsWith('PRESENCE_STATE')
          ? `Response: Error\nActionID: ${action['actionid']}\nMessage: Variable not set\n\n`
          : answers('Message: Variable Set\n')(action, undefined as never),
    },
  });
  const { asterisk } = seen;
  const written = () => server.actions.filter((action) => action['action'] === 'Setvar').length;
  for (let i = 0; i < 3; i++) {
    const result = await asterisk.setPresence('CustomPresence:1001*spb', of('away'));
    assert.match(result.ok ? '' : result.why, /does not take PRESENCE_STATE; load func_presencestate/);
    assert.equal(written(), 1);
  }
  assert.deepEqual(await asterisk.setDeviceState('Custom:1001*spb', 'INUSE'), { ok: true });
  server.script = {};
  asterisk.relist();
  await until('relisted', () => seen.relisted.length >= 1);
  assert.deepEqual(await asterisk.setPresence('CustomPresence:1001*spb', of('away')), { ok: true });
  server.peer.socket.destroy();
  await until('down', () => seen.downs.length >= 1);
  const gone = await asterisk.setPresence('CustomPresence:1001*spb', of('away'));
  assert.match(gone.ok ? '' : gone.why, /no session/);
});

// The eventfilter lines of deploy/manager.conf: what those about hints, devices and channels let through was recorded from
// real Asterisks with these very lines (test/fixtures/ami, users `filtered` and `channels`); here the edge meets all three.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { afterEach, test } from 'node:test';
import { presenceOf } from '../../src/core/presence.ts';
import { SimulatedAsterisk } from '../sim/asterisk.ts';
import { fixture, usersOf } from '../sim/recording.ts';
import { until } from '../until.ts';
import { closeAll, closeLater, type Recorder, record } from './recorder.ts';

afterEach(closeAll);

const shipped = readFileSync(new URL('../../deploy/manager.conf', import.meta.url), 'utf8');
const lines = (text: string) => [...text.matchAll(/^eventfilter = (.*)$/gm)].map((found) => found[1] ?? '');
const asShipped = lines(shipped);
const withChannels = lines(shipped.replace(/^;(?=eventfilter)/gm, ''));
const [states = '', channels = '', people = ''] = withChannels;

async function start(eventfilter: readonly string[]): Promise<{ pbx: SimulatedAsterisk; seen: Recorder }> {
  const pbx = new SimulatedAsterisk({
    bootMs: 20,
    hints: { '1001': 'PJSIP/1001,CustomPresence:1001', '1002': 'PJSIP/1002' },
    mailboxes: { '1001@default': {} },
    users: [
      {
        username: 'hintmesh',
        secret: 'dummy-secret',
        ...{ read: 'call,system', write: 'call,reporting', eventfilter },
      },
    ],
  });
  await pbx.start();
  closeLater({ close: () => pbx.stop() });
  const seen = record(pbx.port, {
    ...{ secret: 'dummy-secret', channels: true, presences: true, mailboxes: true },
    ...{ pingEveryMs: 5, relistEveryMs: 20 },
  });
  closeLater(seen.asterisk).start();
  await until('up', () => seen.ups.length >= 1);
  return { pbx, seen };
}

test('what is shipped is what was recorded', () => {
  const user = (name: string) =>
    usersOf(fixture('manager.conf')).find(({ username }) => username === name)?.eventfilter;
  assert.deepEqual(user('filtered'), [states]);
  assert.deepEqual(user('channels'), [states, channels]);
  assert.deepEqual(asShipped, [states, people]);
  assert.equal(withChannels.length, 3);
});

test('the shipped file as it is lets hints and devices through, and the edge says that channels are missing', async () => {
  const { pbx, seen } = await start(asShipped);
  pbx.call('1001', '1002').answer();
  await until('hints and devices', () => seen.hints.length > 0 && seen.devices.length > 0);
  await until('down', () => seen.downs.length >= 1);
  assert.equal(seen.downs[0]?.reason, 'missing-channel-events');
  assert.match(seen.downs[0]?.text ?? '', /eventfilter/);
  assert.deepEqual(seen.channels, []);
});

test('with the line for channels uncommented everything about a call is heard', async () => {
  const { pbx, seen } = await start(withChannels);
  const call = pbx.call('1001', '1002');
  call.answer();
  call.hold('1002');
  call.resume('1002');
  call.hangup();
  await until('both gone', () => seen.channels.filter(({ type }) => type === 'gone').length === 2);
  const { length } = seen.relisted;
  await until('more relists', () => seen.relisted.length > length + 4);
  assert.deepEqual(seen.downs, []);
  assert.deepEqual(
    seen.channels.map(({ type }) => type),
    ['state', 'state', 'state', 'state', 'state', 'held', 'held', 'gone', 'gone'],
  );
});

test('the shipped file as it is lets presence and mailboxes through, and not the texts that nobody escaped', async () => {
  const { pbx, seen } = await start(asShipped);
  pbx.pbx.writePresence('CustomPresence:1001', 'dnd,,back,');
  pbx.pbx.leaveMessage('1001@default');
  await until('both', () => seen.presences.length > 0 && seen.mailboxes.length > 0);
  assert.deepEqual(seen.presences, [
    {
      presentity: 'CustomPresence:1001',
      presence: presenceOf({ word: 'dnd', subtype: '', message: 'back' }),
    },
  ]);
  assert.deepEqual(seen.mailboxes, [{ mailbox: '1001@default', newMessages: 1 }]);
  const passes = (name: string): boolean =>
    asShipped.some((line) => new RegExp(line.replace('[[:space:]]', '\\s')).test(`Event: ${name}\r\n`));
  assert.deepEqual(
    ['PresenceStateChange', 'MessageWaiting', 'DeviceStateChange', 'PresenceStatus', 'Newchannel'].filter(
      passes,
    ),
    ['PresenceStateChange', 'MessageWaiting', 'DeviceStateChange'],
  );
});

test('with the lines of an earlier version a config that takes states from presence is told what is missing', async () => {
  const { pbx, seen } = await start([states]);
  pbx.pbx.writePresence('CustomPresence:1001', 'dnd,,,');
  await until('down', () => seen.downs.length >= 1);
  assert.equal(seen.downs[0]?.reason, 'missing-presence-events');
  assert.deepEqual(seen.presences, []);
});

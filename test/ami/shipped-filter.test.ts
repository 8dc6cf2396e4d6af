// The eventfilter lines of deploy/manager.conf: what each lets through was recorded from real Asterisks with these
// very lines (test/fixtures/ami, users `filtered` and `channels`); here the edge meets them.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { afterEach, test } from 'node:test';
import { SimulatedAsterisk } from '../sim/asterisk.ts';
import { fixture, usersOf } from '../sim/recording.ts';
import { until } from '../until.ts';
import { closeAll, closeLater, type Recorder, record } from './recorder.ts';

afterEach(closeAll);

const shipped = readFileSync(new URL('../../deploy/manager.conf', import.meta.url), 'utf8');
const lines = (text: string) => [...text.matchAll(/^eventfilter = (.*)$/gm)].map((found) => found[1] ?? '');
const asShipped = lines(shipped);
const withChannels = lines(shipped.replace(/^;(?=eventfilter)/gm, ''));

async function start(eventfilter: readonly string[]): Promise<{ pbx: SimulatedAsterisk; seen: Recorder }> {
  const pbx = new SimulatedAsterisk({
    bootMs: 20,
    hints: { '1001': 'PJSIP/1001', '1002': 'PJSIP/1002' },
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
    ...{ secret: 'dummy-secret', channels: true, pingEveryMs: 5, relistEveryMs: 20 },
  });
  closeLater(seen.asterisk).start();
  await until('up', () => seen.ups.length >= 1);
  return { pbx, seen };
}

test('what is shipped is what was recorded', () => {
  const user = (name: string) =>
    usersOf(fixture('manager.conf')).find(({ username }) => username === name)?.eventfilter;
  assert.deepEqual(user('filtered'), asShipped);
  assert.deepEqual(user('channels'), withChannels);
  assert.equal(withChannels.length, 2);
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

// The AMI edge against simulated Asterisks of other shapes: 1.8, which has no lists of states, and 22.11 with its new
// engine of hints. Neither was ever compared with a running one (test/sim/shape.ts).
import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import type { AmiOptions } from '../../src/ami/contract.ts';
import type { Times } from '../../src/ami/limits.ts';
import { presenceOf } from '../../src/core/presence.ts';
import { SimulatedAsterisk, type SimulatedAsteriskOptions } from '../sim/asterisk.ts';
import { until } from '../until.ts';
import { AT_ONCE, closeAll, closeLater, PINGING, pingedOn, type Recorder, record } from './recorder.ts';

afterEach(closeAll);

const PHONES = { 'PJSIP/1001': 'NOT_INUSE', 'PJSIP/1002': 'NOT_INUSE' } as const;
const HINTS = {
  '1001': 'PJSIP/1001',
  '1002': 'PJSIP/1002',
  _2XXX: 'Custom:l${EXTEN}',
  '1001*spb': 'Custom:1001*spb',
};
const ask = (...extensions: string[]) => extensions.map((extension) => ({ context: 'ext-local', extension }));

async function pbxLike(options: SimulatedAsteriskOptions): Promise<SimulatedAsterisk> {
  const pbx = new SimulatedAsterisk({ bootMs: 20, hints: HINTS, devices: PHONES, refusalMs: 5, ...options });
  await pbx.start();
  closeLater({ close: () => pbx.stop() });
  return pbx;
}

async function upAt(
  pbx: SimulatedAsterisk,
  options: Partial<AmiOptions> = {},
  times: Partial<Times> = {},
): Promise<Recorder> {
  const seen = record(pbx.port, { secret: 'dummy-secret', ...options }, times);
  seen.toAsk = (listed) =>
    ask('1001', '1002', '2005').filter((key) => !listed.some(({ extension }) => extension === key.extension));
  closeLater(seen.asterisk).start();
  await until('up', () => seen.ups.length >= 1);
  return seen;
}

const last = (seen: Recorder) => seen.relisted.at(-1) ?? seen.ups.at(-1);
const hintOf = (seen: Recorder, extension: string) =>
  seen.hints.filter((hint) => hint.extension === extension).at(-1)?.status;

test('1.8: everything that can be asked is, and a call with a hold is followed', async () => {
  const pbx = await pbxLike({ shape: '1.8', mailboxes: { '1001@default': { fresh: 1 } } });
  const seen = await upAt(pbx, { channels: true, mailboxes: true });
  assert.deepEqual([seen.version, seen.lists], ['1.8.32.3', ['VoicemailUsersList', 'CoreShowChannels']]);
  const { hints, devices, mailboxes } = seen.ups[0] ?? assert.fail();
  assert.deepEqual(
    hints.map(({ extension, status }) => [extension, status]),
    [
      ['1001', 0],
      ['1002', 0],
      ['2005', 0],
    ],
  );
  assert.deepEqual([devices, mailboxes], [[], [{ mailbox: '1001@default', newMessages: 1 }]]);
  const call = pbx.call('1001', '1002');
  await until('rings', () => hintOf(seen, '1002') === 8);
  call.answer();
  call.hold('1002');
  call.resume('1002');
  call.hangup();
  await until('gone', () => seen.channels.filter(({ type }) => type === 'gone').length === 2);
  assert.deepEqual(
    seen.channels.flatMap((change) => (change.type === 'held' ? [change.held] : [])),
    [true, false],
  );
  await until('at rest', () => hintOf(seen, '1002') === 0);
  pbx.leaveMessage('1001@default');
  await until('told', () => seen.mailboxes.at(-1)?.newMessages === 2);
  assert.deepEqual(seen.downs, []);
});

test('1.8: a hint by pattern that a reload made forgotten, without a word, comes back with the next relist', async () => {
  const pbx = await pbxLike({ shape: '1.8' });
  const seen = await upAt(pbx);
  pbx.setDevice('Custom:l2005', 'INUSE');
  await until('told', () => hintOf(seen, '2005') === 1);
  pbx.dialplanReload();
  pbx.setDevice('Custom:l2005', 'RINGING');
  seen.asterisk.relist();
  await until('asked again', () => last(seen)?.hints.some(({ status }) => status === 8));
  pbx.setDevice('Custom:l2005', 'NOT_INUSE');
  await until('told again', () => hintOf(seen, '2005') === 0);
});

test('1.8: lamps are written, and of two brokers one stands by', async () => {
  const pbx = await pbxLike({ shape: '1.8' });
  const lease = { keep: 20, look: 10, askAgain: 30, deadAfter: 150 };
  const first = await upAt(pbx, { lease: { tag: 'msk', epoch: 'one' } }, { lease });
  const second = record(pbx.port, { secret: 'dummy-secret', lease: { tag: 'msk', epoch: 'two' } }, { lease });
  closeLater(second.asterisk).start();
  await until('stands by', () => second.calls.includes('standsBy'));
  assert.deepEqual(await first.asterisk.setDeviceState('Custom:1001*spb', 'RINGING'), { ok: true });
  await until('the lamp', () => pbx.hintState('1001*spb') === 'RINGING');
  await first.asterisk.close();
  await until('takes over', () => second.ups.length === 1);
});

test('22.11: an unchanged reload says nothing, loses nothing and calls for nothing', async () => {
  const pbx = await pbxLike({ shape: '22.11' });
  const seen = await upAt(pbx);
  pbx.dialplanReload();
  pbx.setDevice('Custom:l2005', 'INUSE');
  await until('told', () => hintOf(seen, '2005') === 1);
  assert.deepEqual(
    seen.hints.map(({ extension }) => extension),
    ['2005'],
  );
  assert.deepEqual(seen.relisted, []);
});

test('22.11: a hint that is taken away is told at once, and is not in the next listing', async () => {
  const pbx = await pbxLike({ shape: '22.11' });
  const seen = await upAt(pbx);
  pbx.removeHint('1002');
  pbx.dialplanReload();
  await until('told', () => hintOf(seen, '1002') === -2);
  seen.toAsk = () => ask('1002');
  seen.asterisk.relist();
  await until('relisted', () => seen.relisted.length >= 1);
  assert.equal(last(seen)?.hints.find(({ extension }) => extension === '1002')?.status, -1);
});

test('22.11: two phones that ring one after the other call for no relist', async () => {
  const pbx = await pbxLike({ shape: '22.11', hints: { '1003': 'PJSIP/1001&PJSIP/1002' } });
  const seen = await upAt(pbx, PINGING, AT_ONCE);
  const { toAsk } = seen;
  let readings = 0;
  seen.toAsk = (listed) => {
    readings += 1;
    return toAsk(listed);
  };
  pbx.setDevice('PJSIP/1001', 'RINGING');
  await until('rings', () => hintOf(seen, '1003') === 8);
  pbx.setDevice('PJSIP/1002', 'RINGING');
  await until('both', () => seen.hints.length === 2);
  pbx.setDevice('PJSIP/1001', 'NOT_INUSE');
  pbx.setDevice('PJSIP/1002', 'NOT_INUSE');
  await until('at rest', () => hintOf(seen, '1003') === 0);
  await pingedOn(seen);
  assert.equal(readings, 0);
});

test('22.11: a PBX without any hint has an empty list of them', async () => {
  const pbx = await pbxLike({ shape: '22.11', hints: {} });
  const seen = await upAt(pbx);
  assert.deepEqual(
    seen.ups[0]?.hints.map(({ status }) => status),
    [-1, -1, -1],
  );
});

for (const shape of ['16.28', '22.10', '22.11'] as const) {
  test(`${shape}: a presence that is written comes back as it was written, and is there after a restart`, async () => {
    const pbx = await pbxLike({ shape });
    const seen = await upAt(pbx, { presences: true });
    const presence = presenceOf({ word: 'away', subtype: 'a, b', message: 'Обед "до" 14\\00?' });
    const presentity = 'CustomPresence:1001*spb';
    assert.deepEqual(await seen.asterisk.setPresence(presentity, presence), { ok: true });
    await until('told', () => seen.presences.length === 1);
    assert.deepEqual(seen.presences, [{ presentity, presence }]);
    await pbx.stop();
    await pbx.start();
    await until('up again', () => seen.ups.length === 2);
    assert.deepEqual(seen.ups[1]?.presences, [{ presentity, presence }]);
  });
}

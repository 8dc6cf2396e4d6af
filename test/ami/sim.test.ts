// The AMI edge against the simulated Asterisk: what only a peer that remembers can show.
import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { SimulatedAsterisk, type SimulatedAsteriskOptions } from '../sim/asterisk.ts';
import { until } from '../until.ts';
import { closeAll, closeLater, type Recorder, record } from './recorder.ts';

afterEach(closeAll);

const HINTS = {
  '1001': 'PJSIP/1001',
  '1002': 'PJSIP/1002',
  _2XXX: 'Custom:l${EXTEN}',
  '1001*spb': 'Custom:1001*spb',
};
const DEVICES = { 'PJSIP/1001': 'NOT_INUSE', 'PJSIP/1002': 'INUSE' } as const;

async function start(
  options: SimulatedAsteriskOptions = {},
  ...rest: Parameters<typeof record> extends [number, ...infer R] ? R : never
): Promise<{ pbx: SimulatedAsterisk; seen: Recorder }> {
  const pbx = new SimulatedAsterisk({ bootMs: 20, hints: HINTS, devices: DEVICES, refusalMs: 5, ...options });
  await pbx.start();
  closeLater({ close: () => pbx.stop() });
  const [change, times] = rest;
  const seen = record(pbx.port, { secret: 'dummy-secret', ...change }, times);
  closeLater(seen.asterisk).start();
  return { pbx, seen };
}

const statusOf = (seen: Recorder, extension: string) =>
  (seen.relisted.at(-1) ?? seen.ups.at(-1))?.hints.find((hint) => hint.extension === extension)?.status;

test('logged in before FullyBooted, it waits, and then reads everything', async () => {
  const { pbx, seen } = await start({ bootMs: 1_000 });
  await until('logged in', () => pbx.sessions === 1);
  assert.equal(pbx.booted, false);
  await until('up', () => seen.ups.length >= 1);
  assert.equal(pbx.booted, true);
  assert.deepEqual(seen.ups[0]?.hints.map(({ extension }) => extension).sort(), ['1001', '1001*spb', '1002']);
  assert.deepEqual(seen.calls, ['up']);
});

test('a lamp that is written lights, and the echo comes back as events', async () => {
  const { pbx, seen } = await start();
  await until('up', () => seen.ups.length >= 1);
  pbx.subscribe('1001*spb');
  assert.deepEqual(await seen.asterisk.setDeviceState('Custom:1001*spb', 'RINGING'), { ok: true });
  await until('the lamp', () => pbx.lamp('1001*spb') === 'RINGING');
  await until('both echoes', () => seen.hints.length >= 1 && seen.devices.length === 1);
  assert.deepEqual(seen.devices[0], { device: 'Custom:1001*spb', state: 'RINGING' });
});

test('a hint by pattern that was asked for tells its changes, also after a dialplan reload made it forgotten', async () => {
  const { pbx, seen } = await start();
  seen.toAsk = () => [{ context: 'ext-local', extension: '2005' }];
  await until('up', () => seen.ups.length >= 1);
  assert.equal(statusOf(seen, '2005'), 0);
  pbx.setDevice('Custom:l2005', 'INUSE');
  await until('told', () => seen.hints.some(({ extension, status }) => extension === '2005' && status === 1));
  pbx.dialplanReload();
  pbx.setDevice('Custom:l2005', 'BUSY'); // mute now
  await until('relisted', () => seen.relisted.length >= 1);
  assert.equal(statusOf(seen, '2005'), 2);
  pbx.setDevice('Custom:l2005', 'NOT_INUSE');
  await until('told again', () => seen.hints.at(-1)?.extension === '2005' && seen.hints.at(-1)?.status === 0);
});

test('a PBX with hints by pattern only forgets them silently, which their devices give away', async () => {
  const { pbx, seen } = await start({ hints: { _2XXX: 'Custom:l${EXTEN}' } }, { pingEveryMs: 20 });
  const key = { context: 'ext-local', extension: '2005' };
  seen.toAsk = (listed) => (listed.length > 0 ? [] : [key]);
  pbx.setDevice('Custom:l2005', 'NOT_INUSE');
  await until('up', () => seen.ups.length >= 1);
  pbx.dialplanReload();
  pbx.setDevice('Custom:l2005', 'RINGING');
  await until('relisted', () => seen.relisted.length >= 1);
  assert.equal(statusOf(seen, '2005'), 8);
});

test('module reload brings new hints and loses removed ones in the next listing', async () => {
  const { pbx, seen } = await start();
  await until('up', () => seen.ups.length >= 1);
  pbx.addHint('1003', 'PJSIP/1003');
  pbx.removeHint('1001');
  pbx.moduleReload('pbx_config.so');
  await until('relisted', () => seen.relisted.length >= 1);
  assert.deepEqual(
    seen.relisted
      .at(-1)
      ?.hints.map(({ extension }) => extension)
      .sort(),
    ['1001*spb', '1002', '1003'],
  );
});

test('an Asterisk that restarts is found again by itself, with what it kept', async () => {
  const { pbx, seen } = await start();
  await until('up', () => seen.ups.length >= 1);
  await seen.asterisk.setDeviceState('Custom:1001*spb', 'BUSY');
  await pbx.stop();
  await until('down', () => seen.downs.length >= 1);
  await until('it is told that nobody is there', () => seen.failed.length >= 1);
  assert.equal(seen.failed[0]?.reason, 'unreachable');
  await pbx.start();
  await until('up again', () => seen.ups.length >= 2);
  assert.deepEqual(seen.ups[1]?.devices.find(({ device }) => device === 'Custom:1001*spb')?.state, 'BUSY');
});

test('sessions cut in the middle of a packet, many times, leave no trace', async () => {
  const { pbx, seen } = await start({}, {}, { redialFirst: 1, redialMost: 1 });
  for (let round = 1; round <= 50; round++) {
    await until('up', () => seen.ups.length === round);
    pbx.drop();
    await until('down', () => seen.downs.length === round);
  }
  await until('up', () => seen.ups.length >= 51);
  assert.deepEqual(seen.devices, []);
  for (const { devices } of seen.ups) assert.ok(devices.every(({ device }) => device in DEVICES));
});

test('a muted Asterisk is found by the watchdog, and found again when it speaks', async () => {
  const { pbx, seen } = await start({}, { pingEveryMs: 10 }, { ping: 60, connect: 60 });
  await until('answers', () => seen.answered >= 2);
  pbx.mute();
  await until('down', () => seen.downs.length >= 1);
  assert.equal(seen.downs[0]?.reason, 'ping-timeout');
  pbx.unmute();
  await until('up again', () => seen.ups.length >= 2);
});

test('a user without read=system is told FullyBooted does not come', async () => {
  const users = [{ username: 'hintmesh', secret: 'dummy-secret', read: 'call', write: 'call,reporting' }];
  const { seen } = await start({ users }, {}, { boot: 40 });
  await until('failed', () => seen.failed.length >= 1);
  assert.equal(seen.failed[0]?.reason, 'still-booting'); // it started a moment ago, so it may be
  assert.match(seen.failed[0]?.text ?? '', /read=call,system/);
});

test('the second broker of one manager user with allowmultiplelogin=no is refused until the first one goes', async () => {
  const users = [
    {
      username: 'hintmesh',
      secret: 'dummy-secret',
      read: 'call,system',
      write: 'call,reporting',
      single: true,
    },
  ];
  const { pbx, seen } = await start({ users });
  await until('up', () => seen.ups.length >= 1);
  const second = record(pbx.port, { secret: 'dummy-secret' });
  closeLater(second.asterisk).start();
  await until('refused', () => second.failed.length >= 1);
  assert.equal(second.failed[0]?.reason, 'login-refused');
  await seen.asterisk.close();
  await until('the second is up', () => second.ups.length >= 1);
});

test('without res_manager_devicestate it never comes up and says why', async () => {
  const { seen } = await start({ deviceStateModule: false });
  await until('failed', () => seen.failed.some(({ reason }) => reason === 'missing-module'));
  assert.deepEqual(seen.ups, []);
});

test('a storm of changes while relisting ends with what is true', async () => {
  const extensions = Array.from({ length: 200 }, (_, i) => String(3000 + i));
  const { pbx, seen } = await start({
    hints: Object.fromEntries(extensions.map((extension) => [extension, `PJSIP/${extension}`])),
    devices: Object.fromEntries(extensions.map((extension) => [`PJSIP/${extension}`, 'NOT_INUSE' as const])),
  });
  const truth = new Map<string, number>();
  await until('up', () => seen.ups.length >= 1);
  for (const { extension, status } of seen.ups[0]?.hints ?? []) truth.set(extension, status);
  const states = ['INUSE', 'RINGING', 'BUSY', 'NOT_INUSE'] as const;
  for (let round = 0; round < 40; round++) {
    for (let i = 0; i < 20; i++) {
      const extension = extensions[(round * 37 + i * 11) % extensions.length];
      pbx.setDevice(`PJSIP/${extension}`, states[(round + i) % 4] ?? 'INUSE');
    }
    if (round % 5 === 0) seen.asterisk.relist();
    await new Promise((resolve) => setTimeout(resolve, 3));
  }
  const settled = { relists: seen.relisted.length };
  seen.asterisk.relist();
  await until('a last relist', () => seen.relisted.length > settled.relists);
  const last = seen.relisted.at(-1);
  for (const { extension, status } of last?.hints ?? []) truth.set(extension, status);
  const now = { NOT_INUSE: 0, INUSE: 1, BUSY: 2, RINGING: 8 } as Record<string, number>;
  for (const extension of extensions) {
    assert.equal(truth.get(extension), now[pbx.hintState(extension) ?? ''], extension);
  }
  // Events alone lead to the same: the newest one of each extension is what the listing has.
  for (const extension of extensions) {
    const told = seen.hints.findLast((hint) => hint.extension === extension);
    if (told) assert.equal(told.status, truth.get(extension), extension);
  }
});

test('calls while relisting end with the same channels by events, by lists and in truth', async () => {
  const { pbx, seen } = await start({}, { channels: true });
  await until('up', () => seen.ups.length >= 1);
  for (let round = 0; round < 60; round++) {
    const call = pbx.call('1001', '1002');
    if (round % 2 === 0) call.answer();
    if (round % 3 === 0) call.pickUp('1003');
    else if (round % 4 === 0) call.hold();
    if (round < 50) call.hangup();
    if (round % 5 === 0) seen.asterisk.relist();
    await new Promise((resolve) => setTimeout(resolve, 3));
  }
  const { length } = seen.relisted;
  seen.asterisk.relist();
  await until('a last relist', () => seen.relisted.length > length);
  const truth = pbx.pbx.channelRows().map((row) => {
    const value = (name: string) => row.find(([header]) => header === name)?.[1] ?? '';
    return { id: value('Uniqueid'), name: value('Channel'), state: Number(value('ChannelState')) };
  });
  const byId = (a: { id: string }, b: { id: string }) => (a.id < b.id ? -1 : 1);
  assert.equal(truth.length, 20);
  assert.deepEqual(seen.relisted.at(-1)?.channels.toSorted(byId), truth.toSorted(byId));
  const told = new Map(seen.ups[0]?.channels.map((channel) => [channel.id, channel]));
  for (const change of seen.channels) {
    if (change.type === 'gone') told.delete(change.id);
    else if (change.type === 'state') {
      told.set(change.id, { id: change.id, name: change.name, state: change.state });
    }
  }
  assert.deepEqual([...told.values()].sort(byId), truth.toSorted(byId));
});

test('an Asterisk that restarts with calls up has none when it is back', async () => {
  const { pbx, seen } = await start({}, { channels: true });
  await until('up', () => seen.ups.length >= 1);
  pbx.call('1001', '1002').answer();
  await until('both up', () => seen.channels.filter(({ type }) => type === 'state').length === 5);
  await pbx.stop();
  await until('down', () => seen.downs.length >= 1);
  await pbx.start();
  await until('up again', () => seen.ups.length >= 2);
  assert.deepEqual(seen.ups[1]?.channels, []);
  assert.equal(seen.channels.length, 5);
});

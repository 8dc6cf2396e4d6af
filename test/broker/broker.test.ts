// Whole brokers, edges and all, beside simulated Asterisks. The same scenarios run on real Asterisk in
// test/asterisk; these are fast, and reach faults that cannot be provoked there.
import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import type { DeviceState } from '../../src/core/state.ts';
import { devices as deviceRule } from '../core/rules.ts';
import { until } from '../until.ts';
import { hintRule, type Site, type SiteOptions, startSites } from './sites.ts';

const PHONES = { 'PJSIP/1001': 'NOT_INUSE', 'PJSIP/1002': 'NOT_INUSE' } as const;
const HINTS = { '1001': 'PJSIP/1001', '1002': 'PJSIP/1002' };
const LAMPS = {
  '_XXXX*msk': 'Custom:${EXTEN}',
  '_XXXXX*msk': 'Custom:${EXTEN}',
  '_XXXX*spb': 'Custom:${EXTEN}',
};

let sites: Site[] = [];

afterEach(async () => {
  await Promise.all(sites.map((site) => site.stop()));
  sites = [];
});

async function two(msk: SiteOptions = {}, spb: SiteOptions = {}): Promise<[Site, Site]> {
  const asterisk = { bootMs: 20, hints: { ...HINTS, ...LAMPS }, devices: PHONES };
  sites = await startSites({
    msk: { ...msk, asterisk: { ...asterisk, ...msk.asterisk } },
    spb: { ...spb, asterisk: { ...asterisk, ...spb.asterisk } },
  });
  const [a, b] = sites;
  assert.ok(a && b);
  await Promise.all([live(a, 'spb'), live(b, 'msk')]);
  return [a, b];
}

function shows(site: Site, lamp: string, state: DeviceState): Promise<unknown> {
  site.asterisk.subscribe(lamp);
  const what = `lamp ${lamp} at ${site.tag} shows ${state}`;
  return until(what, () => site.asterisk.lamp(lamp) === state);
}

function live(site: Site, peer: string): Promise<unknown> {
  const believes = () => site.broker?.status().peers.find((row) => row.peer === peer)?.belief === 'live';
  return until(`${site.tag} hears ${peer}`, believes);
}

async function boot(site: Site): Promise<void> {
  await site.asterisk.start();
  await site.asterisk.whenBooted();
}

function reports(site: Site, event: string): string[] {
  return site.reports.filter((report) => report.event === event).map(({ text }) => text);
}

test('lamps follow calls both ways', async () => {
  const [msk, spb] = await two();
  await shows(spb, '1002*msk', 'NOT_INUSE');
  await shows(msk, '1002*spb', 'NOT_INUSE');
  const calls = [msk.asterisk.call('1001', '1002'), spb.asterisk.call('1001', '1002')];
  await shows(spb, '1002*msk', 'RINGING');
  await shows(msk, '1002*spb', 'RINGING');
  for (const call of calls) call.answer();
  await shows(spb, '1002*msk', 'INUSE');
  await shows(msk, '1002*spb', 'INUSE');
  for (const call of calls) call.hangup();
  await shows(spb, '1002*msk', 'NOT_INUSE');
  await shows(msk, '1002*spb', 'NOT_INUSE');
});

test('device source: states set back to back all arrive, in order', async () => {
  const [msk, spb] = await two({ exports: [deviceRule(['PJSIP/{ext}'], '1001-1002')] });
  await shows(spb, '1001*msk', 'NOT_INUSE');
  const written: string[] = [];
  spb.asterisk.onSetvar = (device, word) => {
    if (device === 'Custom:1001*msk') written.push(word);
  };
  const states = ['RINGING', 'INUSE', 'ONHOLD', 'NOT_INUSE', 'RINGING', 'ONHOLD'] as const;
  for (const state of states) msk.asterisk.setDevice('PJSIP/1001', state);
  await shows(spb, '1001*msk', 'ONHOLD');
  assert.deepEqual(written, [...states]);
});

test('a reload of 4 000 hints puts no change on the wire', async () => {
  const many = Array.from({ length: 4_000 }, (_, i) => String(10_000 + i));
  const hints = Object.fromEntries(many.map((extension) => [extension, `PJSIP/${extension}`]));
  const [msk, spb] = await two({
    exports: [hintRule('ext-local', '_1XXXX')],
    asterisk: { hints, devices: { 'PJSIP/10007': 'NOT_INUSE' } },
  });
  const frames = () => msk.broker?.status().counters.framesEncoded;
  const before = frames();
  msk.asterisk.dialplanReload();
  await until('the hints were read again', () => reports(msk, 'asterisk-relisted').length > 0);
  assert.equal(frames(), before);
  msk.asterisk.setDevice('PJSIP/10007', 'INUSE');
  await shows(spb, '10007*msk', 'INUSE');
  assert.equal(frames(), (before ?? 0) + 1);
});

test('a pattern hint that nobody watches at home lights its lamp, also after a reload', async () => {
  const asterisk = {
    hints: { '9999': 'Custom:canary', _2XXX: 'PJSIP/${EXTEN}', ...LAMPS },
    devices: { 'PJSIP/2001': 'NOT_INUSE', 'Custom:canary': 'NOT_INUSE' } as const,
  };
  const [msk, spb] = await two({ exports: [hintRule('ext-local', '2000-2003')], asterisk });
  await shows(spb, '2001*msk', 'NOT_INUSE');
  msk.asterisk.setDevice('PJSIP/2001', 'INUSE');
  await shows(spb, '2001*msk', 'INUSE');
  msk.asterisk.dialplanReload();
  msk.asterisk.setDevice('PJSIP/2001', 'RINGING');
  await shows(spb, '2001*msk', 'RINGING');
  msk.asterisk.setDevice('PJSIP/2001', 'NOT_INUSE');
  await shows(spb, '2001*msk', 'NOT_INUSE');
});

test('Asterisk restarts with a lamp red in its database: the lamp is right again', async () => {
  const [msk, spb] = await two();
  msk.asterisk.setDevice('PJSIP/1001', 'INUSE');
  await shows(spb, '1001*msk', 'INUSE');
  await spb.asterisk.stop();
  msk.asterisk.setDevice('PJSIP/1001', 'NOT_INUSE');
  await boot(spb);
  assert.equal(spb.asterisk.pbx.astdb.get('1001*msk'), 'INUSE');
  await shows(spb, '1001*msk', 'NOT_INUSE');
});

test('the origin’s Asterisk restarts: its lamps hold, then are right', async () => {
  const [msk, spb] = await two();
  msk.asterisk.setDevice('PJSIP/1001', 'INUSE');
  await shows(spb, '1001*msk', 'INUSE');
  await msk.asterisk.stop();
  await until('msk lost its Asterisk', () => reports(msk, 'asterisk-down').length > 0);
  assert.equal(spb.asterisk.lamp('1001*msk'), 'INUSE');
  await boot(msk);
  msk.asterisk.setDevice('PJSIP/1001', 'NOT_INUSE');
  await shows(spb, '1001*msk', 'NOT_INUSE');
});

test('a broker that stops says bye; its successor makes the lamps right, and nothing flashed', async () => {
  const [msk, spb] = await two();
  msk.asterisk.setDevice('PJSIP/1001', 'INUSE');
  await shows(spb, '1001*msk', 'INUSE');
  const seen: (DeviceState | undefined)[] = [];
  spb.asterisk.onHint((extension, state) => {
    if (extension === '1001*msk') seen.push(state);
  });
  await msk.broker?.close();
  await until('spb was told', () => reports(spb, 'peer-bye').length === 1);
  await msk.startBroker([spb]);
  await live(spb, 'msk');
  msk.asterisk.setDevice('PJSIP/1001', 'ONHOLD');
  await shows(spb, '1001*msk', 'ONHOLD');
  assert.deepEqual(seen, ['ONHOLD']);
});

test('an origin whose Asterisk no longer answers is shown as gone after the grace, and right when it answers', async () => {
  const timing = { aliveEveryMs: 200, suspectAfterMs: 700, goneAfterMs: 500, firstSyncMs: 2_000 };
  const [msk, spb] = await two({ broker: { timing } }, { broker: { timing } });
  msk.asterisk.setDevice('PJSIP/1001', 'INUSE');
  await shows(spb, '1001*msk', 'INUSE');
  msk.asterisk.mute();
  await shows(spb, '1001*msk', 'UNAVAILABLE');
  msk.asterisk.unmute();
  await shows(spb, '1001*msk', 'INUSE');
});

test('a lamp that was never written is not shown as free when a phone subscribes to it', async () => {
  const [, spb] = await two();
  // A phone shows INVALID as unavailable.
  await shows(spb, '1777*msk', 'UNAVAILABLE');
  assert.equal(spb.asterisk.pbx.astdb.get('1777*msk'), 'INVALID');
});

test('Asterisk refuses a write for a while: it is tried until it is taken', async () => {
  const [msk, spb] = await two();
  await shows(spb, '1001*msk', 'NOT_INUSE');
  spb.asterisk.refuseSetvar(() => true);
  msk.asterisk.setDevice('PJSIP/1001', 'INUSE');
  msk.asterisk.setDevice('PJSIP/1002', 'INUSE');
  const refused = () => spb.broker?.status().counters.writesRefused ?? 0;
  await until('both were refused, one of them again', () => refused() >= 3);
  assert.equal(reports(spb, 'write-refused').length, 1, 'told once');
  spb.asterisk.refuseSetvar(() => false);
  await shows(spb, '1001*msk', 'INUSE');
  await shows(spb, '1002*msk', 'INUSE');
});

test('a broker starts before its Asterisk and its peer, and needs nobody’s help when they come', async () => {
  const [msk, spb] = await two();
  await msk.stop();
  await spb.stop();
  await spb.startBroker([msk]);
  await msk.startBroker([spb]);
  await boot(spb);
  await boot(msk);
  msk.asterisk.setDevice('PJSIP/1001', 'BUSY');
  await shows(spb, '1001*msk', 'BUSY');
});

// Whole brokers that are given another config while they run: what did not change goes on untouched.
import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import type { BrokerOptions } from '../../src/broker.ts';
import { channels as channelRule } from '../core/rules.ts';
import { until } from '../until.ts';
import { hintRule, type Site, startSites } from './sites.ts';

const ASTERISK = {
  bootMs: 20,
  hints: {
    '1001': 'PJSIP/1001',
    '1002': 'PJSIP/1002',
    '_XXXX*msk': 'Custom:${EXTEN}',
    '_XXXX*spb': 'Custom:${EXTEN}',
    '_XXXX*[n]sk': 'Custom:${EXTEN}',
  },
  devices: { 'PJSIP/1001': 'NOT_INUSE', 'PJSIP/1002': 'INUSE' },
} as const;

let sites: Site[] = [];

afterEach(async () => {
  await Promise.all(sites.map((site) => site.stop()));
  sites = [];
});

/** Sites that all know each other, linked and live; `watched` counts what is written at `spb` from then on. */
async function start(...tags: string[]): Promise<{ at: (tag: string) => Site; written: string[] }> {
  sites = await startSites(Object.fromEntries(tags.map((tag) => [tag, { asterisk: ASTERISK }])));
  const at = (tag: string): Site => {
    const site = sites.find((each) => each.tag === tag);
    assert.ok(site, tag);
    return site;
  };
  for (const site of sites)
    for (const peer of tags) if (peer !== site.tag) await believes(site, peer, 'live');
  const others = tags.filter((tag) => tag !== 'spb');
  for (const tag of others) {
    for (const extension of ['1001', '1002']) at('spb').asterisk.subscribe(`${extension}*${tag}`);
    await shows(at('spb'), `1002*${tag}`, 'INUSE');
  }
  const written: string[] = [];
  at('spb').asterisk.onSetvar = (device, word) => written.push(`${device}=${word}`);
  return { at, written };
}

function believes(site: Site, peer: string, belief: string): Promise<unknown> {
  const row = (): unknown => site.broker?.status().peers.find((each) => each.peer === peer)?.belief;
  return until(`${site.tag} believes ${peer} ${belief}`, () => row() === belief);
}

function shows(site: Site, lamp: string, state: string): Promise<unknown> {
  return until(`${lamp} at ${site.tag} is ${state}`, () => site.asterisk.lamp(lamp) === state);
}

function reconfigure(site: Site, peers: readonly Site[], more: Partial<BrokerOptions> = {}): void {
  site.broker?.reconfigure({ ...site.brokerOptions(peers), ...more });
}

function links(site: Site): string[] {
  return site.reports
    .filter(({ event }) => event === 'link-up' || event === 'link-down')
    .map(({ text }) => text);
}

function relisted(site: Site): Promise<unknown> {
  const count = (): number => site.broker?.status().counters.relists ?? 0;
  const before = count();
  return until(`${site.tag} read everything again`, () => count() > before);
}

test('the same config twenty times: no lamp is written, no link moves', async () => {
  const { at, written } = await start('msk', 'spb');
  const before = links(at('spb'));
  const again = relisted(at('spb'));
  for (let i = 0; i < 20; i++) reconfigure(at('spb'), [at('msk')]);
  await again;
  assert.deepEqual(written, []);
  assert.deepEqual(links(at('spb')), before);
  assert.equal(at('spb').broker?.status().counters.reloads, 20);
  at('msk').asterisk.setDevice('PJSIP/1001', 'RINGING');
  await shows(at('spb'), '1001*msk', 'RINGING');
});

test('a peer that goes has its lamps written and its link ended; the other peer’s link and lamps stay', async () => {
  const { at, written } = await start('msk', 'nsk', 'spb');
  const before = links(at('spb'));
  reconfigure(at('spb'), [at('msk')], { formerTags: ['nsk'], goneState: 'BUSY' });
  await shows(at('spb'), '1002*nsk', 'BUSY');
  assert.deepEqual([...written].sort(), ['Custom:1001*nsk=BUSY', 'Custom:1002*nsk=BUSY']);
  const after = links(at('spb')).slice(before.length);
  assert.ok(after.length > 0 && after.every((text) => text.startsWith('link to nsk')), after.join());
  at('msk').asterisk.setDevice('PJSIP/1001', 'INUSE');
  await shows(at('spb'), '1001*msk', 'INUSE');
});

test('a peer that is taken back is linked again, and its lamps go from what they were to what is true', async () => {
  const { at, written } = await start('msk', 'spb');
  reconfigure(at('spb'), [], { formerTags: ['msk'] });
  await shows(at('spb'), '1002*msk', 'UNAVAILABLE');
  written.length = 0;
  reconfigure(at('spb'), [at('msk')], { formerTags: ['msk'] });
  await shows(at('spb'), '1002*msk', 'INUSE');
  assert.deepEqual([...written].sort(), ['Custom:1001*msk=NOT_INUSE', 'Custom:1002*msk=INUSE']);
});

test('exports that go are taken back from the peers, those that come are read and told', async () => {
  const { at } = await start('msk', 'spb');
  reconfigure(at('msk'), [at('spb')], { exports: [hintRule('ext-local', '1001')] });
  await until('1002*msk is gone', () => at('spb').asterisk.pbx.astdb.get('1002*msk') === 'INVALID');
  assert.equal(at('spb').asterisk.lamp('1001*msk'), 'NOT_INUSE');
  reconfigure(at('msk'), [at('spb')], { exports: [hintRule('ext-local', '_1XXX')] });
  await shows(at('spb'), '1002*msk', 'INUSE');
});

test('another AMI user or source is a new session; the lamps at the peers hold meanwhile', async () => {
  const { at, written } = await start('msk', 'spb');
  const options = at('msk').brokerOptions([at('spb')]);
  const exports = [channelRule(['PJSIP/{ext}'], '1001-1002')];
  const sessions = (): unknown => at('msk').broker?.status().counters.amiSessions;
  assert.equal(sessions(), 1);
  at('msk').broker?.reconfigure({ ...options, exports, ami: { ...options.ami, channels: true } });
  await until('there is a second session', () => sessions() === 2);
  // No phone is in a call, so by its channels nobody is in use.
  await shows(at('spb'), '1002*msk', 'NOT_INUSE');
  assert.deepEqual(written, ['Custom:1002*msk=NOT_INUSE']);
});

test('pacing and times change in place', async () => {
  const { at, written } = await start('msk', 'spb');
  const pacing = { writesPerSecond: 1_000, burst: 1, window: 1 };
  const timing = { aliveEveryMs: 200, suspectAfterMs: 700, goneAfterMs: 500, firstSyncMs: 2_000 };
  reconfigure(at('spb'), [at('msk')], { pacing, timing, redial: { minMs: 50, maxMs: 300 } });
  await at('msk').broker?.close();
  await shows(at('spb'), '1001*msk', 'UNAVAILABLE');
  await shows(at('spb'), '1002*msk', 'UNAVAILABLE');
  assert.equal(written.length, 2);
});

// A PBX without what some lines of its config need: only what those name is missing at the peers, and a condition tells it.
import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import type { ExportRule } from '../../src/core/exports.ts';
import type { DeviceState } from '../../src/core/state.ts';
import { devices, hints, mailboxes, presences } from '../core/rules.ts';
import type { SimulatedAsteriskOptions } from '../sim/asterisk.ts';
import { until } from '../until.ts';
import { hintRule, type Site, startSites } from './sites.ts';

const PHONES = { 'PJSIP/1001': 'INUSE', 'PJSIP/1002': 'NOT_INUSE' } as const;
const HINTS = { '1001': 'PJSIP/1001', '1002': 'PJSIP/1002' };
const LAMPS = { '_XXXX*msk': 'Custom:${EXTEN}', 'vm1001*msk': 'Custom:vm1001*msk' };

let sites: Site[] = [];

afterEach(async () => {
  await Promise.all(sites.map((site) => site.stop()));
  sites = [];
});

async function two(
  exports: readonly ExportRule[],
  asterisk: SimulatedAsteriskOptions,
): Promise<[Site, Site]> {
  sites = await startSites({
    msk: { exports, asterisk: { bootMs: 20, hints: HINTS, devices: PHONES, ...asterisk } },
    spb: { exports: [], asterisk: { bootMs: 20, hints: LAMPS } },
  });
  const [msk, spb] = sites;
  assert.ok(msk && spb);
  return [msk, spb];
}

function shows(site: Site, lamp: string, state: DeviceState): Promise<unknown> {
  site.asterisk.subscribe(lamp);
  const what = () => `lamp ${lamp} shows ${state} and not ${site.asterisk.lamp(lamp)}`;
  return until(what, () => site.asterisk.lamp(lamp) === state);
}

/** A module of it is unloaded, or loaded again. */
function load(site: Site, isLoaded: boolean): void {
  Object.defineProperty(site.asterisk.pbx.voicemail, 'isLoaded', { value: isLoaded, configurable: true });
}

const codes = (site: Site) => site.broker?.status().conditions.map(({ code }) => code) ?? [];
const textOf = (site: Site) =>
  site.broker?.status().conditions.find(({ code }) => code === 'source-missing')?.text;
const missing = (site: Site) => until('it is told', () => textOf(site) !== undefined);

test('a mailbox line where app_voicemail is unloaded takes no lamp of a phone away, and it comes back by itself', async () => {
  const boxes = { '1001@default': { fresh: 1 } };
  const [msk, spb] = await two([hintRule('ext-local', '_1XXX'), mailboxes('default', '1001')], {
    mailboxes: boxes,
  });
  await shows(spb, 'vm1001*msk', 'INUSE');
  await shows(spb, '1001*msk', 'INUSE');
  load(msk, false);
  // Nobody tells that; something else is reloaded.
  msk.asterisk.moduleReload('res_pjsip.so');
  await missing(msk);
  assert.match(textOf(msk) ?? '', /`mailbox:` lines .*; load app_voicemail/);
  assert.equal(msk.broker?.status().ready, false);
  assert.equal(msk.broker?.status().asterisk.up, true);
  assert.equal(spb.asterisk.lamp('1001*msk'), 'INUSE');
  await until('the mailbox is taken back', () => spb.asterisk.lamp('vm1001*msk') !== 'INUSE');
  msk.asterisk.setDevice('PJSIP/1001', 'RINGING');
  await shows(spb, '1001*msk', 'RINGING');
  assert.deepEqual(codes(spb), []);
  load(msk, true);
  msk.asterisk.moduleReload('app_voicemail.so');
  await shows(spb, 'vm1001*msk', 'INUSE');
  await until('over', () => codes(msk).length === 0);
  assert.equal(msk.broker?.status().counters.amiSessions, 1);
});

for (const [title, rule, asterisk, text] of [
  [
    'without app_voicemail, a mailbox line',
    mailboxes('default', '1001'),
    {},
    /`mailbox:` lines .*; load app_voicemail/,
  ],
  [
    'without res_manager_presencestate, a presence line',
    presences('CustomPresence:{ext}', '1001'),
    { presenceStateModule: false },
    /`presence:` lines .*; load res_manager_presencestate/,
  ],
  [
    'that is an Asterisk 1.8, a presence line',
    presences('CustomPresence:{ext}', '1001'),
    { shape: '1.8' },
    /1\.8.*`presence:` lines/,
  ],
  [
    'that is an Asterisk 1.8, a device line',
    devices(['PJSIP/{ext}'], '1005-1009'),
    { shape: '1.8' },
    /1\.8.*`device:` lines/,
  ],
] as const) {
  test(`on a PBX ${title} takes no lamp of a phone away, nor one here`, async () => {
    const [msk, spb] = await two([hints('ext-local', '1001-1002'), rule], asterisk);
    await shows(spb, '1001*msk', 'INUSE');
    await shows(spb, '1002*msk', 'NOT_INUSE');
    msk.asterisk.setDevice('PJSIP/1002', 'RINGING');
    await shows(spb, '1002*msk', 'RINGING');
    await missing(msk);
    assert.match(textOf(msk) ?? '', text);
    assert.deepEqual([codes(msk), codes(spb)], [['source-missing'], []]);
  });
}

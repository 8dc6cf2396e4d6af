// Whole brokers beside simulated Asterisks of two ages: a call on the old one reaches the lamp on the new one, and the
// other way, through reloads, removed hints and restarts. Neither the 1.8 nor the 22.11 here was compared with a real one.
import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import type { DeviceState } from '../../src/core/state.ts';
import { hintRule, type Site, startSites } from '../broker/sites.ts';
import { until } from '../until.ts';
import type { Call } from './calls.ts';
import type { ShapeName } from './shape.ts';

/** chan_sip was what 1.8 had; the name of a device is all that differs here. */
const DEVICE: Record<ShapeName, string> = {
  '1.8': 'SIP',
  '16.28': 'PJSIP',
  '22.10': 'PJSIP',
  '22.11': 'PJSIP',
};
const EXTENSIONS = ['1001', '1002'] as const;

let sites: Site[] = [];

afterEach(async () => {
  await Promise.all(sites.map((site) => site.stop()));
  sites = [];
});

function pbx(shape: ShapeName) {
  const devices = EXTENSIONS.map((extension) => `${DEVICE[shape]}/${extension}`);
  const own = EXTENSIONS.map((extension, at): [string, string] => [extension, devices[at] ?? '']);
  const lamps = ['msk', 'spb'].map((tag): [string, string] => [`_XXXX*${tag}`, 'Custom:$' + '{EXTEN}']);
  return {
    // One by one, so that an Asterisk without lists can be asked for each.
    exports: [hintRule('ext-local', ...EXTENSIONS)],
    asterisk: {
      shape,
      bootMs: 20,
      hints: Object.fromEntries([...own, ...lamps]),
      devices: Object.fromEntries(devices.map((device) => [device, 'NOT_INUSE' as const])),
    },
  };
}

async function two([msk, spb]: readonly [ShapeName, ShapeName]): Promise<[Site, Site]> {
  sites = await startSites({ msk: pbx(msk), spb: pbx(spb) });
  const [a, b] = sites;
  assert.ok(a && b);
  await Promise.all([live(a, 'spb'), live(b, 'msk')]);
  return [a, b];
}

function live(site: Site, peer: string): Promise<unknown> {
  const believes = () => site.broker?.status().peers.find((row) => row.peer === peer)?.belief === 'live';
  return until(`${site.tag} hears ${peer}`, believes);
}

function shows(site: Site, lamp: string, state: DeviceState): Promise<unknown> {
  site.asterisk.subscribe(lamp);
  const now = () => site.asterisk.lamp(lamp);
  return until(
    () => `lamp ${lamp} at ${site.tag} shows ${state}, not ${now()}`,
    () => now() === state,
  );
}

/** A lamp whose extension is gone: its device is INVALID, which a hint shows as it shows UNAVAILABLE. */
function isGone(site: Site, lamp: string): Promise<unknown> {
  const now = () => site.asterisk.pbx.deviceState(`Custom:${lamp}`);
  return until(
    () => `Custom:${lamp} at ${site.tag} is INVALID, not ${now()}`,
    () => now() === 'INVALID',
  );
}

function call(site: Site): Call {
  const technology = DEVICE[site === sites[0] ? shapes[0] : shapes[1]];
  return site.asterisk.call(`${technology}/1001`, `${technology}/1002`);
}

let shapes: readonly [ShapeName, ShapeName] = ['1.8', '22.11'];

/** A call at one site, ring by ring, at the other. */
async function callReaches(from: Site, to: Site): Promise<void> {
  const [caller, callee] = [`1001*${from.tag}`, `1002*${from.tag}`];
  const made = call(from);
  await shows(to, callee, 'RINGING');
  await shows(to, caller, 'INUSE');
  made.answer();
  await shows(to, callee, 'INUSE');
  made.hangup();
  await shows(to, callee, 'NOT_INUSE');
  await shows(to, caller, 'NOT_INUSE');
}

const PAIRS = [
  ['1.8', '22.10'],
  ['22.11', '16.28'],
  ['1.8', '22.11'],
] as const;

for (const pair of PAIRS) {
  const title = pair.join(' beside ');

  test(`${title}: calls reach the other's lamps, both ways, also after a reload of each`, async () => {
    shapes = pair;
    const [msk, spb] = await two(pair);
    await callReaches(msk, spb);
    await callReaches(spb, msk);
    for (const { asterisk } of [msk, spb]) asterisk.dialplanReload();
    await callReaches(msk, spb);
    await callReaches(spb, msk);
  });

  test(`${title}: either Asterisk restarts, and what changed meanwhile is right at the other`, async () => {
    shapes = pair;
    const [msk, spb] = await two(pair);
    for (const [down, up] of [
      [msk, spb],
      [spb, msk],
    ] as const) {
      const made = call(up);
      await shows(down, `1002*${up.tag}`, 'RINGING');
      await down.asterisk.stop();
      made.hangup();
      await down.asterisk.start();
      await down.asterisk.whenBooted();
      await shows(down, `1002*${up.tag}`, 'NOT_INUSE');
      await callReaches(down, up);
    }
  });
}

test('22.11 beside 22.10: a hint that is removed there is no lamp here, at the reload that removes it', async () => {
  shapes = ['22.11', '22.10'];
  const [msk, spb] = await two(shapes);
  await shows(spb, '1002*msk', 'NOT_INUSE');
  msk.asterisk.removeHint('1002');
  msk.asterisk.dialplanReload();
  await isGone(spb, '1002*msk');
  await shows(spb, '1001*msk', 'NOT_INUSE');
});

test('1.8: a removed hint is told by nobody; reading it again, as a broker does that starts, ends its lamp', async () => {
  shapes = ['1.8', '22.10'];
  const [msk, spb] = await two(shapes);
  const made = call(msk);
  await shows(spb, '1002*msk', 'RINGING');
  msk.asterisk.removeHint('1002');
  msk.asterisk.dialplanReload();
  made.answer();
  await shows(spb, '1001*msk', 'INUSE');
  await msk.broker?.close();
  await msk.startBroker([spb]);
  await isGone(spb, '1002*msk');
});

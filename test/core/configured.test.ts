// Another config while the core runs: nothing flashes, nothing is forgotten.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Effect, Federation, type FederationOptions } from '../../src/core/federation.ts';
import type { GoneState } from '../../src/core/origin.ts';
import type { Listing } from '../../src/core/source.ts';
import { channels, devices, hints } from './rules.ts';
import { PACING, TIMING, World } from './world.ts';

function options(more: Partial<FederationOptions> = {}): FederationOptions {
  return {
    tag: 'spb',
    exports: [hints('local', '_X!')],
    origins: [{ tag: 'msk', goneState: 'UNAVAILABLE' }],
    timing: TIMING,
    pacing: PACING,
    ...more,
  };
}

function pair(goneState: GoneState = 'UNAVAILABLE'): World {
  const world = new World(['msk', 'spb'], goneState);
  for (const extension of ['1001', '1002', '1003']) world.set('msk', extension, 'INUSE');
  world.pass(2_000, true);
  return world;
}

function writes(effects: readonly Effect[]): string[] {
  return effects.flatMap((effect) => (effect.type === 'setLamp' ? [`${effect.lamp}=${effect.state}`] : []));
}

/** The effects of a reload of `spb`. */
function configure(world: World, more: Partial<FederationOptions> = {}): Effect[] {
  const pbx = world.pbx('spb');
  const before = pbx.effects.length;
  world.feed('spb', { type: 'configured', options: options(more) });
  return pbx.effects.slice(before);
}

test('the same config again writes nothing and publishes nothing; everything is read again', () => {
  const world = pair();
  assert.deepEqual(configure(world), [{ type: 'relist' }]);
});

test('lamps of a peer that is one no more are written before anything that is owed, and stay so', () => {
  const world = pair();
  const left = configure(world, { origins: [{ tag: 'msk', goneState: 'BUSY', former: true }] });
  assert.deepEqual(writes(left), ['1001*msk=BUSY', '1002*msk=BUSY', '1003*msk=BUSY']);
  world.set('msk', '1001', 'NOT_INUSE');
  world.pass(2_000, true);
  assert.equal(world.lamp('spb', '1001', 'msk'), 'BUSY', 'it is not listened to any more');
  assert.equal(world.pbx('spb').core?.admits('msk', 'epoch1'), false);
});

test('a peer that a new config does not name at all counts as a former one', () => {
  const world = pair();
  assert.deepEqual(writes(configure(world, { origins: [] })).length, 3);
});

test('a peer that is taken back holds its lamps until it is heard, then they are right', () => {
  const world = pair();
  configure(world, { origins: [{ tag: 'msk', goneState: 'UNAVAILABLE', former: true }] });
  world.dropLink('msk', 'spb');
  assert.deepEqual(writes(configure(world)), []);
  assert.equal(world.lamp('spb', '1001', 'msk'), 'UNAVAILABLE');
  world.pass(5_000, true);
  assert.equal(world.lamp('spb', '1001', 'msk'), 'INUSE');
});

test('a new peer is waited for like at a start', () => {
  const world = pair();
  const origins = [
    { tag: 'msk', goneState: 'UNAVAILABLE' as const },
    { tag: 'nsk', goneState: 'UNAVAILABLE' as const },
  ];
  configure(world, { origins });
  const core = world.pbx('spb').core;
  const belief = (): unknown => core?.status(world.now).origins.find(({ tag }) => tag === 'nsk')?.belief;
  assert.equal(belief(), 'unheard');
  assert.equal(core?.admits('nsk', 'any'), true);
  world.pass(TIMING.firstSyncMs + 1_000, true);
  assert.equal(belief(), 'gone');
});

test('another gone-state shows at once on the lamps of a peer that is gone', () => {
  const world = pair();
  world.stopBroker('msk');
  world.pass(20_000, true);
  assert.equal(world.lamp('spb', '1001', 'msk'), 'UNAVAILABLE');
  assert.deepEqual(writes(configure(world, { origins: [{ tag: 'msk', goneState: 'BUSY' }] })).length, 3);
});

test('other times count from now on', () => {
  const world = pair();
  configure(world, { timing: { ...TIMING, suspectAfterMs: 1_500, goneAfterMs: 1_000 } });
  world.stopBroker('msk');
  world.pass(3_000, true);
  assert.equal(world.lamp('spb', '1001', 'msk'), 'UNAVAILABLE');
});

test('a lower burst counts at once', () => {
  const world = pair();
  const pacing = { writesPerSecond: 1, burst: 1, window: 32 };
  const left = configure(world, { pacing, origins: [] });
  assert.equal(writes(left).length, 1);
});

/** A core of `msk` whose hints 1001-1003 were read and are in use. */
function msk(): { core: Federation; told: (effects: readonly Effect[]) => string[] } {
  const core = new Federation(options({ tag: 'msk', origins: [] }), 0);
  const row = (extension: string) => ({ context: 'local', extension, hint: `PJSIP/${extension}`, status: 1 });
  const listing = {
    hints: ['1001', '1002', '1003'].map(row),
    devices: [],
    channels: [],
    presences: [],
    mailboxes: [],
  };
  core.input({ type: 'asteriskUp', listing }, 0);
  const told = (effects: readonly Effect[]): string[] =>
    effects
      .flatMap((effect) => (effect.type === 'publish' ? effect.entries : []))
      .map(({ extension, state }) => `${extension}=${state}`);
  return { core, told };
}

test('extensions that no rule names any more are taken back at once; a changed source is asked first', () => {
  const { core, told } = msk();
  const exports = [hints('local', '1001'), devices(['PJSIP/{ext}'], '1002')];
  const changed = core.input(
    { type: 'configured', options: options({ tag: 'msk', exports, origins: [] }) },
    1,
  );
  assert.deepEqual(told(changed), ['1003=null']);
  assert.ok(changed.some(({ type }) => type === 'relist'));
  const listing: Listing = {
    hints: [{ context: 'local', extension: '1001', hint: 'PJSIP/1001', status: 1 }],
    devices: [{ device: 'PJSIP/1002', state: 'INUSE' }],
    channels: [],
    presences: [],
    mailboxes: [],
  };
  assert.deepEqual(told(core.input({ type: 'asteriskRelisted', listing }, 2)), [], 'nothing had changed');
  const ringing = { device: 'PJSIP/1002', state: 'RINGING' as const };
  assert.deepEqual(told(core.input({ type: 'deviceChanged', status: ringing }, 3)), ['1002=RINGING']);
});

test('a source that goes over to channels reads its state from them', () => {
  const { core, told } = msk();
  const exports = [channels(['PJSIP/{ext}'], '1001-1004')];
  core.input({ type: 'configured', options: options({ tag: 'msk', exports, origins: [] }) }, 1);
  const listing = {
    hints: [],
    devices: [],
    channels: [{ id: '1', name: 'PJSIP/1001-1', state: 6 }],
    presences: [],
    mailboxes: [],
  };
  const changed = core.input({ type: 'asteriskRelisted', listing }, 2);
  assert.deepEqual(told(changed), ['1002=NOT_INUSE', '1003=NOT_INUSE', '1004=NOT_INUSE']);
});

test('a config that comes while Asterisk is down counts when it is back', () => {
  const { core, told } = msk();
  core.input({ type: 'asteriskDown' }, 1);
  const exports = [channels(['PJSIP/{ext}'], '1001')];
  const changed = core.input(
    { type: 'configured', options: options({ tag: 'msk', exports, origins: [] }) },
    2,
  );
  assert.deepEqual(told(changed), ['1002=null', '1003=null']);
  const listing = { hints: [], devices: [], channels: [], presences: [], mailboxes: [] };
  assert.deepEqual(told(core.input({ type: 'asteriskUp', listing }, 3)), ['1001=NOT_INUSE']);
});

test('a reading that began before a reload and asked by the old rules takes nothing away, and is done again', () => {
  const { core, told } = msk();
  // 1002 comes by pattern: only who asks for it sees it.
  core.toAsk([]);
  const exports = [hints('local', '1001', '1003'), channels(['PJSIP/{ext}'], '1002')];
  core.input({ type: 'configured', options: options({ tag: 'msk', exports, origins: [] }) }, 1);
  const row = { context: 'local', extension: '1001', hint: 'PJSIP/1001', status: 0 };
  const partial = { hints: [row], devices: [], channels: [], presences: [], mailboxes: [] };
  const first = core.input({ type: 'asteriskRelisted', listing: partial }, 2);
  assert.deepEqual(
    told(first),
    ['1001=NOT_INUSE', '1002=NOT_INUSE'],
    '1003 is not gone, nobody asked for it',
  );
  assert.ok(first.some(({ type }) => type === 'relist'));
  core.toAsk([]);
  assert.deepEqual(told(core.input({ type: 'asteriskRelisted', listing: partial }, 3)), ['1003=null']);
});

test('a session that is being read when the config changes is read again', () => {
  const core = new Federation(options({ tag: 'msk', origins: [] }), 0);
  core.toAsk([]);
  const exports = [hints('local', '1001-1005')];
  const changed = core.input(
    { type: 'configured', options: options({ tag: 'msk', exports, origins: [] }) },
    1,
  );
  assert.ok(
    changed.some(({ type }) => type === 'relist'),
    'the edge does it when it can',
  );
  const listing = { hints: [], devices: [], channels: [], presences: [], mailboxes: [] };
  assert.ok(core.input({ type: 'asteriskUp', listing }, 2).some(({ type }) => type === 'relist'));
  assert.equal(core.status(2).exportsRead, false);
});

test('of an extension whose source is another one now, no event is believed before everything was read', () => {
  const { core, told } = msk();
  const exports = [
    devices(['PJSIP/{ext}', 'SIP/{ext}'], '1001'),
    hints('other', '1002'),
    hints('local', '1003'),
  ];
  core.input({ type: 'configured', options: options({ tag: 'msk', exports, origins: [] }) }, 1);
  const free = { device: 'SIP/1001', state: 'NOT_INUSE' as const };
  assert.deepEqual(told(core.input({ type: 'deviceChanged', status: free }, 2)), [], 'PJSIP/1001 is in use');
  const bare = { context: 'other', extension: '1002', hint: '', status: 0 };
  assert.deepEqual(
    told(core.input({ type: 'hintChanged', status: bare }, 3)),
    [],
    'its hint may name a lamp',
  );
  const known = { context: 'local', extension: '1003', hint: 'PJSIP/1003', status: 8 };
  assert.deepEqual(told(core.input({ type: 'hintChanged', status: known }, 4)), ['1003=RINGING']);
  core.toAsk([]);
  const devicesNow = [free, { device: 'PJSIP/1001', state: 'INUSE' as const }];
  const listing = { hints: [known], devices: devicesNow, channels: [], presences: [], mailboxes: [] };
  core.input({ type: 'asteriskRelisted', listing }, 5);
  assert.deepEqual(told(core.input({ type: 'deviceChanged', status: { ...free, state: 'RINGING' } }, 6)), [
    '1001=RINGINUSE',
  ]);
});

test('a new peer whose lamps were written long ago is not written before it is heard', () => {
  const core = new Federation(options({ origins: [] }), 0);
  const hint = { context: 'blf', extension: '1001*nsk', hint: 'Custom:1001*nsk', status: 1 };
  const listing = {
    hints: [hint],
    devices: [{ device: 'Custom:1001*nsk', state: 'INUSE' as const }],
    channels: [],
    presences: [],
    mailboxes: [],
  };
  core.input({ type: 'asteriskUp', listing }, 0);
  const origins = [{ tag: 'nsk', goneState: 'UNAVAILABLE' as const }];
  core.input({ type: 'configured', options: options({ origins }) }, 1);
  assert.deepEqual(writes(core.input({ type: 'asteriskRelisted', listing }, 2)), []);
});

test('a peer that left for good and is taken back is not said to have left', () => {
  const world = pair();
  const left = (): unknown => world.pbx('spb').core?.status(world.now).origins[0]?.left;
  const link = world.pbx('spb').core?.status(world.now).origins[0]?.link ?? -1;
  const seq = (world.pipe('msk', 'spb')?.seq ?? 0) + 1;
  world.feed('spb', { type: 'heard', peer: 'msk', link, seq, message: { type: 'bye', final: true } });
  assert.equal(left(), true);
  configure(world, { origins: [] });
  configure(world);
  assert.equal(left(), false);
});

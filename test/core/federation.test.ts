import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Federation } from '../../src/core/federation.ts';
import { hints } from './rules.ts';
import { PACING, TIMING, World } from './world.ts';

function pair(goneState?: 'UNAVAILABLE' | 'BUSY' | 'INVALID' | 'hold'): World {
  const world = new World(['msk', 'spb'], goneState);
  world.set('msk', '1001', 'NOT_INUSE');
  world.pass(1_000, true);
  return world;
}

test('a lamp follows a call on the other PBX, without delay', () => {
  const world = pair();
  const seen: unknown[] = [];
  for (const state of ['RINGING', 'INUSE', 'NOT_INUSE'] as const) {
    world.set('msk', '1001', state);
    world.deliver('msk', 'spb');
    seen.push(world.lamp('spb', '1001', 'msk'));
  }
  assert.deepEqual(seen, ['RINGING', 'INUSE', 'NOT_INUSE']);
});

test('states that follow each other in one frame are all written, in order, and a removal among them too', () => {
  const world = pair();
  const spb = world.pbx('spb');
  const link = spb.core?.status(world.now).origins[0]?.link ?? -1;
  const seq = (world.pipe('msk', 'spb')?.seq ?? 0) + 1;
  const states = ['RINGING', 'INUSE', null, 'ONHOLD', 'NOT_INUSE'] as const;
  const entries = states.map((state) => ({ kind: 'device', extension: '1001', state }) as const);
  spb.effects.length = 0;
  world.feed('spb', { type: 'heard', peer: 'msk', link, seq, message: { type: 'change', entries } });
  const written = spb.effects.flatMap((effect) => (effect.type === 'setLamp' ? [effect.state] : []));
  assert.deepEqual(written, ['RINGING', 'INUSE', 'INVALID', 'ONHOLD', 'NOT_INUSE']);
});

test('a killed broker: lamps hold, then show the gone-state; its return makes them right', () => {
  const world = pair();
  world.set('msk', '1001', 'INUSE');
  world.pass(100, true);
  world.stopBroker('msk');
  world.pass(TIMING.suspectAfterMs + TIMING.goneAfterMs - 1_100, true);
  assert.equal(world.lamp('spb', '1001', 'msk'), 'INUSE');
  world.pass(1_500, true);
  assert.equal(world.lamp('spb', '1001', 'msk'), 'UNAVAILABLE');
  world.startBroker('msk');
  world.pass(3_000, true);
  assert.equal(world.lamp('spb', '1001', 'msk'), 'INUSE');
});

test('each gone-state is what lamps show of an origin that is gone; hold leaves them', () => {
  for (const [goneState, shown] of [
    ['BUSY', 'BUSY'],
    ['INVALID', 'INVALID'],
    ['hold', 'RINGING'],
  ] as const) {
    const world = pair(goneState);
    world.set('msk', '1001', 'RINGING');
    world.pass(100, true);
    world.stopBroker('msk');
    world.pass(20_000, true);
    assert.equal(world.lamp('spb', '1001', 'msk'), shown, goneState);
  }
});

test('held lamps stay held when the origin goes while our own Asterisk is down', () => {
  const world = pair('hold');
  world.set('msk', '1001', 'RINGING');
  world.pass(100, true);
  world.stopAsterisk('spb');
  world.stopBroker('msk');
  world.pass(20_000, true);
  world.startAsterisk('spb');
  world.pass(1_000, true);
  assert.equal(world.lamp('spb', '1001', 'msk'), 'RINGING');
});

test('what an origin said while our own Asterisk was down counts, also when it is silent by then', () => {
  for (const goneState of ['UNAVAILABLE', 'hold'] as const) {
    const world = pair(goneState);
    world.set('msk', '1001', 'BUSY');
    world.set('msk', '1002', 'BUSY');
    world.pass(1_000, true);
    world.stopAsterisk('spb');
    world.set('msk', '1001', undefined);
    world.set('msk', '1002', 'INUSE');
    world.relist('msk');
    world.pass(500, true);
    world.stopBroker('msk');
    world.pass(3_500, true);
    world.startAsterisk('spb');
    world.pass(100, true);
    assert.equal(world.lamp('spb', '1001', 'msk'), 'INVALID', goneState);
    assert.equal(world.lamp('spb', '1002', 'msk'), 'INUSE', goneState);
  }
});

test('a live change does not wait for the repairs of lamps that phones watch', () => {
  const world = pair();
  const spb = world.pbx('spb');
  for (let i = 0; i < 300; i += 1) {
    world.set('msk', String(2_000 + i), 'INUSE');
    world.watch('spb', String(2_000 + i), 'msk');
  }
  world.pass(5_000, true);
  world.stopAsterisk('spb');
  for (const lamp of spb.lamps.keys()) spb.lamps.set(lamp, 'NOT_INUSE');
  world.startAsterisk('spb');
  world.relist('spb');
  spb.effects.length = 0;
  world.set('msk', '2299', 'RINGING');
  world.pass(300, true);
  assert.equal(world.lamp('spb', '2299', 'msk'), 'RINGING');
  assert.ok(
    spb.effects.filter(({ type }) => type === 'setLamp').length < 100,
    'while most repairs still wait',
  );
});

test('a quick restart with a bye flashes nothing', () => {
  const world = pair();
  world.set('msk', '1001', 'INUSE');
  world.pass(100, true);
  const spb = world.pbx('spb');
  spb.effects.length = 0;
  const link = spb.core?.status(world.now).origins[0]?.link ?? -1;
  const seq = (world.pipe('msk', 'spb')?.seq ?? 0) + 1;
  world.feed('spb', { type: 'heard', peer: 'msk', link, seq, message: { type: 'bye', final: false } });
  world.stopBroker('msk');
  world.pass(5_000, true);
  world.startBroker('msk');
  world.pass(5_000, true);
  assert.deepEqual(
    spb.effects.filter((effect) => effect.type === 'setLamp'),
    [],
  );
  assert.equal(spb.core?.status(world.now).origins[0]?.belief, 'live');
});

test('an origin that has lost its Asterisk no longer vouches for its lamps', () => {
  const world = pair();
  world.stopAsterisk('msk');
  world.pass(19_500, true);
  assert.equal(world.lamp('spb', '1001', 'msk'), 'UNAVAILABLE');
  world.pbx('msk').hints.set('1001', 'BUSY');
  world.startAsterisk('msk');
  world.pass(1_100, true);
  assert.equal(world.lamp('spb', '1001', 'msk'), 'BUSY');
});

test('an origin whose Asterisk does not answer falls silent', () => {
  const core = new Federation(
    { tag: 'msk', exports: [hints('local', '_X.')], origins: [], timing: TIMING, pacing: PACING },
    0,
  );
  core.input(
    { type: 'asteriskUp', listing: { hints: [], devices: [], channels: [], presences: [], mailboxes: [] } },
    0,
  );
  const alive: number[] = [];
  for (let now = 100; now <= 10_000; now += 100) {
    if (core.input({ type: 'tick' }, now).some(({ type }) => type === 'alive')) alive.push(now);
  }
  assert.deepEqual(alive, [100, 1_100], 'two intervals after the last answer nothing is vouched for');
});

test('a link that comes up while Asterisk does not answer is served when it does', () => {
  const world = pair();
  const msk = world.pbx('msk');
  const link = { type: 'linkUp', peer: 'spb', link: 99, epoch: 'later' } as const;
  for (let i = 0; i < 4; i += 1) {
    world.now += 900;
    world.feed('msk', { type: 'tick' });
  }
  msk.effects.length = 0;
  world.feed('msk', link);
  assert.deepEqual(
    msk.effects.filter(({ type }) => type === 'snapshot'),
    [],
  );
  world.feed('msk', { type: 'asteriskAnswered' });
  assert.equal(msk.effects.filter(({ type }) => type === 'snapshot').length, 1);
});

test('a peer’s link that comes up while Asterisk is down is served when Asterisk is up', () => {
  const world = new World(['msk', 'spb']);
  world.stopAsterisk('msk');
  world.pass(500, true);
  world.pbx('msk').hints.set('1001', 'INUSE');
  assert.equal(world.pipe('msk', 'spb')?.served, false);
  world.startAsterisk('msk');
  world.pass(200, true);
  assert.equal(world.lamp('spb', '1001', 'msk'), 'INUSE');
});

test('an extension that the origin no longer has turns INVALID', () => {
  const world = pair();
  world.set('msk', '1001', undefined);
  world.relist('msk');
  world.pass(100, true);
  assert.equal(world.lamp('spb', '1001', 'msk'), 'INVALID');
});

test('a lamp never written is written when a hint names it: gone-state before the origin is live, INVALID after', () => {
  const world = new World(['msk', 'spb']);
  world.cut.add('msk spb');
  world.watch('spb', '1001', 'msk');
  assert.equal(world.lamp('spb', '1001', 'msk'), 'UNAVAILABLE');
  world.cut.clear();
  world.pass(500, true);
  assert.equal(world.lamp('spb', '1001', 'msk'), 'INVALID');
  world.watch('spb', '1002', 'msk');
  assert.equal(world.lamp('spb', '1002', 'msk'), 'INVALID');
  world.watch('spb', '1003', 'ekb');
  assert.equal(world.lamp('spb', '1003', 'ekb'), undefined, 'an unknown tag is not ours to write');
  world.watch('spb', '1003', 'spb');
  assert.equal(world.lamp('spb', '1003', 'spb'), undefined, 'nor is our own');
});

test('what AstDB kept is held for the first sync, then shown as gone; a right lamp is not written again', () => {
  const world = new World(['msk', 'spb']);
  world.cut.add('msk spb');
  const spb = world.pbx('spb');
  world.stopAsterisk('spb');
  spb.lamps.set('1001*msk', 'INUSE');
  world.stopBroker('spb');
  world.startBroker('spb');
  world.startAsterisk('spb');
  world.pass(TIMING.firstSyncMs - 200, true);
  assert.equal(world.lamp('spb', '1001', 'msk'), 'INUSE');
  world.pass(300, true);
  assert.equal(world.lamp('spb', '1001', 'msk'), 'UNAVAILABLE');
  world.set('msk', '1001', 'UNAVAILABLE');
  spb.effects.length = 0;
  world.cut.clear();
  world.pass(3_000, true);
  assert.deepEqual(
    spb.effects.filter((effect) => effect.type === 'setLamp'),
    [],
  );
});

test('the lamps of a former peer are shown as gone at once', () => {
  const origins = [{ tag: 'old', goneState: 'UNAVAILABLE', former: true } as const];
  const core = new Federation({ tag: 'msk', exports: [], origins, timing: TIMING, pacing: PACING }, 0);
  const listing = {
    hints: [],
    devices: [{ device: 'Custom:1001*old', state: 'INUSE' } as const],
    channels: [],
    presences: [],
    mailboxes: [],
  };
  const effects = core.input({ type: 'asteriskUp', listing }, 0);
  assert.deepEqual(
    effects.filter(({ type }) => type === 'setLamp'),
    [{ type: 'setLamp', kind: 'device', id: 1, lamp: '1001*old', state: 'UNAVAILABLE' }],
  );
  assert.equal(core.admits('old', 'any'), false);
});

test('a repeated state at the origin puts nothing on the wire', () => {
  const world = pair();
  const msk = world.pbx('msk');
  msk.effects.length = 0;
  world.set('msk', '1001', 'NOT_INUSE');
  world.relist('msk');
  assert.deepEqual(msk.effects, []);
});

test('drift is repaired', () => {
  const world = pair();
  world.meddle('spb', '1001*msk', 'BUSY');
  world.pass(1_500, true);
  assert.equal(world.lamp('spb', '1001', 'msk'), 'NOT_INUSE');
  assert.ok(world.pbx('spb').notes.some((note) => note.kind === 'drift'));
});

test('while one run of a peer’s broker is heard, another run is not admitted; the same run is', () => {
  const world = pair();
  const core = world.pbx('spb').core;
  assert.equal(core?.admits('msk', world.pbx('msk').epoch), true);
  assert.equal(core?.admits('msk', 'a-clone'), false);
  world.stopBroker('msk');
  assert.equal(core?.admits('msk', 'a-clone'), false, 'the link is down, but it was heard a moment ago');
  world.pass(TIMING.suspectAfterMs + 100, true);
  assert.equal(core?.admits('msk', 'a-clone'), true);
});

test('a pause of our own process is not taken for the silence of every peer', () => {
  const world = pair();
  const spb = world.pbx('spb');
  const before = spb.effects.length;
  world.now += 60_000;
  world.feed('spb', { type: 'tick' });
  assert.deepEqual(
    spb.effects.slice(before).filter(({ type }) => type === 'setLamp'),
    [],
  );
  assert.equal(spb.core?.status(world.now).origins[0]?.belief, 'live');
});

test('frames of a link that is no longer the peer’s, and frames of no peer, do nothing', () => {
  const world = pair();
  const message = {
    type: 'change',
    entries: [{ kind: 'device', extension: '1001', state: 'BUSY' }],
  } as const;
  world.feed('spb', { type: 'heard', peer: 'msk', link: 999, seq: 2, message });
  world.feed('spb', { type: 'heard', peer: 'nobody', link: 1, seq: 1, message });
  world.feed('spb', { type: 'linkUp', peer: 'nobody', link: 1_000, epoch: 'x' });
  assert.equal(world.lamp('spb', '1001', 'msk'), 'NOT_INUSE');
  assert.ok(world.pbx('spb').effects.some((effect) => effect.type === 'dropLink' && effect.link === 1_000));
});

test('an extension too long for a lamp is refused, said once a link, and nothing else suffers', () => {
  const world = pair();
  for (const c of ['1', '2']) world.set('msk', c.repeat(71), 'INUSE');
  world.set('msk', '1002', 'INUSE');
  world.pass(100, true);
  assert.equal(world.lamp('spb', '1002', 'msk'), 'INUSE');
  assert.equal(world.pbx('spb').notes.filter((note) => note.kind === 'extensionRefused').length, 1);
});

test('an extension that cannot be a lamp here is told while the origin has it, and no longer', () => {
  const world = pair();
  const long = '1'.repeat(70);
  const refused = (): unknown => world.pbx('spb').core?.status(world.now).origins[0]?.refused;
  world.set('msk', long, 'INUSE');
  world.pass(2_000, true);
  assert.match(String(refused()), /longer than 72/);
  world.pbx('msk').hints.delete(long);
  world.relist('msk');
  world.pass(2_000, true);
  assert.equal(refused(), undefined);
  world.stopBroker('msk');
  world.pass(1_000, true);
  world.startBroker('msk');
  world.pass(10_000, true);
  assert.equal(refused(), undefined);
});

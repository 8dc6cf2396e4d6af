// Lamps that were taken out of Asterisk's database, as `hintmesh prune` does: a broker that runs on must not bring them
// back with the next Asterisk.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Federation } from '../../src/core/federation.ts';
import type { DeviceStatus, HintStatus } from '../../src/core/source.ts';
import { PACING, TIMING, World } from './world.ts';

/** A broker that had `old` as a peer. */
function formerly(): Federation {
  const origins = [{ tag: 'old', goneState: 'UNAVAILABLE', former: true } as const];
  return new Federation({ tag: 'msk', exports: [], origins, timing: TIMING, pacing: PACING }, 0);
}

/** What is written when Asterisk comes up with these devices and hints. */
function written(core: Federation, devices: readonly DeviceStatus[], hints: readonly HintStatus[] = []) {
  core.input({ type: 'asteriskDown' }, 0);
  return core
    .input({ type: 'asteriskUp', listing: { hints, devices, channels: [], presences: [], mailboxes: [] } }, 0)
    .flatMap((effect) => (effect.type === 'setLamp' ? [`${effect.lamp}=${effect.state}`] : []));
}

const RED = { device: 'Custom:1001*old', state: 'INUSE' } as const;
const HINT = { context: 'blf', extension: '1001*old', hint: RED.device, status: 1 };

describe('a lamp that Asterisk has no more', () => {
  test('of a former peer, is not written into it again, and is known no more', () => {
    const core = formerly();
    assert.deepEqual(written(core, [RED]), ['1001*old=UNAVAILABLE']);
    assert.deepEqual(written(core, []), []);
    assert.deepEqual([...core.lamps()], []);
  });

  test('is written when a hint names it, at once or later', () => {
    const core = formerly();
    written(core, [RED]);
    assert.deepEqual(written(core, [], [HINT]), ['1001*old=UNAVAILABLE']);
    assert.deepEqual(written(core, []), []);
    const effects = core.input({ type: 'hintChanged', status: HINT }, 0);
    assert.ok(effects.some((effect) => effect.type === 'setLamp' && effect.lamp === '1001*old'));
  });

  test('of a session that was cut while Asterisk ran on, stays as it is', () => {
    const core = formerly();
    written(core, [RED]);
    assert.deepEqual(written(core, [{ ...RED, state: 'UNAVAILABLE' }]), []);
    assert.deepEqual(
      [...core.lamps()].map(({ name }) => name),
      ['1001*old'],
    );
  });

  test('of a live peer: an extension that it has is written again, one that it has no more is not', () => {
    const world = new World(['msk', 'spb']);
    world.set('msk', '1001', 'INUSE');
    world.set('msk', '1002', 'INUSE');
    world.pass(500, true);
    world.set('msk', '1002', undefined);
    world.relist('msk');
    world.pass(500, true);
    assert.equal(world.lamp('spb', '1002', 'msk'), 'INVALID');
    world.stopAsterisk('spb');
    world.pbx('spb').lamps.clear();
    world.startAsterisk('spb');
    world.pass(500, true);
    assert.equal(world.lamp('spb', '1001', 'msk'), 'INUSE');
    assert.equal(world.lamp('spb', '1002', 'msk'), undefined);
    world.set('msk', '1002', 'BUSY');
    world.pass(500, true);
    assert.equal(world.lamp('spb', '1002', 'msk'), 'BUSY');
  });
});

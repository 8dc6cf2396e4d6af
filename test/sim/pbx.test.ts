import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { DEVICE_STATES, type DeviceState } from '../../src/core/state.ts';
import { Pbx, type PbxEvent, type PbxOptions } from './pbx.ts';

const SPB = { '_1XXX*spb': 'Custom:$' + '{EXTEN}' };

/** A booted model that keeps its events. */
function booted(options: PbxOptions): { pbx: Pbx; events: PbxEvent[] } {
  const pbx = new Pbx(options);
  pbx.loadModules();
  pbx.dialplanReload();
  const events: PbxEvent[] = [];
  pbx.onEvent = (event) => events.push(event);
  return { pbx, events };
}

const named = (events: readonly PbxEvent[], name: string) => events.filter((event) => event.name === name);
const value = (event: PbxEvent | undefined, field: string) =>
  event?.fields.find(([name]) => name === field)?.[1];

test('hint and device events of one change come in either order', () => {
  const { pbx, events } = booted({ hints: { '1001': 'PJSIP/1001' }, devices: { 'PJSIP/1001': 'NOT_INUSE' } });
  const first = new Set<string>();
  for (let n = 0; n < 100; n++) {
    pbx.setDevice('PJSIP/1001', n % 2 ? 'NOT_INUSE' : 'INUSE');
    pbx.settle();
    assert.equal(events.length, 2);
    first.add(events[0]?.name ?? '');
    events.length = 0;
  }
  assert.deepEqual([...first].sort(), ['DeviceStateChange', 'ExtensionStatus']);
});

test('a burst loses hint events, never device events, never the last state', () => {
  const { pbx, events } = booted({ hints: { '1001': 'PJSIP/1001' }, devices: { 'PJSIP/1001': 'NOT_INUSE' } });
  const rounds = 100;
  for (let n = 0; n < rounds; n++) {
    for (const state of ['RINGING', 'INUSE', 'ONHOLD', 'NOT_INUSE'] as const) {
      pbx.setDevice('PJSIP/1001', state);
    }
    pbx.settle();
    const hints = named(events, 'ExtensionStatus');
    if (hints.length > 0) assert.equal(value(hints.at(-1), 'Status'), '0');
  }
  assert.equal(named(events, 'DeviceStateChange').length, 4 * rounds);
  // Real ones kept 275 and 296 of 400.
  const kept = named(events, 'ExtensionStatus').length;
  assert.ok(kept > 200 && kept < 380, `${kept} hint events of 400`);
});

test('the same seed and script give the same events', () => {
  const run = (seed: number) => {
    const { pbx, events } = booted({ seed, hints: { '1001': 'PJSIP/1001' } });
    for (let n = 0; n < 50; n++) pbx.setDevice('PJSIP/1001', DEVICE_STATES[1 + (n % 8)] ?? 'BUSY');
    pbx.settle();
    return JSON.stringify(events);
  };
  assert.equal(run(3), run(3));
  assert.notEqual(run(3), run(4));
});

test('writing the state a device has already is silent, but AstDB gets the new word', () => {
  const { pbx, events } = booted({});
  assert.equal(pbx.writeCustom('Custom:a', 'INUSE'), true);
  pbx.settle();
  events.length = 0;
  assert.equal(pbx.writeCustom('Custom:a', 'inuse'), true);
  pbx.settle();
  assert.deepEqual(events, []);
  assert.equal(pbx.astdb.get('a'), 'inuse');
});

test('AstDB keeps the full name and its slash, the cache does not', () => {
  const { pbx } = booted({});
  const long = 'x'.repeat(75);
  pbx.writeCustom(`Custom:${long}`, 'INUSE');
  pbx.writeCustom('Custom:SIP/103', 'BUSY');
  assert.ok(pbx.devices().has(`Custom:${'x'.repeat(72)}`));
  assert.deepEqual([...pbx.astdb.keys()], [long, 'SIP/103']);
  pbx.forget();
  pbx.loadModules();
  assert.equal(pbx.deviceState('Custom:103'), 'BUSY');
  assert.equal(pbx.deviceState('Custom:SIP/103'), 'INVALID');
});

test('a scripted call rings, is answered, held, and ends', () => {
  const devices = { 'PJSIP/1001': 'NOT_INUSE', 'PJSIP/1002': 'UNAVAILABLE' } as const;
  const { pbx } = booted({ hints: { '1001': 'PJSIP/1001' }, devices });
  const seen: (DeviceState | undefined)[] = [];
  const look = () => seen.push(pbx.hintState('1001'));
  const call = pbx.call('PJSIP/1002', '1001');
  look();
  call.answer();
  look();
  const second = pbx.call('PJSIP/1003', '1001');
  look();
  second.hangup();
  call.hold();
  look();
  call.resume();
  look();
  call.hangup();
  look();
  assert.deepEqual(seen, ['RINGING', 'INUSE', 'RINGINUSE', 'ONHOLD', 'INUSE', 'NOT_INUSE']);
  assert.equal(pbx.deviceState('PJSIP/1002'), 'UNAVAILABLE');
});

test('a hint by pattern is mute until asked for, and mute again after a reload unless watched', () => {
  const { pbx, events } = booted({ hints: SPB });
  const statuses = () => {
    pbx.settle();
    return named(events.splice(0), 'ExtensionStatus').map((event) => value(event, 'Exten'));
  };
  pbx.writeCustom('Custom:1001*spb', 'INUSE');
  assert.deepEqual(statuses(), []);
  assert.equal(pbx.askHint('1001*spb').status, 1);
  assert.equal(pbx.subscribe('1002*spb'), true);
  assert.deepEqual(statuses(), ['1001*spb', '1002*spb']);
  pbx.writeCustom('Custom:1001*spb', 'BUSY');
  assert.deepEqual(statuses(), ['1001*spb']);
  pbx.dialplanReload();
  assert.deepEqual(statuses(), ['1002*spb']);
  pbx.writeCustom('Custom:1001*spb', 'RINGING');
  pbx.writeCustom('Custom:1002*spb', 'RINGING');
  assert.deepEqual(statuses(), ['1002*spb']);
  assert.deepEqual(
    pbx.hintRows().map((row) => row.extension),
    ['1002*spb'],
  );
});

test('a lamp goes dark when its hint is removed, and a phone that asks again gets 404', () => {
  const { pbx } = booted({ hints: SPB });
  const told: [string, DeviceState | undefined][] = [];
  pbx.onLamp = (extension, state) => told.push([extension, state]);
  pbx.subscribe('1001*spb');
  pbx.removeHint('_1XXX*spb');
  pbx.dialplanReload();
  assert.deepEqual(told, [
    ['1001*spb', 'NOT_INUSE'],
    ['1001*spb', undefined],
  ]);
  assert.equal(pbx.subscribe('1001*spb'), false);
});

test('a stopped process moves no lamp and raises no event until it goes on', () => {
  const { pbx, events } = booted({ hints: SPB });
  pbx.subscribe('1001*spb');
  events.length = 0;
  pbx.frozen = true;
  pbx.writeCustom('Custom:1001*spb', 'INUSE');
  pbx.settle();
  assert.deepEqual([events.length, pbx.lamp('1001*spb')], [0, 'NOT_INUSE']);
  pbx.frozen = false;
  pbx.settle();
  assert.deepEqual([events.length, pbx.lamp('1001*spb')], [2, 'INUSE']);
});

test('when all is settled every lamp shows what its hint is, whatever was done before', () => {
  const devices = ['PJSIP/1', 'Custom:1', 'Custom:2'] as const;
  const hints = { '1': 'PJSIP/1', '2': 'Custom:1&Custom:2', '3': 'PJSIP/1&Custom:2', ...SPB };
  const watched = ['1', '2', '3', '1001*spb'];
  const change = fc.tuple(fc.constantFrom(...devices, 'Custom:1001*spb'), fc.constantFrom(...DEVICE_STATES));
  fc.assert(
    fc.property(fc.integer(), fc.array(fc.oneof(change, fc.constant('reload' as const))), (seed, script) => {
      const { pbx } = booted({ seed, hints });
      for (const extension of watched) pbx.subscribe(extension);
      for (const step of script) {
        if (step === 'reload') pbx.dialplanReload();
        else if (step[0].startsWith('Custom:')) pbx.writeCustom(step[0], step[1]);
        else pbx.setDevice(step[0], step[1]);
      }
      pbx.settle();
      for (const extension of watched) assert.equal(pbx.lamp(extension), pbx.hintState(extension));
    }),
  );
});

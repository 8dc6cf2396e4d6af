// Law 2: whatever was lost, repeated, reordered, cut or restarted, when the faults stop every lamp equals
// its origin's state. And law 4 all along: no core publishes a lamp, none writes a lamp of its own tag.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { splitLampName } from '../../src/core/names.ts';
import { type DeviceState, toWritable } from '../../src/core/state.ts';
import { World } from './world.ts';

const TAGS = ['aa', 'bb', 'cc'] as const;
const EXTENSIONS = ['1', '2', '3', '4', '5', '6', '7'];
const STATES: (DeviceState | undefined)[] = [
  'NOT_INUSE',
  'RINGING',
  'INUSE',
  'ONHOLD',
  'BUSY',
  'UNAVAILABLE',
  undefined,
];

const tag = fc.constantFrom(...TAGS);
const extension = fc.constantFrom(...EXTENSIONS);
const step = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({
      op: fc.constant('set' as const),
      at: tag,
      extension,
      state: fc.constantFrom(...STATES),
    }),
  },
  {
    weight: 12,
    arbitrary: fc.record({ op: fc.constant('deliver' as const), at: tag, to: tag, count: fc.nat(5) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      op: fc.constantFrom('lose' as const, 'repeat' as const, 'swap' as const),
      at: tag,
      to: tag,
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ op: fc.constant('pass' as const), ms: fc.constantFrom(50, 900, 4_000, 20_000) }),
  },
  { weight: 4, arbitrary: fc.record({ op: fc.constant('answer' as const), at: tag }) },
  {
    weight: 2,
    arbitrary: fc.record({ op: fc.constantFrom('drop' as const, 'cut' as const), at: tag, to: tag }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      op: fc.constantFrom('killBroker' as const, 'killAsterisk' as const, 'relist' as const),
      at: tag,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ op: fc.constantFrom('startBroker' as const, 'startAsterisk' as const), at: tag }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      op: fc.constantFrom('watch' as const, 'meddle' as const),
      at: tag,
      extension,
      to: tag,
    }),
  },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

function apply(world: World, next: Step): void {
  if (next.op === 'pass') return world.pass(next.ms, false);
  const { at } = next;
  switch (next.op) {
    case 'set':
      return world.set(at, next.extension, next.state);
    case 'answer':
      return world.answer(at);
    case 'relist':
      return world.relist(at);
    case 'killBroker':
      return world.stopBroker(at);
    case 'startBroker':
      if (world.pbx(at).core === undefined) world.startBroker(at);
      return;
    case 'killAsterisk':
      if (world.pbx(at).up) world.stopAsterisk(at);
      return;
    case 'startAsterisk':
      if (!world.pbx(at).up) world.startAsterisk(at);
      return;
  }
  const { to } = next;
  if (at === to) return;
  const frames = world.pipe(at, to)?.frames ?? [];
  switch (next.op) {
    case 'deliver':
      for (let i = 0; i < next.count; i += 1) world.deliver(at, to);
      return;
    case 'lose':
      frames.shift();
      return;
    case 'repeat':
      if (frames[0]) frames.unshift(frames[0]);
      return;
    case 'swap':
      if (frames.length > 1) frames.splice(0, 2, ...frames.slice(0, 2).reverse());
      return;
    case 'drop':
      return world.dropLink(at, to);
    case 'cut':
      world.cut.add(at < to ? `${at} ${to}` : `${to} ${at}`);
      return world.dropLink(at, to);
    case 'watch':
      return world.watch(at, next.extension, to);
    case 'meddle':
      return world.meddle(at, `${next.extension}*${to}`, 'BUSY');
  }
}

function quieten(world: World): void {
  world.cut.clear();
  for (const at of TAGS) {
    if (world.pbx(at).core === undefined) world.startBroker(at);
    if (!world.pbx(at).up) world.startAsterisk(at);
    world.relist(at);
  }
  // A run of a broker that was heard until just now keeps a newer one waiting until it is suspect.
  world.pass(10_000, true);
}

test('whatever was lost, repeated, reordered, dropped or restarted, every lamp ends as its origin says', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120, size: 'max' }), (steps) => {
      const world = new World(TAGS);
      for (const next of steps) apply(world, next);
      quieten(world);
      for (const at of TAGS) {
        for (const of of TAGS) {
          if (at === of) continue;
          for (const ext of EXTENSIONS) {
            const said = world.pbx(of).hints.get(ext);
            const lamp = world.lamp(at, ext, of);
            if (said !== undefined) assert.equal(lamp, toWritable(said), `${ext}*${of} at ${at}`);
            else assert.ok(lamp === undefined || lamp === 'INVALID', `${ext}*${of} at ${at} is ${lamp}`);
          }
          for (const name of world.pbx(at).watched) assert.ok(world.pbx(at).lamps.has(name), name);
        }
        for (const effect of world.pbx(at).effects) {
          if (effect.type === 'setLamp') assert.notEqual(splitLampName(effect.lamp)?.tag, at);
          if (effect.type === 'publish') {
            for (const entry of effect.entries) assert.ok(EXTENSIONS.includes(entry.extension));
          }
        }
      }
    }),
    { numRuns: Number(process.env['HINTMESH_RUNS'] ?? 400) },
  );
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Place, Ranked } from '../../src/core/ranked.ts';

test('the least rank is next, of the same rank who came first, whatever is added and taken out', () => {
  const step = fc.oneof(
    fc.record({ type: fc.constant('add' as const), item: fc.nat(30), rank: fc.nat(5) }),
    fc.record({ type: fc.constant('delete' as const), item: fc.nat(30) }),
    fc.record({ type: fc.constant('next' as const) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const queue = new Ranked<number>();
      let model: { item: number; rank: number; place: Place<number> }[] = [];
      for (const each of steps) {
        if (each.type === 'add') {
          if (!model.some(({ item }) => item === each.item)) {
            model.push({ ...each, place: queue.add(each.item, each.rank) });
          }
        } else if (each.type === 'delete') {
          for (const { item, place } of model) {
            if (item !== each.item) continue;
            queue.delete(place);
            queue.delete(place);
          }
          model = model.filter(({ item }) => item !== each.item);
        } else {
          const least = Math.min(...model.map(({ rank }) => rank));
          const expected = model.find(({ rank }) => rank === least);
          assert.equal(queue.next(), expected?.item);
          if (expected !== undefined) queue.delete(expected.place);
          model = model.filter((other) => other !== expected);
        }
        assert.equal(queue.size, model.length);
      }
    }),
    { numRuns: 500 },
  );
});

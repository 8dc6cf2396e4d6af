// Fuzzing can fail: mistakes that are put into a copy of src/ are found within some thousand inputs.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hunt, PLANTS, planted } from './plants.ts';

const SEED = 1;

for (const plant of PLANTS.filter(({ quick }) => quick)) {
  test(`found: ${plant.name}`, async (t) => {
    const failure = await hunt(plant, SEED);
    assert.ok(failure, 'not found');
    assert.match(failure.why, plant.found);
    t.diagnostic(failure.why.split('\n')[0] ?? '');
  });
}

test('what the others replace is in src/ once', () => {
  for (const { name, changes } of PLANTS) {
    for (const change of changes) assert.doesNotThrow(() => planted(change), name);
  }
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CannotRun } from '../sites/prosody-root.ts';
import { together } from './together.ts';

const later = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 5));

test('all that started, in their order; who cannot run is left out', async () => {
  const all = await together(['slow', 'absent', 'fast'], async (name) => {
    if (name === 'absent') throw new CannotRun('not here');
    if (name === 'slow') await later();
    return name.length;
  });
  assert.deepEqual(
    [...all],
    [
      ['slow', 4],
      ['fast', 4],
    ],
  );
});

test('another failure is thrown, when all the others have come to their end', async () => {
  let started = false;
  const all = together(['bad', 'slow'], async (name) => {
    if (name === 'bad') throw new Error('broken');
    await later();
    started = true;
  });
  await assert.rejects(all, /broken/);
  assert.ok(started);
});

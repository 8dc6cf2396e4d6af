import assert from 'node:assert/strict';
import test from 'node:test';
import { fit } from './line-fit.ts';

test('points on a line give that line', () => {
  const { slope, intercept } = fit([1, 10, 50, 200].map((x) => [x, 3 * x + 7] as const));
  assert.ok(Math.abs(slope - 3) < 1e-9);
  assert.ok(Math.abs(intercept - 7) < 1e-9);
});

test('a point that is off by its own size counts as much at 1 as at 200', () => {
  const { intercept } = fit([
    [1, 10],
    [100, 109],
    [200, 400],
  ]);
  assert.ok(intercept > 5 && intercept < 12, `${intercept}`);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cpuOf, ticks } from './cpu.ts';

test('user and system time are added, whatever the name is', () => {
  const stat = '42 (a) b (c) S 1 42 42 0 -1 4194560 1 2 3 4 150 25 7 8 20 0 11 0 99 1 2';
  assert.equal(ticks(stat), 175);
});

test('of this process there is some, and of one that is gone no number', () => {
  assert.ok(cpuOf(process.pid) >= 0);
  assert.ok(cpuOf(process.cpuUsage()) > 0);
  assert.ok(Number.isNaN(cpuOf(2 ** 30)));
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Peer } from '../../src/core/peer.ts';

const timing = { suspectAfterMs: 3_000, goneAfterMs: 15_000, firstSyncMs: 15_000 };

test('an origin never heard is gone after the first sync, not before', () => {
  const peer = new Peer(timing, 100);
  peer.tick(15_099);
  assert.equal(peer.belief, 'unheard');
  peer.tick(15_100);
  assert.equal(peer.belief, 'gone');
});

test('silence makes a live origin suspect, then gone; one late tick passes through both', () => {
  const peer = new Peer(timing, 0);
  peer.vouched(1_000);
  peer.tick(3_999);
  assert.equal(peer.belief, 'live');
  peer.tick(4_000);
  assert.equal(peer.belief, 'suspect');
  peer.tick(18_999);
  assert.equal(peer.belief, 'suspect');
  peer.tick(19_000);
  assert.equal(peer.belief, 'gone');

  const late = new Peer(timing, 0);
  late.vouched(1_000);
  late.tick(60_000);
  assert.equal(late.belief, 'gone');
});

test('a change keeps a live or suspect origin live, and proves nothing for one that is gone or unheard', () => {
  const peer = new Peer(timing, 0);
  peer.heard(1);
  assert.equal(peer.belief, 'unheard');
  peer.vouched(0);
  peer.tick(3_000);
  peer.heard(3_500);
  assert.equal(peer.belief, 'live');
  peer.tick(30_000);
  peer.heard(30_001);
  assert.equal(peer.belief, 'gone');
  peer.vouched(30_002);
  assert.equal(peer.belief, 'live');
});

test('a bye makes suspect at once and gone after the usual grace; a final one gone at once', () => {
  const peer = new Peer(timing, 0);
  peer.vouched(1_000);
  peer.left(false, 1_500);
  assert.equal(peer.belief, 'suspect');
  peer.tick(16_499);
  assert.equal(peer.belief, 'suspect');
  peer.tick(16_500);
  assert.equal(peer.belief, 'gone');
  const left = new Peer(timing, 0);
  left.vouched(0);
  left.left(true, 1);
  assert.equal(left.belief, 'gone');
});

test('time in which we did not run ourselves is no silence', () => {
  const peer = new Peer(timing, 0);
  peer.vouched(0);
  peer.excuse(60_000);
  peer.tick(61_000);
  assert.equal(peer.belief, 'live');
  peer.tick(63_000);
  assert.equal(peer.belief, 'suspect');
});

// What goes out on one link when who may see what changes under way.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Entry } from '../../src/core/message.ts';
import { type Channel, HIGH_WATER_BYTES, MAX_FRAME_STATES } from '../../src/mesh/contract.ts';
import { decode } from '../../src/mesh/frames.ts';
import { Outbox } from '../../src/mesh/outbox.ts';
import { entry } from './broker.ts';

test('a snapshot under way goes on with what the next one has too, and is finished', () => {
  const frames: string[] = [];
  let buffered = 0;
  const channel = {
    get buffered() {
      return buffered;
    },
    send: (text: string) => {
      frames.push(text);
      // The other side takes nothing more just now.
      buffered = HIGH_WATER_BYTES;
    },
  } as Partial<Channel> as Channel;
  const outbox = new Outbox(channel, { full: () => assert.fail(), coalesced: () => {} });
  const all = Array.from({ length: 5 * MAX_FRAME_STATES }, (_, i) => entry(String(10_000 + i), 'INUSE'));
  const some = all.filter((_, i) => i % 2 === 0);
  outbox.snapshot(all);
  outbox.snapshot(some);
  const told: Entry[] = [];
  let parts = 0;
  for (let i = 0; i < 20; i += 1) {
    buffered = 0;
    outbox.pump();
  }
  for (const [at, text] of frames.entries()) {
    const frame = decode(text);
    assert.ok(frame.type === 'numbered' && frame.message.type === 'snapshot');
    assert.equal(frame.seq, at + 1);
    if (at > 0) told.push(...frame.message.entries);
    if (frame.message.last) parts += 1;
  }
  assert.equal(parts, 2, 'both are whole');
  const may = new Set(some.map(({ extension }) => extension));
  assert.deepEqual(
    told.filter(({ extension }) => !may.has(extension)),
    [],
    'after the first frame nothing goes out that the second snapshot has not',
  );
  assert.deepEqual(told.slice(-some.length), some);
});

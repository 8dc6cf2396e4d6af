import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  MANY_OTHERS,
  MAX_REFUSALS,
  MAX_TEXTS,
  REFUSAL_REPORT_EVERY_MS,
  Refusals,
} from '../../src/mesh/refusals.ts';
import type { MeshNote } from '../../src/mesh/types.ts';

function table() {
  const notes: MeshNote[] = [];
  const clock = { now: 0 };
  const refusals = new Refusals(
    (note) => notes.push(note),
    () => clock.now,
  );
  const refuse = (who: string, reason: MeshNote['reason'] = 'unknown-key') =>
    refusals.add({ kind: 'refused', reason, who, text: `${who} has no key` });
  return { notes, clock, refusals, refuse };
}

describe('refusals', () => {
  test('the first is told at once, the next thousand are counted and told together', () => {
    const { notes, clock, refusals, refuse } = table();
    for (let n = 0; n < 1_000; n++) refuse('10.0.0.1');
    assert.deepEqual(
      notes.map(({ who, reason, count }) => [who, reason, count]),
      [['10.0.0.1', 'unknown-key', 1]],
    );
    clock.now = REFUSAL_REPORT_EVERY_MS - 1;
    refuse('10.0.0.1');
    assert.equal(notes.length, 1);
    clock.now = REFUSAL_REPORT_EVERY_MS;
    refuse('10.0.0.1');
    assert.equal(notes[1]?.count, 1_001);
    assert.equal(refusals.counts['unknown-key'], 1_002);
  });

  test('another address and another reason are told on their own', () => {
    const { notes, refuse } = table();
    refuse('10.0.0.1');
    refuse('10.0.0.2');
    refuse('10.0.0.1', 'no-certificate');
    assert.equal(notes.length, 3);
  });

  test('another text is told too, a few times: whoever mended one mistake sees the next', () => {
    const { notes, clock, refusals } = table();
    const say = (text: string) =>
      refusals.add({ kind: 'refused', reason: 'bad-handshake', who: '10.0.0.1', text });
    for (const text of ['no entry', 'wrong key', 'no entry', 'wrong key']) say(text);
    assert.deepEqual(
      notes.map(({ text, count }) => [text, count]),
      [
        ['no entry', 1],
        ['wrong key', 1],
      ],
    );
    // Who is refused may choose a part of the text.
    for (let n = 0; n < 1_000; n++) say(`its key ${n}`);
    assert.equal(notes.length, MAX_TEXTS);
    clock.now = REFUSAL_REPORT_EVERY_MS;
    say('no entry');
    assert.deepEqual([notes.length, notes.at(-1)?.text], [MAX_TEXTS + 1, 'no entry']);
  });

  test('when it works again in between, the next failure is news', () => {
    const { notes, refusals, refuse } = table();
    refuse('spb');
    refuse('msk');
    refusals.forget('spb');
    refuse('spb');
    refuse('msk');
    assert.deepEqual(
      notes.map((note) => note.who),
      ['spb', 'msk', 'spb'],
    );
  });

  test('a crowd of addresses shares one line once the table is full, and those in it keep theirs', () => {
    const { notes, clock, refuse } = table();
    for (let n = 0; n < MAX_REFUSALS + 5_000; n++) refuse(`10.0.${n >> 8}.${n & 255}`);
    assert.equal(notes.length, MAX_REFUSALS + 1);
    assert.equal(notes.at(-1)?.who, MANY_OTHERS);
    refuse('10.0.0.0');
    assert.equal(notes.length, MAX_REFUSALS + 1, 'known already');
    clock.now = REFUSAL_REPORT_EVERY_MS;
    refuse('192.0.2.1');
    assert.equal(notes.at(-1)?.who, '192.0.2.1', 'old ones make room');
  });
});

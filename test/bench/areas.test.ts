// What every area must be able to do with results, also when there are none: a part of the bench may be run alone.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AREAS } from './areas.ts';
import type { Results } from './contract.ts';
import { BEGIN, END, page } from './page.ts';

const NONE: Results = { date: '2026-01-02', quick: false, machine: { CPU: 'none' }, samples: [], areas: {} };
/** What shows that something was not looked at before it was written. */
const BROKEN = /\bNaN\b|\bundefined\b|\bInfinity\b|\bnull\b|\[object /;

test('areas have names of their own', () => {
  const names = AREAS.map(({ name }) => name);
  assert.deepEqual([...new Set(names)], names);
  for (const name of names) assert.match(name, /^[a-z]+$/);
});

for (const area of AREAS) {
  test(`${area.name} without samples: a section that promises nothing`, () => {
    const section = area.section(NONE);
    assert.notEqual(section.title, '');
    assert.doesNotMatch(JSON.stringify(section), BROKEN);
    assert.deepEqual(
      section.goals.filter(({ met }) => met).map(({ text }) => text),
      [],
      'no goal is met by measuring nothing',
    );
  });
}

test('a page of nothing says of each area that it was not measured', () => {
  const { text, plots } = page(`${BEGIN}${END}`, NONE, AREAS);
  assert.equal(text.split('\nNot measured.\n').length - 1, AREAS.length);
  assert.doesNotMatch(text, BROKEN);
  assert.equal(plots.size, 0);
});

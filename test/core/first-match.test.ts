import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { firstMatch } from '../../src/core/first-match.ts';
import { excluding, type Match, matches } from '../../src/core/match.ts';
import { match } from './rules.ts';

const ITEMS = [
  '1001',
  '*76',
  'Z1',
  '1000-1009',
  '0100-0199',
  '_1XXX',
  '_*7X',
  '_.',
  '_!',
  '_[a-c]X.',
  '_2!',
  '/^1/',
  '/0$/',
];
const EXTENSIONS = [
  '1',
  '1001',
  '1009',
  '1010',
  '0150',
  '150',
  '*76',
  '*7',
  'Z1',
  'a1',
  'b2x',
  '2',
  '29',
  'x',
  '1000',
  '#',
  '',
];

const line = fc
  .tuple(
    fc.array(fc.constantFrom(...ITEMS), { minLength: 1, maxLength: 3 }),
    fc.array(fc.constantFrom('1001', '1000-1009', '_1XXX', '/^1/'), { maxLength: 1 }),
  )
  .map(([items, except]) => ({ match: excluding(match(...items), match(...except) as never) as Match }));

test('the first line that names an extension is found, however many there are and whatever they leave out', () => {
  let found = 0;
  fc.assert(
    fc.property(fc.array(line, { maxLength: 12 }), (lines) => {
      for (const extension of EXTENSIONS) {
        const expected = lines.find((each) => matches(each.match, extension));
        assert.equal(firstMatch(lines, extension), expected, `${extension} in ${JSON.stringify(lines)}`);
        if (expected !== undefined && lines.length > 4) found += 1;
      }
    }),
    { numRuns: 500 },
  );
  assert.ok(found > 500, `${found}`);
});

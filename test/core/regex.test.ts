// Regular expressions over extensions: whatever stands between the slashes is taken or refused, and what is said of the
// first characters of its matches holds.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { isExtension } from '../../src/core/names.ts';
import { FIRST } from '../../src/core/pattern.ts';
import { compileRegex, firstCharacters, MAX_REGEX, whyNotRegex } from '../../src/core/regex.ts';

const piece = fc.constantFrom(
  ...[
    '^',
    '$',
    '1',
    '7',
    'a',
    '.',
    '|',
    '(',
    ')',
    '[',
    ']',
    '[1-4]',
    '[^1]',
    '[*#]',
    '\\d',
    '\\*',
    '\\',
    '?',
    '*',
    '+',
  ],
  ...[
    '{0,2}',
    '{2',
    '(?i)',
    '(?:',
    '(?=',
    '-',
    '\\b',
    '\\1',
    '\\Q',
    '\\x{110000}',
    '(?P<n>',
    'é',
    '\ud800',
    '\n',
  ],
);
const source = fc.array(piece, { minLength: 1, maxLength: 8 }).map((pieces) => pieces.join(''));

describe('a regular expression', () => {
  test('is taken or refused, whatever it is', () => {
    let taken = 0;
    fc.assert(
      fc.property(fc.oneof(source, fc.string({ minLength: 1, maxLength: MAX_REGEX })), (text) => {
        const why = whyNotRegex(text);
        if (why !== undefined) return assert.match(why, /^is /);
        taken += 1;
        assert.equal(typeof compileRegex(text)('1001'), 'boolean');
      }),
      { numRuns: 3_000 },
    );
    assert.ok(taken > 300, `${taken}`);
  });

  test('is refused with many brackets as with few', () => {
    assert.match(String(whyNotRegex('('.repeat(MAX_REGEX))), /missing closing \)/);
    assert.equal(whyNotRegex('('.repeat(99) + ')'.repeat(99)), undefined);
  });

  test('matches only what begins as it is told', () => {
    const extension = fc
      .array(fc.constantFrom(...'017a*#.'), { minLength: 1, maxLength: 5 })
      .map((characters) => characters.join(''))
      .filter(isExtension);
    const anchored = fc.oneof(
      source,
      source.map((text) => `^${text}`),
    );
    let narrow = 0;
    fc.assert(
      fc.property(anchored, fc.array(extension, { minLength: 20, maxLength: 20 }), (text, extensions) => {
        if (whyNotRegex(text) !== undefined) return;
        const first = firstCharacters(text);
        if (first !== FIRST) narrow += 1;
        const matches = compileRegex(text);
        for (const each of extensions)
          assert.ok(!matches(each) || first.includes(each.charAt(0)), `${text} ${each}`);
      }),
      { numRuns: 5_000 },
    );
    assert.ok(narrow > 100, `${narrow}`);
  });

  test('is not known by its first character where flags stand between that and a star', () => {
    assert.equal(firstCharacters('^\\*(?i)*'), FIRST);
    assert.equal(compileRegex('^\\*(?i)*')('1001'), true);
  });
});

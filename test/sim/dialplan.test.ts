import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dialogInfo, expandHint, patternMatches, seededRandom, shuffled } from './dialplan.ts';

test('patterns match as Asterisk was seen to match them', () => {
  const cases: [pattern: string, extension: string, matches: boolean][] = [
    ['_1XXX*spb', '1001*spb', true],
    ['_1XXX*spb', '1001*SPB', false],
    ['_1XXX*spb', '2001*spb', false],
    ['_1XXX*spb', '1001*spbx', false],
    ['_1XXX*spb', '10-01*s-pb', true],
    ['_XXXX*[a-z].', '1001*msk', true],
    ['_XXXX*[a-z].', '1001*9sk', false],
    ['_XXXX*[a-z].', '1001*m', false],
    ['_XXXX*[a-z]!', '1001*m', true],
    ['_XXXX*c.com', '1001*cXcom', true],
    ['_XXXX*c.com', '1001*c', false],
    ['_XXXX*c.com', '1001*cats', true],
    ['_XXXX*b[.]e[x]ample[.]com', '1001*b.example.com', true],
    ['_XXXX*b[.]e[x]ample[.]com', '1001*bXe9ample.com', false],
    ['_1XX*london', '101*london', false],
    ['_1XX*lo[n]do[n]', '101*london', true],
    ['_1-XXX', '1234', true],
    ['_ZN', '12', true],
    ['_ZN', '01', false],
    ['_ZN', '11', false],
  ];
  for (const [pattern, extension, matches] of cases) {
    assert.equal(patternMatches(pattern, extension), matches, `${pattern} ${extension}`);
  }
});

test('a pattern hint becomes the hint of one extension', () => {
  // biome-ignore-start lint/suspicious/noTemplateCurlyInString: this is Asterisk's own syntax
  assert.equal(expandHint('Custom:${EXTEN}', '1001*spb'), 'Custom:1001*spb');
  assert.equal(expandHint('PJSIP/${EXTEN:2}&Custom:${EXTEN:0:2}', '1001'), 'PJSIP/01&Custom:10');
  // biome-ignore-end lint/suspicious/noTemplateCurlyInString: this is Asterisk's own syntax
});

test('a watching phone cannot tell unavailable from idle, nor held from in use', () => {
  assert.equal(dialogInfo('UNAVAILABLE'), dialogInfo('NOT_INUSE'));
  assert.equal(dialogInfo('ONHOLD'), dialogInfo('INUSE'));
  assert.equal(dialogInfo('RINGING'), 'early');
  assert.equal(dialogInfo(undefined), 'dark');
});

test('the same seed gives the same numbers and the same order', () => {
  const twice = [seededRandom(7), seededRandom(7)].map((random) => shuffled([1, 2, 3, 4, 5, 6, 7], random));
  assert.deepEqual(twice[0], twice[1]);
  assert.notDeepEqual(shuffled([1, 2, 3, 4, 5, 6, 7], seededRandom(8)), twice[0]);
});

// Templates: what they are written like, and what they make of an extension. Asterisk's substring is the oracle, as
// pbx_substitute_variables reads ${EXTEN:from:length} (main/pbx_variables.c, `substring`), written anew.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { formatRenumber, parseRenumber, type Renumber, renumber } from '../../src/core/renumber.ts';

function template(text: string): Renumber {
  const as = parseRenumber(text);
  assert.ok(typeof as !== 'string', `${text} ${as}`);
  return as;
}

describe('a template', () => {
  const cases: [string, string, string | undefined][] = [
    ['{ext}', '1001', '1001'],
    ['7{ext}', '1001', '71001'],
    ['vm{ext}', '1001', 'vm1001'],
    ['{ext}#', '1001', '1001#'],
    ['8{ext:1}', '1001', '8001'],
    ['{ext:-3}', '1001', '001'],
    ['{ext:-9}', '1001', '1001'],
    ['{ext:1:2}', '1234', '23'],
    ['{ext:0:-1}', '1001', '100'],
    ['{ext:-3:2}', '1234', '23'],
    ['{ext:-3:-1}', '1234', '23'],
    ['a{ext:4}b', '1001', 'ab'],
    ['{ext:4}', '1001', undefined],
    ['{ext:9}', '1001', undefined],
    ['{ext:1}', '1.5', undefined],
    [`${'7'.repeat(67)}{ext}`, '1001', '7'.repeat(67).concat('1001')],
    [`${'7'.repeat(68)}{ext}`, '1001', undefined],
  ];
  for (const [text, extension, name] of cases) {
    test(`${text.slice(0, 20)} makes ${String(name).slice(0, 20)} of ${extension}`, () => {
      assert.equal(renumber(template(text), extension), name);
      assert.equal(formatRenumber(template(text)), text);
    });
  }

  test('that is absent leaves the extension', () => assert.equal(renumber(undefined, '1001'), '1001'));

  test('takes the part that Asterisk takes', () => {
    const number = fc.integer({ min: -8, max: 8 });
    fc.assert(
      fc.property(
        number,
        fc.option(number, { nil: undefined }),
        fc.stringMatching(/^[1-9]{1,7}$/),
        (from, length, extension) => {
          const text = `a{ext:${from}${length === undefined ? '' : `:${length}`}}`;
          assert.equal(renumber(template(text), extension), `a${substring(extension, from, length)}`, text);
        },
      ),
      { numRuns: 2_000 },
    );
  });

  test('is the same whether -0 or 0 is written', () => {
    assert.equal(JSON.stringify(template('{ext:-0:-0}')), JSON.stringify(template('{ext:0:0}')));
    assert.deepEqual(template('{ext:-0:-0}'), template('{ext:0:0}'));
  });
});

/** Character by character: whether each is in it. */
function substring(text: string, from: number, length = Number.POSITIVE_INFINITY): string {
  let first = from;
  if (first < 0) first += text.length;
  if (first < 0) first = 0;
  let kept = '';
  for (let at = 0; at < text.length; at++) {
    const isIn = length < 0 ? at < text.length + length : at < first + length;
    if (at >= first && isIn) kept += text.charAt(at);
  }
  return kept;
}

describe('a slip in a template is refused with its reason:', () => {
  const slips: [string, RegExp][] = [
    ['', /has no \{ext\}/],
    ['7', /has no \{ext\}, .* write e\.g\. 7\{ext\}/],
    ['{ext}{ext}', /more than one/],
    ['{ext}{x}', /more than one/],
    ['{EXTEN}', /has "\{EXTEN\}", which is not understood; write \{ext\}/],
    ['{ext:}', /not understood/],
    ['{ext:a}', /not understood/],
    ['{ext:1:2:3}', /not understood/],
    ['{ext:100}', /not understood/],
    ['${ext}', /characters around/],
    ['{ext}@x', /characters around/],
    ['7-{ext}', /characters around/],
    ['{{ext}}', /characters around/],
    [`${'7'.repeat(72)}{ext}`, /too long/],
  ];
  for (const [text, why] of slips) {
    test(JSON.stringify(text.slice(0, 20)), () => assert.match(String(parseRenumber(text)), why));
  }
});

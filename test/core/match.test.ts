// Which extensions a match names. The oracle reads a pattern the way Asterisk does, character by character
// over both strings (main/pbx.c, _extension_match_core), so it shares nothing with the code under test.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import {
  countNamed,
  enumerate,
  excluding,
  formatItem,
  MAX_RANGE,
  matches,
  type NamingItem,
  overlap,
  parseMatch,
  partsOfMatch,
  shapesOfMatch,
  shortestLength,
} from '../../src/core/match.ts';
import { isExtension } from '../../src/core/names.ts';
import { shapeMatches } from '../../src/core/pattern.ts';

function match(...items: string[]): readonly NamingItem[] {
  const parsed = parseMatch(items);
  assert.ok(parsed.ok, JSON.stringify(parsed));
  return parsed.match;
}

function whyNot(item: string): string {
  const parsed = parseMatch([item]);
  assert.ok(!parsed.ok, `${item} was taken`);
  return parsed.mistakes.map(({ why }) => why).join();
}

/** Does `_pattern` match? Walks both strings at once. */
function asteriskMatches(pattern: string, extension: string): boolean {
  let p = 1;
  for (let e = 0; ; ) {
    while (pattern[p] === '-') p++;
    const wanted = pattern[p];
    const given = extension[e];
    if (wanted === '!') return true;
    if (wanted === undefined || given === undefined) return wanted === given;
    if (wanted === '.') return true;
    if (wanted === '[') {
      const end = pattern.indexOf(']', p);
      let found = false;
      for (let at = p + 1; at < end; at++) {
        if (at + 2 < end && pattern[at + 1] === '-') {
          found ||= given >= (pattern[at] ?? '') && given <= (pattern[at + 2] ?? '');
          at += 2;
        } else found ||= given === pattern[at];
      }
      if (!found) return false;
      p = end;
    } else {
      const from = { X: '0', Z: '1', N: '2' }[wanted.toUpperCase()];
      if (from === undefined ? given !== wanted : given < from || given > '9') return false;
    }
    p++;
    e++;
  }
}

/** Every extension over a small alphabet up to four characters. */
const SMALL = '0129aX*.';
const CORPUS = (() => {
  const words: string[] = [];
  let last = [''];
  for (let length = 1; length <= 4; length++) {
    last = last.flatMap((word) => [...SMALL].map((character) => word + character));
    words.push(...last.filter(isExtension));
  }
  return words;
})();

const place = fc.oneof(
  fc.constantFrom('X', 'x', 'Z', 'z', 'N', 'n', '0', '1', '2', '9', 'a', '*', '-'),
  fc.constantFrom('[0-2]', '[19]', '[a*]', '[.X]', '[9a-b]', '[X-a1]'),
);
const pattern = fc
  .tuple(fc.array(place, { minLength: 1, maxLength: 4 }), fc.constantFrom('', '.', '!'))
  .map(([places, end]) => `_${places.join('')}${end}`)
  .filter((text) => parseMatch([text]).ok);
const range = fc
  .tuple(fc.integer({ min: 1, max: 4 }), fc.nat(9_999), fc.nat(300))
  .map(([digits, from, more]) => {
    const first = from % 10 ** digits;
    const last = Math.min(first + more, 10 ** digits - 1);
    return `${String(first).padStart(digits, '0')}-${String(last).padStart(digits, '0')}`;
  });
const single = fc.constantFrom(...CORPUS.filter((_, index) => index % 37 === 0));
const item = fc.oneof(pattern, range, single);

describe('a match', () => {
  test('names what its patterns match, by the rules of Asterisk', () => {
    const yes: [string, string][] = [
      ['_1XXX', '1001'],
      ['_nxz', '209'],
      ['_[1-35]', '5'],
      ['_[a-c*]1', '*1'],
      ['_X.', '10'],
      ['_X.', '1*msk'],
      ['_X!', '1'],
      ['_!', '1'],
      ['_NXX-XXX', '212345'],
      ['_1_', '1_'],
      ['_[X]1', 'X1'],
      ['_c[.]e[x]', 'c.ex'],
    ];
    for (const [text, extension] of yes) assert.ok(matches(match(text), extension), `${text} ${extension}`);
    const no: [string, string][] = [
      ['_1XXX', '1A01'],
      ['_1XXX', '10011'],
      ['_1XXX', '101'],
      ['_Z', '0'],
      ['_N', '1'],
      ['_X.', '1'],
      ['_[1-3]', '4'],
      ['_[X]1', '11'],
      ['_x1', 'x1'],
    ];
    for (const [text, extension] of no) assert.ok(!matches(match(text), extension), `${text} ${extension}`);
  });

  test('names a range with its leading zeros, both ends included', () => {
    const named = match('0098-0102');
    assert.deepEqual(enumerate(named), ['0098', '0099', '0100', '0101', '0102']);
    assert.ok(matches(named, '0098') && matches(named, '0102'));
    for (const other of ['98', '00098', '0097', '0103', '0x9a', '100'])
      assert.ok(!matches(named, other), other);
  });

  test('lists each named extension once, and no pattern', () => {
    const named = match('1001', '1000-1002', '_2XXX', 'Reception');
    assert.deepEqual(enumerate(named).sort(), ['1000', '1001', '1002', 'Reception']);
    assert.equal(countNamed(named), 5);
  });

  test('never names what is no extension, whatever its patterns say', () => {
    for (const text of ['', '1/2', '1 2', '1-2', '.1', '_1', '1\n', `1${'0'.repeat(71)}`]) {
      assert.ok(!matches(match('_!', '_.'), text), JSON.stringify(text));
    }
  });

  test('is written again as it was read', () => {
    const items = ['_[1-5a]XZN.', '0100-0199', '*76'];
    assert.deepEqual(match(...items).map(formatItem), items);
  });

  test('is found anywhere by a regular expression, which is linear in time', () => {
    const named = match('/^1[0-4]/', '/5$/');
    for (const extension of ['10', '1499', '205', '5']) assert.ok(matches(named, extension), extension);
    for (const extension of ['16', '210', '2050', '']) assert.ok(!matches(named, extension), extension);
    assert.deepEqual(enumerate(named), []);
    assert.equal(countNamed(named), 0);
    assert.deepEqual(named.map(shortestLength), [1, 1]);
    assert.deepEqual(named.map(formatItem), ['/^1[0-4]/', '/5$/']);
    // Takes an engine that goes back for ever.
    const started = process.cpuUsage().user;
    assert.ok(!matches(match('/^(1+)+$/'), `${'1'.repeat(70)}2`));
    assert.ok(process.cpuUsage().user - started < 1_000_000);
    assert.ok(!matches(match('/\\w/'), '1/2'), 'what is no extension is never named');
  });

  test('does not name what is excluded from it', () => {
    const named = excluding(match('1000-1009', '_2XXX', '/^3/'), match('1005', '1008-1100', '_20XX', '/9$/'));
    for (const extension of ['1000', '2100', '31']) assert.ok(matches(named, extension), extension);
    for (const extension of ['1005', '1008', '2001', '2109', '39', '4']) {
      assert.ok(!matches(named, extension), extension);
    }
    assert.deepEqual(enumerate(named), ['1000', '1001', '1002', '1003', '1004', '1006', '1007']);
    assert.equal(countNamed(named), 10);
    const { naming, excluded } = partsOfMatch(named);
    assert.deepEqual([naming.length, excluded.map(formatItem)], [3, ['1005', '1008-1100', '_20XX', '/9$/']]);
    assert.deepEqual(named.slice(3).map(formatItem), ['1005', '1008-1100', '_20XX', '/9$/']);
  });

  test('knows the shortest extension of an item', () => {
    assert.deepEqual(match('_1-X.', '_1X!', '_!', '0100-0199', '12345').map(shortestLength), [3, 2, 1, 4, 5]);
  });

  test('agrees with Asterisk on every short extension', () => {
    fc.assert(
      fc.property(pattern, (text) => {
        const parsed = match(text);
        for (const extension of CORPUS) {
          assert.equal(matches(parsed, extension), asteriskMatches(text, extension), `${text} ${extension}`);
        }
      }),
      { numRuns: 150 },
    );
  });
});

describe('a slip in a match is refused with its reason:', () => {
  const slips: [string, RegExp][] = [
    ['', /is empty/],
    ['_', /names nothing/],
    ['_-', /names nothing/],
    ['_1[23', /"\[" without its "\]"/],
    ['_12]', /"\[" without/],
    ['_1[]', /another form than \[1-5a\]/],
    ['_1[/]', /another form/],
    ['_1[[1]', /another form/],
    ['_1[1-]', /another form/],
    ['_1[-1]', /another form/],
    ['_1[5-1]', /runs backwards/],
    ['_1.2', /goes on after "\."/],
    ['_1!2', /goes on after/],
    ['_1/2', /has "\/", which no extension has/],
    ['_1 2', /has " "/],
    ['_1é', /has "é"/],
    ['_[.]1', /matches no extension/],
    ['__1', /matches no extension/],
    [`_1${'X'.repeat(71)}`, /too long/],
    ['1000-199', /4 digits on one side and 3 on the other/],
    ['2000-1000', /runs backwards/],
    ['00000-10000', /names 10001 extensions/],
    ['0000000000000001-0000000000000002', /more than 15 digits/],
    ['10-A0', /has a "-"/],
    ['1001@x', /has a "@"/],
    ['SIP/1', /has a "\/"/],
    ['/', /begins with "\/", so it is a regular expression, but does not end with "\/"/],
    ['/^10', /does not end with "\/"; write it like \/\^10\//],
    ['//', /is an empty regular expression, .* write _! for all/],
    ['/1 0/', /with a blank, a control character or a letter/],
    ['/\u001b[2J/', /with a blank, a control character/],
    ['/(/', /is no regular expression of RE2 \(missing closing \)\), .*; mend it/],
    ['/(?=1)/', /is no regular expression of RE2 .* no look-around/],
    ['/(1)\\1/', /is no regular expression of RE2 \(invalid escape sequence\)/],
    [`/${'1'.repeat(201)}/`, /of 201 characters; at most 200/],
    ['/x{600}y{600}/', /repeats too much/],
  ];
  for (const [text, why] of slips) {
    test(JSON.stringify(text.slice(0, 20)), () => assert.match(whyNot(text), why));
  }

  test('every wrong item of a list is told, by its index', () => {
    const parsed = parseMatch(['1001', '_', '1000-1', '1002']);
    assert.ok(!parsed.ok);
    assert.deepEqual(
      parsed.mistakes.map(({ index }) => index),
      [1, 2],
    );
  });

  test('the largest range is taken', () => {
    assert.equal(enumerate(match('0000-9999')).length, MAX_RANGE);
  });
});

describe('the overlap of two matches', () => {
  const cases: [string, string, string | undefined][] = [
    ['_1XXX', '1001', '1001'],
    ['_1XXX', '1998-2005', '1998'],
    ['_1XXX', '0998-1002', '1000'],
    ['_1XXX', '_XXX', undefined],
    ['_1XXX', '_1[5-9]X.', '1500'],
    ['_X!', '_XXXX', '0000'],
    ['_X.', '7', undefined],
    ['_[12]1', '_[34]1', undefined],
    ['_1X[5-7]9', '1000-1058', undefined],
    ['_1X[5-7]9', '1000-1059', '1059'],
    ['_1X[5-7]9', '1080-1200', '1159'],
    ['_2XXX', '0000-1999', undefined],
    ['_[x]1', '_X1', undefined],
    ['0100-0199', '100-199', undefined],
    ['1000-1099', '1099-1200', '1099'],
    ['1000-1099', '1100-1200', undefined],
    ['_!', '_!', '0'],
    ['_*X', '_[*]1', '*1'],
  ];
  for (const [a, b, witness] of cases) {
    test(`of ${a} and ${b} is ${witness ?? 'empty'}`, () => {
      assert.equal(overlap(match(a), match(b)), witness);
      assert.equal(overlap(match(b), match(a)) !== undefined, witness !== undefined);
    });
  }

  const excluded: [string, string[], string, string[], string | undefined][] = [
    ['_1XXX', ['_10XX'], '_1XXX', ['_11XX'], '1200'],
    ['_1XXX', ['_1[0-4]XX'], '_1XXX', ['_1[5-9]XX'], undefined],
    ['_1XXX', ['1000-1998'], '_1XXX', [], '1999'],
    ['_1XXX', ['1000-1999'], '_1XXX', [], undefined],
    ['_1!', ['1'], '_1', [], undefined],
    ['_1!', ['_1X!'], '_1X.', [], undefined],
    ['_1.', ['_1X'], '_1Z', [], undefined],
    ['_1.', ['_1X'], '_1Z!', [], '110'],
    ['_1XXX', ['/^10/'], '_10XX', [], undefined],
    ['_1XXX', ['/^11/'], '_10XX', [], '1000'],
    ['/^1/', [], '_1XXX', [], undefined],
    ['/^1/', ['1001'], '1002', [], undefined],
  ];
  for (const [a, exceptA, b, exceptB, witness] of excluded) {
    test(`of ${a} except ${exceptA} and ${b} except ${exceptB} is ${witness ?? 'empty or not told'}`, () => {
      const left = excluding(match(a), match(...exceptA));
      const right = excluding(match(b), match(...exceptB));
      assert.equal(overlap(left, right), witness);
      assert.equal(overlap(right, left), witness);
    });
  }

  test('a range is the union of its shapes, which do not overlap', () => {
    fc.assert(
      fc.property(range, (text) => {
        const shapes = shapesOfMatch(match(text)) ?? [];
        const digits = text.indexOf('-');
        assert.ok(shapes.length <= 2 * digits, text);
        for (const named of enumerate(match(text))) {
          assert.equal(shapes.filter((shape) => shapeMatches(shape, named)).length, 1, `${text} ${named}`);
        }
        const size = (places: readonly string[]) => places.reduce((all, place) => all * place.length, 1);
        assert.equal(
          shapes.reduce((all, { places }) => all + size(places), 0),
          countNamed(match(text)),
          text,
        );
      }),
      { numRuns: 1_000 },
    );
    assert.equal(shapesOfMatch(match('1000-1999'))?.length, 1);
    assert.equal(shapesOfMatch(match('000000000000001-000000000009998'))?.length, 7);
  });

  test('what is left after exclusions is what the match names', () => {
    fc.assert(
      fc.property(item, fc.array(item, { minLength: 1, maxLength: 3 }), (text, except) => {
        const left = excluding(match(text), match(...except));
        const shapes = shapesOfMatch(left) ?? [];
        for (const extension of CORPUS) {
          const times = shapes.filter((shape) => shapeMatches(shape, extension)).length;
          assert.equal(times, matches(left, extension) ? 1 : 0, `${text} except ${except}: ${extension}`);
        }
      }),
      { numRuns: 150 },
    );
  });

  test('a witness is matched by both', () => {
    const list = fc.array(item, { minLength: 1, maxLength: 3 });
    fc.assert(
      fc.property(list, list, fc.array(item, { maxLength: 2 }), (a, b, except) => {
        const [left, right] = [excluding(match(...a), match(...except)), match(...b)];
        const witness = overlap(left, right);
        if (witness === undefined) return;
        assert.ok(matches(left, witness) && matches(right, witness), `${a} ${b} ${witness}`);
      }),
      { numRuns: 2_000 },
    );
  });

  test('there is one wherever brute force finds an extension of both', () => {
    fc.assert(
      fc.property(item, item, (a, b) => {
        const [left, right] = [match(a), match(b)];
        if (overlap(left, right) !== undefined) return;
        const both = [...CORPUS, ...enumerate(left), ...enumerate(right)].find(
          (extension) => matches(left, extension) && matches(right, extension),
        );
        assert.equal(both, undefined, `${a} ${b}`);
      }),
      { numRuns: 400 },
    );
  });
});

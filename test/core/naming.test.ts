// What lines of the config call their extensions, all of them together, held against brute force over every short
// extension: no name twice within a line unless it is told, none of two lines, and none that is no extension.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { excluding, matches, parseMatch } from '../../src/core/match.ts';
import { isExtension } from '../../src/core/names.ts';
import {
  collision,
  isNameOf,
  type NamingLine,
  nameEndingWith,
  nameless,
  namesOverlap,
  sizeOfNames,
  undecided,
} from '../../src/core/naming.ts';
import { parseRenumber, renumber } from '../../src/core/renumber.ts';

function items(texts: readonly string[]) {
  const parsed = parseMatch(texts);
  assert.ok(parsed.ok, JSON.stringify(parsed));
  return parsed.match;
}

function line(match: string | readonly string[], as?: string, except: readonly string[] = []): NamingLine {
  const template = as === undefined ? undefined : parseRenumber(as);
  assert.ok(typeof template !== 'string', String(template));
  const all = excluding(
    items(typeof match === 'string' ? [match] : match),
    except.length > 0 ? items(except) : [],
  );
  return { match: all, ...(template && { as: template }) };
}

/** Every extension over a small alphabet, up to four characters. */
const CORPUS = (() => {
  const words: string[] = [];
  let last = [''];
  for (let length = 1; length <= 4; length++) {
    last = last.flatMap((word) => [...'012a.'].map((character) => word + character));
    words.push(...last.filter(isExtension));
  }
  return words;
})();

/** Name → those of the corpus that are called so. */
function namesIn({ match, as }: NamingLine): Map<string, string[]> {
  const names = new Map<string, string[]>();
  for (const extension of CORPUS) {
    const name = matches(match, extension) ? renumber(as, extension) : undefined;
    if (name !== undefined) names.set(name, [...(names.get(name) ?? []), extension]);
  }
  return names;
}

const place = fc.constantFrom('X', 'Z', '0', '1', '2', 'a', '[0-1]', '[12a]', '[1.]');
const pattern = fc
  .tuple(fc.array(place, { minLength: 1, maxLength: 4 }), fc.constantFrom('', '', '', '.', '!'))
  .map(([places, end]) => `_${places.join('')}${end}`)
  .filter((text) => parseMatch([text]).ok);
const range = fc.tuple(fc.nat(222), fc.nat(222)).map(([a, b]) => {
  const [first, last] = [Math.min(a, b), Math.max(a, b)].map((n) => String(n).padStart(3, '0'));
  return `${first}-${last}`;
});
const item = fc.oneof(pattern, range, fc.constantFrom('1', '10', '012', 'a1', '1.'));
const number = fc.integer({ min: -3, max: 3 });
const as = fc
  .tuple(
    fc.constantFrom('', '', '1', 'a'),
    fc.option(fc.tuple(number, fc.option(number, { nil: undefined })), { nil: undefined }),
    fc.constantFrom('', '', '2'),
  )
  .map(([before, slice, after]) => {
    const [from, length] = slice ?? [];
    return `${before}{ext${from === undefined ? '' : `:${from}`}${length === undefined ? '' : `:${length}`}}${after}`;
  });
const lines = fc
  .tuple(
    fc.array(item, { minLength: 1, maxLength: 3 }),
    fc.option(as, { nil: undefined }),
    fc.oneof(fc.constant([]), fc.array(item, { minLength: 1, maxLength: 2 })),
  )
  .map(([match, template, except]) => line(match, template, except));

describe('a line that renames', () => {
  const collisions: [NamingLine, string, string[]][] = [
    [line('_XXXX', '{ext:1}'), '000', ['0000', '1000']],
    [line(['_1XXX', '_2XXX'], '{ext:-3}'), '000', ['1000', '2000']],
    [line(['_1XXX', '20'], '9{ext:0:2}'), '910', ['1000', '1100']],
    [line(['1001', '2001'], '{ext:1}'), '001', ['1001', '2001']],
    [line(['_1X', '_1XX'], '{ext:0:2}'), '10', ['100', '101']],
    [line('_1.', '{ext:0:2}'), '10', ['10', '100']],
    [line('1998-2008', '{ext:-1}'), '8', ['1998', '2008']],
  ];
  for (const [index, [each, name]] of collisions.entries()) {
    test(`is told the two extensions that would get one name, ${index}`, () => {
      const found = collision(each);
      assert.ok(found !== undefined);
      const [a, b] = found.extensions;
      assert.notEqual(a, b);
      for (const extension of [a, b]) {
        assert.ok(matches(each.match, extension), extension);
        assert.equal(renumber(each.as, extension), found.name);
      }
      assert.equal(found.name.length, name.length);
    });
  }

  test('is not told of two where each keeps its own', () => {
    for (const each of [
      line('_1XXX', '{ext:1}'),
      line('_XXXX', '7{ext}'),
      line('_X.', '7{ext}'),
      line('_1.', '{ext:1}'),
      line('1000-1999', '{ext:1}'),
      line(['_1XXX', '1001'], '{ext:1}'),
      line('_[12]XXX', '{ext:1}', ['_2XXX']),
      line('_[12]00', '{ext:1}', ['/^2/']),
    ]) {
      assert.equal(collision(each), undefined, JSON.stringify(each));
    }
  });

  test('is told an extension that has no name, or too long a one', () => {
    assert.deepEqual(nameless(line('_1XXX', '{ext:4}'), 71), { extension: '1000', name: '' });
    assert.deepEqual(nameless(line('_1[.a]5', '{ext:1}'), 71), { extension: '1.5', name: '.5' });
    assert.deepEqual(nameless(line(['7', '_1XXX'], '77{ext}'), 5)?.name.length, 6);
    assert.equal(nameless(line('_1XXX', '7{ext}'), 5), undefined);
    assert.equal(nameless(line('_1.', '{ext:1}'), 71), undefined);
    assert.equal(nameless(line('_1.', '{ext:1:0}'), 71)?.name, '');
  });

  test('agrees with brute force', () => {
    fc.assert(
      fc.property(lines, (each) => {
        const names = namesIn(each);
        const twice = [...names].find(([, extensions]) => extensions.length > 1);
        const found = collision(each);
        if (twice !== undefined) assert.ok(found, `${JSON.stringify(each)} ${twice}`);
        if (found !== undefined) {
          const [a, b] = found.extensions;
          assert.ok(a !== b && matches(each.match, a) && matches(each.match, b), JSON.stringify(found));
          assert.ok(
            renumber(each.as, a) === found.name && renumber(each.as, b) === found.name,
            JSON.stringify(found),
          );
        }
        for (const name of names.keys()) assert.ok(isNameOf(each, name), `${JSON.stringify(each)} ${name}`);
        for (const other of CORPUS) {
          if (isNameOf(each, other) && other.length <= 2) assert.ok(names.has(other) || isLong(each), other);
        }
      }),
      { numRuns: 300 },
    );
  });

  test('has each closed extension named, unless one is told that is not', () => {
    fc.assert(
      fc.property(lines, (each) => {
        if (nameless(each, 71) !== undefined) return;
        for (const extension of CORPUS) {
          const isClosed = each.match.every((one) => one.kind !== 'pattern' || /[^.!]$/.test(one.pattern));
          if (isClosed && matches(each.match, extension)) {
            assert.ok(renumber(each.as, extension) !== undefined, `${JSON.stringify(each)} ${extension}`);
          }
        }
      }),
      { numRuns: 300 },
    );
  });
});

/** What is called so may have more characters than the corpus. */
function isLong({ match }: NamingLine): boolean {
  return match.some((one) => one.kind === 'pattern' || one.kind === 'range');
}

describe('two lines', () => {
  const cases: [NamingLine, NamingLine, string | undefined][] = [
    [line('_1XXX', '7{ext}'), line('_7XXXX'), '71000'],
    [line('_1XXX', '7{ext}'), line('_7XXX'), undefined],
    [line('_1XXX', '2{ext:1}'), line('2500-2599'), '2500'],
    [line('_1XXX', 'vm{ext}'), line('_1XXX'), undefined],
    [line('_1XXX', 'vm{ext}'), line('vm1001'), 'vm1001'],
    [line('_1XXX', '{ext:1}'), line('_2XXX', '{ext:1}'), '000'],
    [line('_10XX', '{ext:1}'), line('_21XX', '{ext:1}'), undefined],
    [line('_X.', '7{ext}'), line('_7XXX'), '7000'],
    [line('_1XXX', '7{ext}', ['_10XX']), line('_710XX'), undefined],
    [line('_1XXX', '7{ext}', ['/^10/']), line('_710XX'), undefined],
    [line('_1XXX', '7{ext}', ['_10XX']), line('_71[01]XX'), '71100'],
    [line('_1XXX', undefined, ['_10XX']), line('_1[01]XX'), '1100'],
    [line('/^1/'), line('_1XXX', '1{ext}'), undefined],
  ];
  for (const [index, [a, b, name]] of cases.entries()) {
    test(`share ${name ?? 'no name'}, ${index}`, () => {
      assert.equal(namesOverlap(a, b)?.name, name);
      assert.equal(namesOverlap(b, a)?.name, name);
    });
  }

  test('agree with brute force', () => {
    fc.assert(
      fc.property(lines, lines, (a, b) => {
        const found = namesOverlap(a, b);
        if (found !== undefined) {
          const [left, right] = found.extensions;
          assert.ok(matches(a.match, left) && matches(b.match, right));
          assert.ok(renumber(a.as, left) === found.name && renumber(b.as, right) === found.name, found.name);
          return;
        }
        const theirs = namesIn(b);
        const both = [...namesIn(a).keys()].find((name) => theirs.has(name));
        assert.equal(both, undefined, `${JSON.stringify(a)} ${JSON.stringify(b)}`);
      }),
      { numRuns: 600 },
    );
  });

  test('are undecided where a regular expression may name what the other renames', () => {
    const renamed = line('_1XXX', '7{ext}');
    for (const source of [
      '7',
      '^1|7',
      '^(7)',
      '(?i)^1',
      '^1?7',
      '^[17]',
      '^.7',
      '^[^1]',
      '^7{0,1}',
      '^\\w',
    ]) {
      assert.deepEqual(undecided(line(`/${source}/`), renamed), { kind: 'regex', source }, source);
    }
    for (const source of ['^1', '^1[0-4]', '^[1-6]', '^\\*7', '^1+$', '^[a-c]7', '^8\\d']) {
      assert.equal(undecided(line(['_2XX', `/${source}/`]), renamed), undefined, source);
    }
    assert.equal(undecided(line('/^\\d/'), line('_1XXX', 'vm{ext}')), undefined);
    assert.equal(undecided(line('_7XXXX'), renamed), undefined);
  });
});

describe('a name that looks like a lamp', () => {
  test('is told where the pattern allows it', () => {
    assert.equal(nameEndingWith(line('1*spb'), '*spb')?.name, '1*spb');
    assert.equal(nameEndingWith(line('_1[*]sp[a-c]'), '*spb')?.name, '1*spb');
    assert.deepEqual(nameEndingWith(line('_1XXX', '{ext}*spb'), '*spb'), {
      extension: '1000',
      name: '1000*spb',
    });
    for (const other of [
      line('_1XXX'),
      line('*spb'),
      line('_1.'),
      line('1*spb2'),
      line('_1[*]spb', '{ext}1'),
    ]) {
      assert.equal(nameEndingWith(other, '*spb'), undefined);
    }
  });
});

test('what is compared is counted, once as and except are worked out', () => {
  assert.deepEqual(sizeOfNames(line(['_1XXX', '2001', '2002'])), { all: 3, wide: 1 });
  assert.deepEqual(sizeOfNames(line('_1XXX', '{ext}', ['1500'])), { all: 3, wide: 3 });
  assert.deepEqual(sizeOfNames(line('1000-1999', '7{ext}')), { all: 1, wide: 1 });
  const shredded = Array.from({ length: 2_000 }, (_, index) => `${10_000 + index * 13}`);
  assert.ok(sizeOfNames(line('_XXXXX', '7{ext}', shredded)).all > 2_000);
});

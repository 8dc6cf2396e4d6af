// Whether lines with regular expressions are known to be apart: exactly where extensions can be listed, else by how
// names begin, and never "apart" where a name is given by both.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { MAX_TESTS, meeting, newTests } from '../../src/core/apart.ts';
import { excluding, matches, parseMatch } from '../../src/core/match.ts';
import type { NamingLine } from '../../src/core/naming.ts';
import { parseRenumber, renumber } from '../../src/core/renumber.ts';

function line(match: string | readonly string[], except: readonly string[] = [], as?: string): NamingLine {
  const [naming, excluded] = [parseMatch([match].flat()), parseMatch(except)];
  assert.ok(naming.ok && excluded.ok);
  const template = as === undefined ? undefined : parseRenumber(as);
  assert.notEqual(typeof template, 'string');
  return {
    match: excluding(naming.match, excluded.match),
    ...(typeof template === 'object' && { as: template }),
  };
}

const meet = (a: NamingLine, b: NamingLine) => meeting(a, b, newTests());
const regex = (source: string) => ({ regex: { kind: 'regex', source } });

describe('two lines meet', () => {
  test('in a listed extension that a regular expression names, whichever has it', () => {
    const met = { name: '2050', extension: '2050' };
    assert.deepEqual(meet(line('/^205/'), line('2000-2099')), met);
    assert.deepEqual(meet(line('2000-2099'), line('/^205/')), met);
    assert.deepEqual(meet(line('1050', [], '2{ext:1}'), line('/^205/')), { name: '2050', extension: '1050' });
    assert.deepEqual(meet(line('/r20/'), line('20', [], 'door{ext}')), {
      name: 'door20',
      extension: 'door20',
    });
    assert.deepEqual(meet(line('door20'), line('/^2/', [], 'door{ext}')), {
      name: 'door20',
      extension: 'door20',
    });
  });

  test('in one that a regular expression does not exclude, though it excludes the first', () => {
    const first = line('2000-2009', ['/^200[0-4]/']);
    assert.deepEqual(meet(first, line('_20XX')), { name: '2005', extension: '2005' });
    assert.deepEqual(meet(line('_1XXX', [], '2{ext:1}'), first), { name: '2005', extension: '1005' });
  });

  test('perhaps, where neither can be listed and names begin alike', () => {
    assert.deepEqual(meet(line('/^2/'), line('_2XXX')), regex('^2'));
    assert.deepEqual(meet(line('_2.'), line('/01$/')), regex('01$'));
    assert.deepEqual(meet(line('/^2/'), line('/0$/')), regex('^2'));
    assert.deepEqual(meet(line('/^door/'), line('/1$/', [], 'door{ext}')), regex('^door'));
  });

  test('perhaps, where a regular expression excludes from what cannot be listed', () => {
    assert.deepEqual(meet(line('_2XXX'), line('_2XXX', ['/^20/'])), regex('^20'));
    assert.deepEqual(meet(line('_2XXX', ['/^2/']), line('_2XXX')), regex('^2'));
  });

  test('perhaps, where there is too much to try', () => {
    const tests = newTests();
    const other = line('2000-2099');
    assert.equal(meeting(line('/^2$/'), other, tests), undefined);
    assert.equal(tests.left, MAX_TESTS - 100);
    assert.deepEqual(meeting(line('/^2$/'), other, { left: 99 }), regex('^2$'));
  });
});

test('two lines are apart', () => {
  for (const [a, b] of [
    [line('/^2/'), line('_1XXX')],
    [line('/^2/'), line('_1XXX', [], 'vm{ext}')],
    [line('/^2/'), line('/^1/')],
    [line('/^2/'), line('/^2/', [], 'door{ext}')],
    [line('/5$/'), line(['2000-2004', '2006'])],
    [line('/^2/', ['_20XX']), line('_20XX')],
    [line('/^2/'), line('_XXXX', ['_2XXX'])],
    [line('/^2/', ['_2!']), line('/2/')],
    [line('2000-2099', ['/^20[0-4]/']), line('_204X')],
    [line('_1XXX', ['/5$/']), line('_2XXX', ['/5$/'])],
  ] as const) {
    assert.equal(meet(a, b), undefined, JSON.stringify([a, b]));
    assert.equal(meet(b, a), undefined, JSON.stringify([b, a]));
  }
});

test('whatever two lines both name is never missed, and what is told is so', () => {
  const item = fc.constantFrom(
    '1',
    '12',
    '10-29',
    '110-135',
    '_1X',
    '_N.',
    '_[12]2!',
    '/^1/',
    '/2$/',
    '/^[12]1/',
  );
  const items = fc.array(item, { minLength: 1, maxLength: 3 });
  const some = fc.tuple(
    items,
    fc.array(item, { maxLength: 2 }),
    fc.constantFrom(undefined, '1{ext}', '{ext}2'),
  );
  const texts = ['', '1', '2', '3'].flatMap((a) =>
    ['0', '1', '2', '5'].flatMap((b) => ['', '1', '2'].map((c) => a + b + c)),
  );
  const names = ({ match, as }: NamingLine) =>
    new Set(texts.filter((text) => matches(match, text)).map((text) => renumber(as, text)));
  fc.assert(
    fc.property(some, some, (one, other) => {
      const [a, b] = [line(...one), line(...other)];
      const met = meet(a, b);
      if (met === undefined) {
        assert.deepEqual(
          [...names(a)].filter((name) => names(b).has(name)),
          [],
        );
      } else if ('name' in met) {
        assert.ok(matches(a.match, met.extension));
        assert.equal(renumber(a.as, met.extension), met.name);
      }
    }),
    { numRuns: 500 },
  );
});

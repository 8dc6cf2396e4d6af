// The names behind keys: the way back through `as:`, and which extensions share a pattern.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { backThrough, type Key, overlap, placesOf, SAME, sortKeys } from '../../src/cli/dialplan-names.ts';
import { parseMatch } from '../../src/core/match.ts';
import { type Renumber, renumber } from '../../src/core/renumber.ts';

function matchOf(...items: string[]) {
  const parsed = parseMatch(items);
  return parsed.ok ? parsed.match : assert.fail(JSON.stringify(parsed.mistakes));
}

function template(before: string, from: number, length?: number, after = ''): Renumber {
  return { before, from, ...(length !== undefined && { length }), after };
}

function key(name: string, more: Partial<Key> = {}): Key {
  return { name, number: name, relation: SAME, presence: false, mailbox: false, ...more };
}

/** `8` and the last three digits here, `12` and the same at home. */
function renamed(name: string): Key {
  return key(name, { number: `12${name.slice(1)}`, relation: { ...SAME, before: '8', lead: '12' } });
}

const patterns = (keys: readonly Key[], samples: readonly string[] = [], narrow = false) => {
  const { groups, explicit } = sortKeys(keys, samples, narrow);
  return {
    patterns: groups.map(({ places }) => places.join('')),
    explicit: explicit.map(({ name }) => name),
  };
};

describe('the way back through as:', () => {
  test('gives the number that the template made the name of', () => {
    for (const [items, as, number, name] of [
      [['_1XXX'], template('7', 0), '1001', '71001'],
      [['_1XXX'], template('', 1), '1001', '001'],
      [['_12XX'], template('8', 2), '1203', '803'],
      [['_1XXX'], template('', -3), '1001', '001'],
      [['_XX9'], template('', 0, -1, '#'), '129', '12#'],
      [['_1X9'], template('a', 1, 1, 'z'), '129', 'a2z'],
      [['1990-2010'], template('', 1), '2004', '004'],
      [['1001', 'reception'], template('x', 2), 'reception', 'xception'],
      [['/^3/'], template('5', 0), '301', '5301'],
      [['_1.'], template('', 1), '1777', '777'],
      [['_1X.'], template('', 1, -1), undefined, '77'],
      [['_XXXX'], template('', 1), undefined, '001'],
      [['_1XXX'], template('7', 0), undefined, '72001'],
      [['_1XXX'], template('7', 0), undefined, '7'],
      [['/^3/'], template('', 1), undefined, '01'],
      [['1000-1001'], undefined, '1001', '1001'],
      [['1000-1001'], undefined, undefined, '1002'],
    ] as const) {
      const rule = { match: matchOf(...items), ...(as && { as }) };
      assert.equal(backThrough(rule, name)?.number, number, `${items} ${name}`);
      if (number !== undefined) assert.equal(renumber(as, number), name);
    }
  });

  test('tells how the number is made of the name', () => {
    const rule = { match: matchOf('_12XX'), as: template('8', 2, undefined, '9') };
    assert.deepEqual(backThrough(rule, '8039'), {
      number: '1203',
      relation: { before: '8', after: '9', lead: '12', trail: '' },
    });
  });
});

describe('patterns', () => {
  test('one for each length and kind of name, short before long; names with letters are written out', () => {
    const names = ['*761001', '1001', '1.2', '99', '1002', '101', 'reception', '+7831', 'a1', '#12', 'r'];
    const expected = {
      patterns: ['XX', 'XXX', 'XXXX', '*XXXXXX', '#XX', '+XXXX'],
      explicit: ['1.2', 'a1', 'r', 'reception'],
    };
    assert.deepEqual(patterns(names.map((name) => key(name))), expected);
    assert.deepEqual(patterns(names.toReversed().map((name) => key(name))), expected);
  });

  test('codes stay as they are where only those are meant', () => {
    assert.deepEqual(
      patterns(
        ['*761001', '*1', '1001'].map((name) => key(name)),
        [],
        true,
      ).patterns,
      ['XXXX', '*X', '*76XXXX'],
    );
  });

  test('a renamed extension has a pattern of its own, which Asterisk takes before a wider one', () => {
    const { groups, explicit } = sortKeys([key('1001'), renamed('8003'), renamed('8004')], []);
    assert.deepEqual(
      groups.map(({ places, relation }) => [places.join(''), relation.lead]),
      [
        ['8XXX', '12'],
        ['XXXX', ''],
      ],
    );
    assert.deepEqual(explicit, []);
  });

  test('a name that the narrower pattern of another meaning takes is written out', () => {
    assert.deepEqual(patterns([key('1001'), key('8777'), renamed('8003')]), {
      patterns: ['8XXX', 'XXXX'],
      explicit: ['8777'],
    });
  });

  test('names that would have one pattern with two meanings are all written out', () => {
    const cut = (name: string, lead: string) =>
      key(name, { number: lead + name, relation: { ...SAME, lead } });
    assert.deepEqual(patterns([cut('001', '1'), cut('002', '2'), key('99')]), {
      patterns: ['XX'],
      explicit: ['001', '002'],
    });
  });

  test('one whose number is not known is written out, and one told twice is one', () => {
    const { number: _, ...unknown } = key('1001');
    assert.deepEqual(patterns([unknown]), { patterns: [], explicit: ['1001'] });
    const twice = sortKeys(
      [key('r'), key('r', { presence: true }), key('1'), key('2', { presence: true })],
      [],
    );
    assert.deepEqual(
      [...twice.explicit, ...twice.groups].map(({ presence }) => presence),
      [true, true],
    );
    assert.equal(twice.explicit.length, 1);
  });

  test('samples stand for their length, and give way to what is known', () => {
    const cut = key('001', { number: '1001', relation: { ...SAME, lead: '1' } });
    const { groups } = sortKeys([cut], ['000', '0000', '*00000']);
    assert.deepEqual(
      groups.map(({ places, relation }) => [places.join(''), relation.lead]),
      [
        ['XXX', '1'],
        ['XXXX', ''],
        ['*XXXXX', ''],
      ],
    );
  });

  test('a pattern that must not be is not made; its names are written out', () => {
    const { groups, explicit } = sortKeys([key('1001'), key('*71')], ['00'], false, new Set(['*XX', 'XX']));
    assert.deepEqual([groups.map(({ places }) => places.join('')), explicit], [['XXXX'], [key('*71')]]);
  });

  test('characters that are wildcards stand in brackets', () => {
    const named = key('zxn1.', { number: '1', relation: { ...SAME, before: 'zxn', after: '.' } });
    assert.deepEqual(patterns([named]), { patterns: ['[z][x][n]X[.]'], explicit: [] });
  });

  test('two overlap if one name can have both', () => {
    const places = (text: string) => text.match(/\[.\]|./g) ?? [];
    assert.ok(overlap(places('8XX'), places('XX1')));
    assert.ok(overlap(places('[x]1'), placesOf('x1')));
    for (const [a, b] of [
      ['8XX', 'XX'],
      ['8X', '9X'],
      ['*X', 'XX'],
      ['[X]', 'X'],
      ['[X]', '1'],
    ] as const) {
      assert.ok(!overlap(places(a), places(b)), `${a} ${b}`);
    }
  });
});

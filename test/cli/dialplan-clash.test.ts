// Names that look like a pickup: what is left out, what is written out instead of by pattern, and when a prefix is refused.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { settle, Unwritable } from '../../src/cli/dialplan-clash.ts';
import { type Key, overlap, placesOf, SAME } from '../../src/cli/dialplan-names.ts';
import { mannerOf } from '../../src/cli/dialplan-options.ts';
import { dialplanText, type Plan } from '../../src/cli/dialplan-text.ts';

const key = (name: string): Key => ({
  name,
  number: name,
  relation: SAME,
  presence: false,
  mailbox: false,
});

function settled(names: readonly string[], pickup: string | undefined, samples: readonly string[] = []) {
  const { groups, explicit, leftOut } = settle(names.map(key), samples, { pickup, tag: 'spb' });
  return {
    patterns: groups.map(({ places }) => places.join('')),
    explicit: explicit.map(({ name }) => name),
    leftOut: leftOut.toSorted(),
  };
}

const EMPTY: Plan = { own: 'msk', keys: [], peers: [], plain: [], samples: [], called: [] };

/** The lines, and what the admin is told. */
function print(plan: Partial<Plan>, pickup: string): { lines: string[]; told: string[] } {
  const told: string[] = [];
  const manner = mannerOf({ config: 'c', pickup });
  const text = dialplanText({ ...EMPTY, ...plan }, manner, 'hintmesh dialplan', (line) => told.push(line));
  return { lines: text.split('\n'), told };
}

describe('a name that looks like a pickup', () => {
  test('is left out, and the others stay', () => {
    assert.deepEqual(settled(['2001', '**2001', '**2002', '**77', '*762001'], '**'), {
      patterns: ['XXXX', '**XX', '*XXXXXX'],
      explicit: [],
      leftOut: ['**2001', '**2002'],
    });
    assert.deepEqual(settled(['front', '**front', '**back'], '**'), {
      patterns: [],
      explicit: ['**back', 'front'],
      leftOut: ['**front'],
    });
    assert.deepEqual(settled(['2001', '**2001'], undefined).leftOut, []);
  });

  test('is left out alone where its pattern means others too; those are written out', () => {
    assert.deepEqual(settled(['2001', '*71234', '*81234'], '*8'), {
      patterns: ['XXXX'],
      explicit: ['*71234'],
      leftOut: ['*81234'],
    });
    assert.deepEqual(settled(['101', '1001', '8001', '8101'], '8'), {
      patterns: ['XXX'],
      explicit: ['1001'],
      leftOut: ['8001', '8101'],
    });
  });

  test('takes samples along, whose names nobody can write out', () => {
    assert.deepEqual(settled(['1234'], '*8', ['000', '*00000']), {
      patterns: ['XXX', 'XXXX'],
      explicit: [],
      leftOut: ['*XXXXX'],
    });
  });

  test('refuses a prefix that the given lengths alone make unfit', () => {
    assert.throws(() => settled([], '*8', ['0000', '*00000']), {
      constructor: Unwritable,
      message:
        '--pickup *8: *8XXXX is also an extension of spb by itself (*XXXXX); choose another prefix, or --no-pickup',
    });
  });

  test('is told, a line for each PBX, with the first few', () => {
    const many = ['1', '2', '3', '4', '5', '6', '7'].map((digit) => key(`**200${digit}`));
    const { lines, told } = print(
      { keys: [key('1001'), key('**1001')], peers: [{ tag: 'spb', keys: [key('2001'), ...many] }] },
      '**',
    );
    const why = 'left out: with the pickup prefix **, that is how a call to another extension is taken';
    assert.deepEqual(told, [
      `**1001 of msk is ${why}`,
      `**2001, **2002, **2003, **2004, **2005 and 2 more of spb are ${why}`,
    ]);
    assert.ok(lines.includes('exten => _XXXX*spb,hint,Custom:${STRREPLACE(EXTEN,-)}'));
    assert.deepEqual(
      lines.filter((line) => line.startsWith('exten => _**XXXX')).map((line) => line.split(',')[0]),
      ['exten => _**XXXX*msk', 'exten => _**XXXX*spb', 'exten => _**XXXX'],
    );
  });

  test('is left out of what peers call here, where pickups are always asked for with **', () => {
    const { lines, told } = print({ keys: [key('1001'), key('**1001')] }, '*8');
    assert.match(
      told.join('\n'),
      /^\*\*1001 of msk, as peers call them, is left out: [^\n]*prefix \*\*,[^\n]*$/,
    );
    assert.ok(lines.includes('exten => _**XXXX,1,Set(HINTMESH=${HINT(${EXTEN:2}@from-internal)})'));
    assert.ok(!lines.includes('exten => _**XXXX,1,Goto(from-internal,${EXTEN},1)'));
    assert.ok(lines.some((line) => line.startsWith('exten => _**XXXX*msk,hint,')));
  });

  test('is left out of plain lamps', () => {
    const plain = ['301', '**301'].map((name) => ({ ...key(name), pbx: 'spb' }));
    const { lines, told } = print({ plain }, '**');
    assert.deepEqual(
      lines.filter((line) => /^exten => \**301,/.test(line)),
      ['exten => 301,hint,Custom:301', 'exten => **301,1,Dial(PJSIP/**301@trunk-spb)'],
    );
    assert.match(told.join('\n'), /^\*\*301 of plain_lamps is left out: [^\n]*$/);
  });

  test('never takes the rest along: each name has one lamp and no pickup in its place, or is left out', () => {
    const name = fc.oneof(fc.stringMatching(/^[128*]{1,5}$/), fc.stringMatching(/^[8*]{0,2}[1a]{1,3}$/));
    const prefix = fc.constantFrom('**', '*8', '8', '*', '88');
    fc.assert(
      fc.property(fc.array(name, { maxLength: 30 }), prefix, (names, pickup) => {
        const { leftOut } = settle(names.map(key), [], { pickup, tag: 'spb' });
        const { lines } = print({ peers: [{ tag: 'spb', keys: names.map(key) }] }, pickup);
        const written = lines.flatMap((line) => {
          const [, pattern, of = '', priority = ''] = /^exten => (_?)([^,]*)\*spb,(hint|1),/.exec(line) ?? [];
          if (priority === '') return [];
          return [{ places: pattern === '_' ? (of.match(/\[.\]|./g) ?? []) : placesOf(of), priority }];
        });
        for (const one of new Set(names)) {
          const of = written.filter(({ places }) => overlap(places, placesOf(one)));
          const wanted = leftOut.includes(one) ? [] : ['hint'];
          const found = of.map(({ priority }) => priority);
          assert.deepEqual(leftOut.includes(one) ? found.filter((which) => which === 'hint') : found, wanted);
        }
      }),
    );
  });
});

// Lamps without a tag that could be somebody else's, regular expressions included.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { BASE } from './folder.ts';
import { type Bad, bad, folder, refuses, type Told } from './refuses.ts';

const PEERS = `peers:
  - { tag: spb, fingerprint: "sha256:abc" }
  - { tag: nsk, fingerprint: "sha256:abd" }
`;
/** The export is on line 12, the plain lamps begin on line 14. */
const config = (exported: string, plain: string) =>
  `${BASE}${PEERS}export: [{ ${exported} }]\nplain_lamps:\n  - { from: spb, ${plain} }\n`;
const beside = (exported: string, plain: string, ...told: Told[]): Bad =>
  bad(config(exported, plain), ...told);

describe('beside our own extensions, a plain lamp is refused for', () => {
  refuses({
    'a regular expression that may name what is read': beside(
      'device: "Custom:{ext}", match: _2XXX',
      'match: /^2/',
      [
        '14:25',
        /plain_lamps\[0\] may light a name which is an extension of export\[0\] \(.*h.yaml:12:10\): what \/\^2\/ names or excludes cannot be compared with the other line; write patterns or ranges in its place/,
      ],
      ['14:25', /may light a name which is read from Custom:\{ext\} by an extension of export\[0\]/],
    ),
    'a regular expression that names one of a range': beside(
      'context: a, match: 1990-2010',
      'match: /^200/',
      ['14:25', /plain_lamps\[0\] can light 2000 \(2000 of spb\), which is an extension of export\[0\]/],
    ),
    'a regular expression among the exports': beside('context: a, match: /01$/', 'match: _2XXX', [
      '14:25',
      /may light a name which is an extension of export\[0\] .*: what \/01\$\/ names or excludes/,
    ]),
    'one number that a regular expression exports': beside(
      'context: a, match: /01$/',
      'match: 1001, as: "2{ext:1}"',
      ['14:25', /can light 2001 \(1001 of spb\), which is an extension of export\[0\]/],
    ),
    'a device that a regular expression reads': beside(
      'device: "Custom:door{ext}", match: /^3/',
      'match: door3001',
      ['14:25', /can light door3001 .* is read from Custom:door\{ext\}/],
    ),
    'what differs in capitals only': beside(
      'device: "Custom:dnd{ext}", match: 1000-1099',
      'match: "_D[N]D10XX"',
      [
        '14:25',
        /can light dnd1000, if capitals do not count, which is read from Custom:dnd\{ext\} .*; hints of Asterisk up to 22\.10/,
      ],
    ),
    'a pattern of which one differs in capitals only': beside(
      'context: a, match: BOSS',
      'match: "_bos[a-z]"',
      ['14:25', /can light boss, if capitals do not count/],
    ),
    'one that differs in capitals only': beside('context: a, match: Boss', 'match: boss', [
      '14:25',
      /can light boss, if capitals do not count, which is an extension of export\[0\]/,
    ]),
    'what a regular expression may not exclude': beside(
      'context: a, match: _2XXX, except: /^20/',
      'match: _2XXX',
      ['14:25', /what \/\^20\/ names or excludes cannot be compared/],
    ),
  });

  test('but not for what can be told apart', () => {
    for (const [exported, plain] of [
      ['context: a, match: _1XXX', 'match: /^2/'],
      ['context: a, match: /^1/', 'match: "/^[23]/"'],
      ['context: a, match: 2000-2099', 'match: "/^2[1-9]/"'],
      ['context: a, match: _20XX', 'match: /^2/, except: _20XX'],
      ['device: "Custom:door{ext}", match: _3XXX', 'match: /^2/'],
      ['device: "Custom:dnd{ext}", match: _3XXX', 'match: _2XXX, as: "DND{ext}"'],
    ] as const) {
      assert.deepEqual(folder.mistakes(config(exported, plain)), [], `${exported} beside ${plain}`);
    }
  });
});

describe('beside those of another peer, a plain lamp is refused for', () => {
  const both = (spb: string, nsk: string, words: RegExp) =>
    bad(`${BASE}${PEERS}plain_lamps:\n  - { from: spb, ${spb} }\n  - { from: nsk, ${nsk} }\n`, [
      '14:25',
      words,
    ]);
  refuses({
    'a regular expression that names one of theirs': both(
      'match: /^20/',
      'match: 1999-2001',
      /plain_lamps\[1\] and plain_lamps\[0\] \(.*h.yaml:13:5\) can both light 2000: of nsk and of spb; narrow one/,
    ),
    'a regular expression that may': both(
      'match: _2XXX',
      'match: /5$/',
      /and plain_lamps\[0\] .* may light one name: what \/5\$\/ names or excludes cannot be compared/,
    ),
  });

  test('but not of the same one, or where they begin otherwise', () => {
    for (const lines of [
      '{ from: spb, match: /^20/ }, { from: spb, match: _2XXX }',
      '{ from: spb, match: /^2/ }, { from: nsk, match: _3XXX }',
    ]) {
      assert.deepEqual(folder.mistakes(`${BASE}${PEERS}plain_lamps: [${lines}]\n`), [], lines);
    }
  });
});

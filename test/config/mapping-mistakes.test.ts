// Bad mappings: `except`, `as`, `to`, mailboxes, presence, and the lists `import` and `plain_lamps`. One per rule, told
// with its place and with what is allowed.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { MAX_OVERLAPS } from '../../src/config/lines.ts';
import { BASE } from './folder.ts';
import { type Bad, bad, exporting, folder, refuses, type Told } from './refuses.ts';

/** Lines 9 to 11 are the peers, so that what a test adds begins on line 12, and entries of a list on 13. */
const PEERS = `peers:
  - { tag: spb, fingerprint: "sha256:abc" }
  - { tag: nsk, fingerprint: "sha256:abd" }
`;
const listing = (key: string, lines: readonly string[], ...told: Told[]): Bad =>
  bad(`${BASE}${PEERS}${key}:\n${lines.map((line) => `  - { ${line} }\n`).join('')}`, ...told);
const exports = (lines: readonly string[], ...told: Told[]) => listing('export', lines, ...told);
const imports = (lines: readonly string[], ...told: Told[]) => listing('import', lines, ...told);
const plain = (lines: readonly string[], ...told: Told[]) => listing('plain_lamps', lines, ...told);

describe('among its exports, a config is refused for', () => {
  refuses({
    'a regular expression that is none': exporting('  - context: a\n    match: /^1(/', [
      '11:12',
      /match "\/\^1\(\/" is no regular expression of RE2 \(missing closing \)\)/,
    ]),
    'items of except, all of them': exporting(
      '  - context: a\n    match: _1XXX\n    except: [1/2, 9-1]',
      ['12:14', /export\[0\].except "1\/2" has a "\/"/],
      ['12:19', /export\[0\].except "9-1" runs backwards/],
    ),
    'an except that leaves nothing': exporting(
      '  - context: a\n    match: [1001, _2X]\n    except: [_100X, _2!]',
      ['12:13', /except leaves nothing of match; leave the line out, or narrow it/],
    ),
    'an as without the extension': exporting('  - context: a\n    match: _1XXX\n    as: boss', [
      '12:9',
      /as "boss" has no \{ext\}, .*; write e\.g\. 7\{ext\} or/,
    ]),
    'an as that leaves nothing': exporting('  - context: a\n    match: _1XXX\n    as: "{ext:4}"', [
      '12:9',
      /as leaves nothing of 1000$/,
    ]),
    'an as that makes what is no extension': exporting(
      '  - context: a\n    match: _1[.]XX\n    as: "{ext:1}"',
      ['12:9', /as makes "\.00" of 1\.00, which is no extension/],
    ),
    'an as that makes too long a lamp': exporting(
      `  - context: a\n    match: _1XXX\n    as: "${'7'.repeat(65)}{ext}"`,
      ['12:9', /as makes 69 characters of 1000; there is room for 68/],
    ),
    'an as that makes one of two': exporting('  - context: a\n    match: _XXXX\n    as: "{ext:1}"', [
      '12:9',
      /as makes 000 of both 0000 and 1000; keep what tells them apart, or narrow match/,
    ]),
    'an as beside a regular expression in its line': exporting(
      '  - context: a\n    match: [7, /^1/]\n    as: "7{ext}"',
      [
        '12:9',
        /has both as and the regular expression \/\^1\/; .* cannot be told beforehand, so write patterns/,
      ],
    ),
    'two lines that make one name': exports(
      ['context: a, match: _1XXX, as: "7{ext}"', 'context: a, match: _7100X'],
      [
        '14:26',
        /export\[1\] and export\[0\] \(.*h.yaml:13:5\) would both be told to the peers as 71000: 71000 of the one and 1000 of the other; narrow one of them, or write another as/,
      ],
    ),
    'two lines that make one name, though other peers see it': exports(
      ['context: a, match: _1XXX, to: spb', 'context: a, match: _2XXX, as: "1{ext:1}", to: nsk'],
      ['14:26', /would both be told to the peers as 1000: 2000 of the one and 1000 of the other/],
    ),
    'two lines for one extension, though under two names': exports(
      ['context: a, match: _1XXX, to: spb', 'context: a, match: _1XXX, as: "7{ext}", to: nsk'],
      ['14:26', /can both mean extension 1000; an extension has one source/],
    ),
    'a line that renames beside a regular expression that may name the same': exports(
      ['context: a, match: /1/', 'context: b, match: _2XXX, as: "3{ext}"'],
      [
        '14:26',
        /may give one name to two extensions: what \/1\/ names .*; write patterns or ranges, or begin it with \^/,
      ],
    ),
    'more regular expressions than are taken': exporting(
      `  - { context: a, match: [${Array.from({ length: 51 }, (_, i) => `/^1${i}/`).join(', ')}] }`,
      ['10:3', /export has 51 regular expressions; at most 50 are allowed/],
    ),
    'exclusions that shred a pattern': exporting(
      `  - context: a\n    match: _XXXXX\n    except: [${Array.from({ length: 1_900 }, (_, i) => 10_000 + i * 47).join(', ')}]`,
      [
        '10:3',
        /export has \d+ items once as and except are worked out, \d+ of them patterns or ranges; at most/,
      ],
    ),
    'a pattern that excludes nothing of a named range beside channels: it is a pattern only in match':
      exporting('  - channels: PJSIP/{ext}\n    match: [1000-1009, /^2/]\n    except: _100[5-9]', [
        '11:24',
        /match "\/\^2\/" is a regular expression, and beside channels .*; write ranges/,
      ]),
    'to: what is no peer, ourselves, one twice': exports(
      ['context: a, match: 1, to: [spb, msk, nks, ekb, spb]'],
      ['13:39', /export\[0\].to "msk" is our own tag; write the tag of a peer/],
      ['13:44', /to "nks" is no peer of this config; did you mean "nsk"\?/],
      ['13:49', /to "ekb" is no peer of this config; its peers are spb, nsk/],
      ['13:54', /to "spb" is in this list twice/],
    ),
    'to: where there are no peers': exporting('  - { context: a, match: 1, to: spb }', [
      '10:33',
      /to "spb" is no peer of this config, which has none yet/,
    ]),
  });
});

describe('written without quotes, it is told to write them:', () => {
  const cure =
    /not valid YAML: .*; within \{ \} and \[ \] a pattern, expression or template with brackets stands in quotes$/;
  for (const line of [
    'context: a, match: _[1-3]X',
    'context: a, match: /^1[0-4]/',
    'context: a, match: 1, as: 7{ext}',
  ]) {
    test(line, () => assert.match(folder.mistakes(`${BASE}export: [{ ${line} }]\n`)[0] ?? '', cure));
  }

  test('as: {ext:1}', () => {
    const told = folder.mistakes(`${BASE}export:\n  - context: a\n    match: _1XXX\n    as: {ext:1}\n`);
    assert.deepEqual(told, [
      'h.yaml:12:9: export[0].as is a single value: what they are called, in quotes, like "7{ext}"; left out, as they are',
    ]);
  });
});

describe('among its mailboxes and presence, a config is refused for', () => {
  const presence = (text: string, words: RegExp, match = '_2XXX') =>
    exporting(`  - presence: ${JSON.stringify(text)}\n    match: ${match}`, ['10:15', words]);
  refuses({
    'a mailbox with its context in it': exporting('  - mailbox: 1001@default\n    match: 1001', [
      '10:14',
      /mailbox is "1001@default"; a context of voicemail.conf, like default, has 1 to 79 characters/,
    ]),
    'a mailbox and a hint at once': exporting('  - { mailbox: default, context: a, match: 1 }', [
      '10:5',
      /has both context and mailbox/,
    ]),
    'a mailbox twice': exports(
      ['mailbox: default, match: _1XXX', 'mailbox: default, match: 1001, as: "mb{ext}"'],
      ['14:32', /can both mean mailbox 1001; a mailbox has one source/],
    ),
    'mailboxes of two contexts under one name': exports(
      ['mailbox: a, match: 1-5', 'mailbox: b, match: 5-9'],
      ['14:26', /would both be told to the peers as vm5: 5 of the one and 5 of the other/],
    ),
    'a mailbox whose name an extension has': exports(
      ['mailbox: a, match: 1-5', 'context: b, match: vm3'],
      ['14:26', /would both be told to the peers as vm3: vm3 of the one and 3 of the other/],
    ),
    'mailboxes beside a regular expression that may name the same': exports(
      ['mailbox: a, match: 1-5', 'context: b, match: /^vm/'],
      ['14:26', /may give one name to two extensions: what \/\^vm\/ names/],
    ),
    'a presentity without a provider': presence(
      '{ext}',
      /is no presentity; one is like CustomPresence:\{ext\}/,
    ),
    'a presentity of a device': presence('PJSIP/{ext}', /is no presentity/),
    'a presentity with a comma': presence('CustomPresence:{ext},x', /is no presentity/),
    'a presentity that would split an AMI line': presence(
      'CustomPresence:{ext}\r\nAction: x',
      /line break|no presentity/,
    ),
    'a presentity that is a lamp': presence(
      'CustomPresence:{ext}*spb',
      /is what the presence of another PBX is shown by/,
    ),
    'a presentity that is a lamp in other letters': presence('custompresence:1*spb', /another PBX/, '1'),
    'one presentity for many': presence(
      'CustomPresence:boss',
      /has no \{ext\}, .*; write e\.g\. CustomPresence:\{ext\}/,
    ),
    'presence twice for one extension': exports(
      ['presence: "CustomPresence:{ext}", match: _1XXX', 'presence: "CustomPresence:b{ext}", match: 1001'],
      ['14:49', /can both mean extension 1001; an extension has one source/],
    ),
    'presence of two under one name': exports(
      [
        'presence: "CustomPresence:{ext}", match: _1XXX',
        'presence: "CustomPresence:{ext}", match: 2001, as: "1{ext:1}"',
      ],
      ['14:48', /told to the peers as 1001: 2001 of the one and 1001 of the other/],
    ),
  });
});

describe('among its imports, a config is refused for', () => {
  refuses({
    'a line without a match': imports(
      ['from: spb'],
      ['13:5', /import\[0\].match is missing; write a pattern like/],
    ),
    'a peer that is none': imports(
      ['from: sbp, match: _1XXX'],
      ['13:13', /from "sbp" is no peer of this config; did you mean "spb"/],
    ),
    ourselves: imports(['from: msk, match: _1XXX'], ['13:13', /from "msk" is our own tag/]),
    'a key of another list': imports(
      ['from: spb, match: _1XXX, to: nsk'],
      ['13:32', /is not a key .*; allowed here: from, match, except, as/],
    ),
    'an as that makes one of two': imports(
      ['from: spb, match: _XXXX, as: "{ext:2}"'],
      ['13:36', /as makes 00 of both/],
    ),
    'an as with too little room for the tag of any peer': imports(
      [`match: _1XXX, as: "${'7'.repeat(65)}{ext}"`],
      ['13:25', /as makes 69 characters of 1000; there is room for 68/],
    ),
    'two lines for one extension of a peer': imports(
      ['from: spb, match: _1XXX', 'from: spb, match: 1001'],
      [
        '14:25',
        /import\[1\] and import\[0\] \(.*h.yaml:13:5\) can both mean extension 1001 of spb; an extension has one name here, so narrow one of them/,
      ],
    ),
    'two lines for one extension of a peer, though under two names': imports(
      ['from: spb, match: _1XXX, as: "7{ext}"', 'from: spb, match: 1001, as: "8{ext}"'],
      ['14:25', /import\[1\] and import\[0\] \(.*h.yaml:13:5\) can both mean extension 1001 of spb;/],
    ),
    'two lines for one extension, of which one renames': imports(
      ['from: spb, match: 1001, as: "boss{ext:4}"', 'from: spb, match: _1XXX'],
      ['14:25', /can both mean extension 1001 of spb/],
    ),
    'two lines for one extension of any peer, under two names': imports(
      ['match: 1001, as: "7{ext}"', 'match: _1XXX, as: "8{ext}"'],
      ['14:14', /can both mean extension 1001 of any peer/],
    ),
    'a line for all peers beside one of one': imports(
      ['match: _1XXX', 'from: spb, match: 1001'],
      ['14:25', /can both mean extension 1001 of spb/],
    ),
    'a line of one peer beside one for all, under two names': imports(
      ['from: spb, match: _1XXX, as: "7{ext}"', 'match: 1001, as: "8{ext}"'],
      ['14:14', /can both mean extension 1001 of spb/],
    ),
    'two lines that make one name of two extensions': imports(
      ['from: spb, match: _1XXX, as: "9{ext}"', 'from: spb, match: _2XXX, as: "91{ext:1}"'],
      ['14:25', /can both make, of extensions of spb, 91000: 2000 of the one and 1000 of the other/],
    ),
    'a line that renames beside a regular expression': imports(
      ['from: spb, match: /0/', 'match: _2XXX, as: "9{ext}"'],
      ['14:14', /may give one name to two extensions/],
    ),
  });
});

describe('among its plain lamps, a config is refused for', () => {
  const OWN = 'export: [{ context: a, match: _1XXX }, { device: "Custom:door{ext}", match: _3XXX }]\n';
  const besideOwn = (line: string, ...told: Told[]) =>
    bad(`${BASE}${PEERS}${OWN}plain_lamps:\n  - { ${line} }\n`, ...told);
  refuses({
    'a line without a peer': plain(
      ['match: _2XXX'],
      ['13:5', /plain_lamps\[0\].from is missing; it is the peer's tag/],
    ),
    'a peer that is none': plain(
      ['from: ekb, match: _2XXX'],
      ['13:13', /from "ekb" is no peer of this config/],
    ),
    'two lines for one extension of a peer': plain(
      ['from: spb, match: _2XXX', 'from: spb, match: 2500-2600'],
      [
        '14:25',
        /plain_lamps\[1\] and plain_lamps\[0\] \(.*h.yaml:13:5\) can both mean extension 2500 of spb; an extension has one plain lamp, so narrow one of them/,
      ],
    ),
    'two lines for one extension of a peer, though under two names': plain(
      ['from: spb, match: _2XXX, as: "7{ext}"', 'from: spb, match: 2001, as: "8{ext}"'],
      ['14:25', /can both mean extension 2001 of spb/],
    ),
    'two lines of one peer on one name that is made': plain(
      ['from: spb, match: _2XXX', 'from: spb, match: _1XXX, as: "2{ext:1}"'],
      ['14:25', /can both light 2000: 1000 of spb and 2000 of spb/],
    ),
    'two peers on one name': plain(
      ['from: spb, match: _2XXX', 'from: nsk, match: 2500-2600'],
      [
        '14:25',
        /plain_lamps\[1\] and plain_lamps\[0\] \(.*h.yaml:13:5\) can both light 2500: 2500 of nsk and 2500 of spb; number plans that overlap/,
      ],
    ),
    'two peers on one name that is made': plain(
      ['from: spb, match: _2XXX', 'from: nsk, match: _1XXX, as: "2{ext:1}"'],
      ['14:25', /can both light 2000: 1000 of nsk and 2000 of spb/],
    ),
    'a name made beside a regular expression': plain(
      ['from: spb, match: /2/', 'from: nsk, match: _1XXX, as: "9{ext}"'],
      ['14:25', /may give one name to two extensions/],
    ),
    'the number of an extension of ours': besideOwn('from: spb, match: [_2XXX, 1500]', [
      '14:25',
      /plain_lamps\[0\] can light 1500 \(1500 of spb\), which is an extension of export\[0\] \(.*h.yaml:12:10\); where number plans overlap/,
    ]),
    'the number of an extension of ours, made': besideOwn('from: spb, match: _2XXX, as: "1{ext:1}"', [
      '14:25',
      /can light 1000 \(2000 of spb\), which is an extension of export\[0\]/,
    ]),
    'what an export reads': besideOwn('from: spb, match: _3XXX, as: "door{ext}"', [
      '14:25',
      /can light door3000 \(3000 of spb\), which is read from Custom:door\{ext\} by an extension of export\[1\]/,
    ]),
    'the lamp of another peer': plain(
      ['from: spb, match: _2XXX, as: "{ext}*nsk"'],
      [
        '13:25',
        /can light 2000\*nsk \(2000 of spb\), which is the name of a lamp of nsk; narrow it or write another as/,
      ],
    ),
    'an as that makes one of two': plain(
      ['from: spb, match: _XXXX, as: "{ext:1}"'],
      ['13:36', /as makes 000 of both/],
    ),
    'too long a name': plain(
      [`from: spb, match: _2XXX, as: "${'7'.repeat(68)}{ext}"`],
      ['13:36', /as makes 72 characters of 2000; there is room for 71/],
    ),
  });
});

test('of names that are taken already, by extensions of ours and by lamps, no more is told than of pairs', () => {
  const numbers = Array.from({ length: 2 * MAX_OVERLAPS }, (_, i) => 2000 + i);
  const ending = (end: string) => (number: number) =>
    `  - { from: spb, match: ${number}, as: "{ext}${end}" }\n`;
  const some = MAX_OVERLAPS - 10;
  const own = numbers.slice(0, some).map(ending('#'));
  const lamps = numbers.slice(some).map(ending('*nsk'));
  const told = (lines: readonly string[]) =>
    folder.mistakes(
      `${BASE}${PEERS}export: [{ context: a, match: "_2XXX[#]" }]\nplain_lamps:\n${lines.join('')}`,
    );
  assert.equal(told(lamps).length, MAX_OVERLAPS);
  const both = told([...own, ...lamps]);
  assert.equal(both.length, MAX_OVERLAPS);
  assert.equal(both.filter((mistake) => mistake.includes('a lamp of nsk')).length, MAX_OVERLAPS - some);
  assert.deepEqual(
    both.filter((mistake) => mistake.includes('an extension of export[0]')),
    told(own),
  );
});

test('of what is wrong already nothing more is concluded', () => {
  for (const [yaml, words] of [
    [`${BASE}peers: [{ tag: spb }, { tag: 9x }]\nimport: [{ from: ekb, match: 1 }]\n`, /from "ekb"/],
    [`${BASE}${PEERS}export: [{ context: a, match: 9-1 }, { context: a, match: _X }]\n`, /both mean/],
    [
      `${BASE}${PEERS}plain_lamps: [{ from: spb, match: 1, as: "x" }, { from: nsk, match: 1 }]\n`,
      /both light/,
    ],
  ] as const) {
    const mistakes = folder.mistakes(yaml).join('\n');
    assert.notEqual(mistakes, '');
    assert.doesNotMatch(mistakes, words);
  }
});

test('what can be told apart is taken', () => {
  const right = [
    'export: [{ context: a, match: /^1/, except: /^19/ }, { context: a, match: "_1[5-9]XX" }]',
    'export: [{ context: a, match: "/^1[0-4]/" }, { mailbox: default, match: _1XXX }]',
    'export: [{ context: a, match: _1XXX }, { presence: "CustomPresence:{ext}", match: _1XXX }]',
    'export: [{ context: a, match: _1XXX, as: "7{ext}" }, { context: a, match: _7XXX }]',
    'export: [{ context: a, match: _1XXX, except: [_10XX, "1500"] }, { device: "PJSIP/{ext}", match: [_10XX, 1500] }]',
    'export: [{ context: a, match: _1XXX, as: "{ext:1}", to: [spb] }, { context: a, match: _2XXX, as: "2{ext:1}", to: [nsk] }]',
    'export: [{ channels: "PJSIP/{ext}", match: 1000-1099, except: _109X }]',
    'export: [{ device: "PJSIP/boss", match: 1000-1001, except: "1001" }]',
    'import: [{ from: spb, match: _1XXX }, { from: nsk, match: _1XXX }]',
    'import: [{ from: spb, match: 1001, as: "boss{ext:4}" }, { from: spb, match: _1XXX, except: 1001 }]',
    'import: [{ from: spb, match: _1XXX, as: "7{ext}" }, { from: nsk, match: _1XXX, as: "8{ext}" }]',
    'plain_lamps: [{ from: spb, match: _2XXX, except: 2001, as: "7{ext}" }, { from: spb, match: 2001, as: "8{ext}" }]',
    'plain_lamps: [{ from: spb, match: _2XXX, as: "7{ext}" }, { from: nsk, match: _2XXX, as: "8{ext}" }]',
    'plain_lamps: [{ from: spb, match: _2XXX }, { from: nsk, match: _2XXX, as: "3{ext:1}" }]',
    'export: [{ context: a, match: _1XXX, as: "2{ext:1}" }]\nplain_lamps: [{ from: spb, match: _2XXX }]',
  ];
  for (const yaml of right) assert.deepEqual(folder.mistakes(`${BASE}${PEERS}${yaml}\n`), [], yaml);
});

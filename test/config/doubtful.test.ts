// Lines that are taken with a warning, since they can hardly be meant as they stand; and their neighbours without one.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { BASE } from './folder.ts';
import { bad, exporting, folder, refuses } from './refuses.ts';

const PEERS = `peers:
  - { tag: spb, url: "wss://spb.example.com:7440", fingerprint: "sha256:abc" }
  - { tag: nsk, url: "wss://nsk.example.com:7440", fingerprint: "sha256:abd" }
`;
const EXPORT = 'export: [{ context: a, match: "1" }]\n';

/** The warnings of this, which is taken. */
function warnings(yaml: string): string[] {
  const text = `${BASE}${PEERS}${yaml.includes('export:') ? '' : EXPORT}${yaml}\n`;
  assert.deepEqual(folder.mistakes(text), [], yaml);
  return folder.warnings(text);
}

const warned = (yaml: string, ...words: RegExp[]) => {
  const told = warnings(yaml);
  assert.equal(told.length, words.length, `${yaml}: ${told.join('\n')}`);
  for (const [index, some] of words.entries()) assert.match(told[index] ?? '', some);
};

describe('a plain lamp that a peer can call what it wants', () => {
  test('is warned of, by its first item that is open', () => {
    const open =
      /h.yaml:13:35: plain_lamps\[0\].match "_X\." leaves open what spb may call its extensions; .* DND1001/;
    warned('plain_lamps: [{ from: spb, match: ["2001", _X.] }]', open);
    warned('plain_lamps: [{ from: spb, match: _2! }]', /match "_2!" leaves open/);
    warned('plain_lamps: [{ from: spb, match: "/^2/" }]', /match "\/\^2\/" leaves open/);
    warned('plain_lamps: [{ from: spb, match: _3X., except: _3XXXX!, as: "{ext:1}" }]', /"_3X\."/);
  });

  test('is not, where the pattern is closed, or the name begins as we say', () => {
    warned('plain_lamps: [{ from: spb, match: [_2XXX, 3000-3099, boss] }]');
    warned('plain_lamps: [{ from: spb, match: _X., as: "spb{ext}" }]');
    warned('plain_lamps: [{ from: spb, match: _2XXX, except: [/5$/, _20.] }]');
  });
});

describe('a plain lamp of what import does not leave', () => {
  const plain = 'plain_lamps: [{ from: spb, match: _1XXX }]';
  test('is warned of, with a name that there is', () => {
    warned(
      `import: [{ from: spb, match: _1XXX, as: "7{ext}" }]\n${plain}`,
      /h.yaml:14:35: .*plain_lamps\[0\] lights nothing: of spb, import leaves no extension that it names \(but 71000, for one\)/,
    );
    warned(`import: [{ match: /^2/ }, { from: spb, match: _3X }]\n${plain}`, /lights nothing/);
  });

  test('is not, where it may', () => {
    warned(`import: [{ from: nsk, match: _1XXX, as: "7{ext}" }]\n${plain}`);
    warned(`import: [{ from: spb, match: _11XX }]\n${plain}`);
    warned(`import: [{ match: /0/ }]\n${plain}`);
    warned(plain);
  });
});

describe('a line that never counts', () => {
  test('is warned of', () => {
    warned(
      'export: [{ context: a, match: /^1/ }, { context: b, match: [1001, 1005-1009] }]',
      /h.yaml:12:60: .*export\[1\] never counts: all that it names export\[0\] \(.*h.yaml:12:10\) names first; put it before/,
    );
    warned(
      'export: [{ context: a, match: /^1/ }, { context: a, match: /^2/ }, { context: b, match: [1, 2] }]',
      /export\[2\] never counts: .* and other lines before it name first/,
    );
    warned('import: [{ match: /^1/ }, { from: spb, match: 1001 }]', /import\[1\] never counts/);
  });

  test('is one of which nothing is left, not one of which something is', () => {
    warned('export: [{ context: a, match: /^1/ }, { context: b, match: [1001, 2001] }]');
    warned('export: [{ context: b, match: 1001 }, { context: a, match: /^1/ }]');
    warned('export: [{ context: a, match: /^1/, except: 1001 }, { context: b, match: 1001 }]');
    warned('export: [{ context: a, match: /^1/ }, { presence: "CustomPresence:{ext}", match: 1001 }]');
    warned('import: [{ from: spb, match: /^1/ }, { match: 1001 }, { from: nsk, match: /^2/ }]');
  });
});

describe('a word in a pattern', () => {
  for (const [pattern, letter, digits] of [
    ['_DNDXXXX', 'N', '2-9'],
    ['_anna', 'n', '2-9'],
    ['_ivan', 'n', '2-9'],
    ['_nora', 'n', '2-9'],
    ['_TAXI', 'X', '0-9'],
    ['_Zoe', 'Z', '1-9'],
    ['_jazz', 'z', '1-9'],
  ] as const) {
    test(`${pattern} is warned of`, () => {
      warned(
        `export: [{ context: a, match: ["1", ${pattern}] }]`,
        new RegExp(
          `h.yaml:12:37: .*match "${pattern}" has a word with ${letter} in it.* digit ${digits} .*write \\[${letter}\\]`,
        ),
      );
    });
  }

  test('is none where digits follow it, or go before', () => {
    for (const pattern of [
      '_vmXXX',
      '_vm1XXX',
      '_vmNXX',
      '_XXXa',
      '_NXXNXXXXXX',
      '_[n]ora',
      '_D[N]DXXXX',
      '_*76ZX.',
    ]) {
      warned(`export: [{ context: a, match: "${pattern}" }]`);
    }
  });
});

describe('what means nothing: a config is refused for', () => {
  refuses({
    'a range that regular expressions exclude': exporting(
      '  - context: a\n    match: [1001, 1005-1009]\n    except: ["/^100[1-8]/", 1009]',
      ['12:13', /except leaves nothing of match; leave the line out, or narrow it/],
    ),
    'an alias for an entry of a list': bad(`${BASE}export:\n  - &a { context: a, match: 1001 }\n  - *a\n`, [
      '11:5',
      /export\[1\] is an alias \(\*…\), which is not taken here; write the value out/,
    ]),
  });

  test('but not where one is left, or may be', () => {
    warned('export: [{ context: a, match: 1001-1002, except: /1$/ }]');
    warned('export: [{ context: a, match: [1001, _2X], except: /1/ }]');
    warned('export: [{ context: a, match: /^1/, except: /^1/ }]');
  });
});

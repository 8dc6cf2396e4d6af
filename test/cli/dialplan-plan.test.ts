// Whatever a broker answers, what is printed is dialplan of the forms that are meant, and says what the broker knows.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { overlap, placesOf } from '../../src/cli/dialplan-names.ts';
import { mannerOf } from '../../src/cli/dialplan-options.ts';
import { planOfBroker } from '../../src/cli/dialplan-plan.ts';
import { dialplanText } from '../../src/cli/dialplan-text.ts';
import { isExtension, lampName } from '../../src/core/names.ts';
import type { StateRow } from '../../src/http/contract.ts';
import { peerOf, statusOf } from './fake-broker.ts';

const TAGS = ['msk', 'spb', 'x.zn'];
const name = fc.oneof(
  fc.stringMatching(/^\d{1,5}$/),
  fc.stringMatching(/^\*\d{2,6}$/),
  fc.stringMatching(/^vm\d{1,4}$/),
  fc.stringMatching(/^[A-Za-z0-9*+#][A-Za-z0-9*+#._]{0,9}$/),
  // No extensions.
  fc.string({ maxLength: 8 }),
  fc.constantFrom(
    '1;2',
    '1,1,System(x)',
    '1\nexten => 2',
    '_X',
    '${X}',
    '1)',
    '1&2',
    '[x]',
    '',
    'a-b',
    '1@x',
  ),
);
const row = fc
  .record({ pbx: fc.constantFrom(...TAGS), extension: name, kind: fc.constantFrom('device', 'presence') })
  .map(({ pbx, extension, kind }): StateRow => {
    const lamp = { name: `${extension}*${pbx}`, desired: null, written: null };
    return { pbx, extension, kind: kind as StateRow['kind'], state: 'x', ...(pbx !== 'msk' && { lamp }) };
  });
const STATUS = statusOf({ peers: [peerOf(), peerOf({ peer: 'x.zn' }), peerOf({ peer: 'no tag' })] });
const RULES = { export: [], imports: [], plainLamps: [], peers: [] };

/** What may stand for an extension in a line: characters of names, patterns and their brackets. */
const LINE =
  /^(?:|;.*|\[[a-z.-]+\]|include => [a-z.-]+|exten => _?(?:[A-Za-z0-9*+#._]|\[[XxZzNn.]\])+,(?:hint|1),.+| same => [1n],.+)$/;

const isBalanced = (line: string) =>
  ['()', '{}'].every(([open = '', close = '']) => line.split(open).length === line.split(close).length);

describe('the dialplan of what a broker answers', () => {
  test('has lines of the forms that are meant, whatever the names, and the same whatever their order', () => {
    fc.assert(
      fc.property(fc.array(row, { maxLength: 40 }), (rows) => {
        const print = (some: readonly StateRow[]) =>
          dialplanText(
            planOfBroker(some, STATUS, RULES, []).plan,
            mannerOf({ config: '' }),
            'hintmesh dialplan',
          );
        const text = print(rows);
        for (const line of text.split('\n')) {
          assert.match(line, LINE);
          if (!line.startsWith(';')) assert.ok(isBalanced(line) && !line.includes(';'), line);
        }
        assert.equal(print(rows.toReversed()), text);
      }),
    );
  });

  test('has a lamp for each name, and no second one', () => {
    fc.assert(
      fc.property(fc.array(row, { maxLength: 40 }), (rows) => {
        const { plan } = planOfBroker(rows, STATUS, RULES, []);
        const text = dialplanText(plan, mannerOf({ config: '' }), 'hintmesh dialplan');
        for (const tag of ['spb', 'x.zn']) {
          const block = text.slice(text.indexOf(`[hintmesh-${tag}]`)).split('\n\n')[0] ?? '';
          const hints = [...block.matchAll(/^exten => (_?)(.*),hint,/gm)].map(([, pattern, of = '']) =>
            pattern === '_' ? (of.match(/\[.\]|./g) ?? []) : placesOf(of),
          );
          for (const { pbx, extension } of rows) {
            if (pbx !== tag || !isExtension(extension) || lampName(extension, tag) === undefined) continue;
            const lamp = placesOf(`${extension}*${tag}`);
            assert.equal(hints.filter((hint) => overlap(hint, lamp)).length, 1, lamp.join(''));
          }
        }
      }),
    );
  });
});

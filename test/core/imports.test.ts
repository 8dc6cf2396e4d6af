// What is taken of a peer and what it is called: the first line that names an extension counts, and no plain lamp can
// be the lamp of another PBX.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  type ImportRule,
  importedAs,
  isPlainName,
  type PlainRule,
  plainName,
} from '../../src/core/imports.ts';
import { excluding, parseMatch } from '../../src/core/match.ts';
import { parseRenumber } from '../../src/core/renumber.ts';

function line(match: string, as?: string, except?: string): ImportRule {
  const [named, excluded] = [parseMatch([match]), parseMatch(except === undefined ? [] : [except])];
  const template = as === undefined ? undefined : parseRenumber(as);
  assert.ok(named.ok && excluded.ok && typeof template !== 'string');
  return {
    match: excluding(named.match, excluded.match),
    ...(template && { as: template }),
    where: 'test:1:1',
  };
}

const plain = (...given: Parameters<typeof line>): PlainRule => ({ from: 'spb', ...line(...given) });

describe('an extension of a peer', () => {
  test('is taken as it is where no line speaks of the peer', () => {
    assert.equal(importedAs([], '2001'), '2001');
  });

  test('is taken if a line names it, under the name of the first that does', () => {
    const rules = [line('2001', 'boss{ext:4}'), line('_2XXX', '9{ext}', '2002'), line('/^3/')];
    assert.equal(importedAs(rules, '2001'), 'boss');
    assert.equal(importedAs(rules, '2003'), '92003');
    assert.equal(importedAs(rules, '31'), '31');
    for (const other of ['2002', '1001', '4']) assert.equal(importedAs(rules, other), undefined, other);
  });

  test('is not taken where nothing is left of its name', () => {
    assert.equal(importedAs([line('_2.', '{ext:3}')], '200'), undefined);
    assert.equal(importedAs([line('_2.', '{ext:3}')], '2001'), '1');
  });
});

describe('a plain lamp', () => {
  test('has the name that the first line gives', () => {
    const rules = [plain('_2XXX', '{ext:1}', '2002'), plain('_20XX')];
    assert.equal(plainName(rules, '2001'), '001');
    assert.equal(plainName(rules, '2002'), '2002');
    assert.equal(plainName(rules, '3001'), undefined);
    for (const name of ['001', '003', '2002', '2099']) assert.ok(isPlainName(rules, name), name);
    for (const name of ['2100', '3001', '0001']) assert.ok(!isPlainName(rules, name), name);
    assert.ok(!isPlainName([plain('_2XXX', '{ext:1}', '2002')], '002'));
  });

  test('is never what looks like a lamp of another PBX, whatever a peer calls its extensions', () => {
    const rules = [plain('_2.'), plain('/^3/'), plain('_4.', '7{ext}')];
    for (const extension of ['2*nsk', '3001*nsk', '4*b.example.com']) {
      assert.equal(plainName(rules, extension), undefined, extension);
      assert.ok(!isPlainName(rules, extension));
    }
    assert.ok(!isPlainName(rules, '74*nsk'));
    // A star alone makes no lamp: FreePBX has *76EXT.
    assert.equal(plainName(rules, '2*76'), '2*76');
    assert.ok(isPlainName(rules, '74*76'));
  });
});

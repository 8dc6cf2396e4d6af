import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  devicesOfHint,
  isContext,
  isExtension,
  isTag,
  lampDevice,
  lampName,
  lampOfDevice,
  MAX_LAMP_NAME,
  splitLampName,
  whyNotExtension,
  whyNotTag,
} from '../../src/core/names.ts';

const extension = fc.stringMatching(/^[A-Za-z0-9*+#][A-Za-z0-9*+#._]{0,20}$/);
const tag = fc.stringMatching(/^[a-z][a-z0-9]{1,10}(\.[a-z0-9]{1,8}){0,2}$/);

test('a lamp name splits into what it was made of, also when the extension has stars of its own', () => {
  fc.assert(
    fc.property(extension, tag, (ext, host) => {
      const name = lampName(ext, host);
      fc.pre(name !== undefined);
      assert.deepEqual(splitLampName(name), { extension: ext, tag: host });
      assert.deepEqual(lampOfDevice(lampDevice(name)), { extension: ext, tag: host });
    }),
  );
  assert.deepEqual(splitLampName('*761001*spb'), { extension: '*761001', tag: 'spb' });
});

test('a lamp name longer than Asterisk can hold is not made', () => {
  const host = 'msk';
  const longest = '1'.repeat(MAX_LAMP_NAME - host.length - 1);
  assert.equal(lampName(longest, host)?.length, MAX_LAMP_NAME);
  assert.equal(lampName(`${longest}1`, host), undefined);
  assert.equal(splitLampName(`${longest}1*${host}`), undefined);
});

test('tags that Asterisk would confuse are refused, with the reason', () => {
  for (const good of ['msk', 'b.example.com', 'a1', 'x.1']) assert.equal(whyNotTag(good), undefined, good);
  const bad: [string, RegExp][] = [
    ['', /empty/],
    ['a', /one character/],
    ['my-host', /"-"/],
    ['Msk', /upper-case/],
    ['1st', /digit/],
    ['a..b', /single dots/],
    ['.a', /single dots/],
    ['a.', /single dots/],
    ['a'.repeat(MAX_LAMP_NAME), /too long/],
    ['a b', /not a tag/],
    ['aé', /not a tag/],
    ['ab\n', /not a tag/],
  ];
  for (const [text, reason] of bad) {
    assert.ok(!isTag(text), text);
    assert.match(whyNotTag(text) ?? '', reason, text);
  }
});

test('extensions that Asterisk or a phone cannot carry are refused, with the reason', () => {
  for (const good of ['1001', '*76100', '+7495', 'a.b_c', '#1'])
    assert.equal(whyNotExtension(good), undefined);
  const bad: [string, RegExp][] = [
    ['', /empty/],
    ['SIP/100', /"\/"/],
    ['10-01', /"-"/],
    ['1@x', /"@"/],
    ['1&2', /"&"/],
    ['1,2', /"&" or ","/],
    ['_1XX', /not an extension/],
    ['.1', /not an extension/],
    ['1\r\nAction: Command', /not an extension/],
    ['1'.repeat(MAX_LAMP_NAME), /too long/],
  ];
  for (const [text, reason] of bad) {
    assert.ok(!isExtension(text), text);
    assert.match(whyNotExtension(text) ?? '', reason, text);
  }
});

test('the reason and the test never disagree', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 80 }), (text) => {
      assert.equal(whyNotTag(text) === undefined, isTag(text));
      assert.equal(whyNotExtension(text) === undefined, isExtension(text));
    }),
  );
});

test('a hint names devices, without blanks around them, up to a comma; what follows it is presence', () => {
  for (const [hint, devices] of [
    ['PJSIP/1001&Custom:1001*spb,CustomPresence:1001*msk', ['PJSIP/1001', 'Custom:1001*spb']],
    ['custom:1001*spb & CUSTOM:2*ekb', ['custom:1001*spb', 'CUSTOM:2*ekb']],
    ['PJSIP/1001&&SIP/1001&', ['PJSIP/1001', 'SIP/1001']],
    [',CustomPresence:1001', []],
    ['', []],
  ] as const) {
    assert.deepEqual(devicesOfHint(hint), devices, hint);
  }
});

test('a device is a lamp whatever the case of Custom, and by nothing else', () => {
  assert.deepEqual(lampOfDevice('custom:1001*spb'), { extension: '1001', tag: 'spb' });
  assert.deepEqual(lampOfDevice('CUSTOM:2*ekb'), { extension: '2', tag: 'ekb' });
  for (const device of ['', 'PJSIP/1001*spb', 'Custom:DND1001', 'Custom:1001*SPB', 'Custom:*spb']) {
    assert.equal(lampOfDevice(device), undefined, device);
  }
});

test('contexts are names, up to Asterisk’s 79 characters', () => {
  for (const good of ['ext-local', 'from.a_b', 'c'.repeat(79), 'x:1']) assert.ok(isContext(good), good);
  for (const bad of ['', 'a b', 'a\n', 'c'.repeat(80), 'a,b', 'ä']) assert.ok(!isContext(bad), bad);
});

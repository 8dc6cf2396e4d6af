import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exchange } from './publish.ts';
import { distribution } from './xmpp.ts';

test('a PBX listens for PJSIP states at its own address and sends them to the other', () => {
  const { pjsip = '' } = exchange('a', 'b', { host: '127.0.0.1', port: 1 }, { host: '127.0.0.2', port: 2 });
  assert.match(pjsip, /^bind = 127\.0\.0\.1:1$/m);
  assert.match(pjsip, /^server_uri = sip:a@127\.0\.0\.2:2$/m);
  assert.match(pjsip, /^\[b\]\ntype = asterisk-publication$/m);
});

test('a PBX has an XMPP account of its own, and the other for a friend', () => {
  const text = distribution('a', 'b', { host: '127.0.0.3', port: 3 }).files?.['xmpp.conf'] ?? '';
  assert.match(text, /^serverhost = 127\.0\.0\.3$/m);
  assert.match(text, /^username = a@/m);
  assert.match(text, /^buddy = b@/m);
});

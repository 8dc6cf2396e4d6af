// Channels as Asterisk tells them, and the states of their devices.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Channels, deviceOfChannel } from '../../src/core/channels.ts';
import { Exports } from '../../src/core/exports.ts';
import type { ChannelChange, ChannelStatus } from '../../src/core/source.ts';
import { channels as rule } from './rules.ts';

const [DOWN, RING, RINGING, UP] = [0, 4, 5, 6];

function channel(id: string, name: string, state: number): ChannelStatus {
  return { id, name, state };
}

function is(id: string, name: string, state: number): ChannelChange {
  return { type: 'state', id, name, state };
}

test('a channel’s device is what stands before the last dash; one between two others has none', () => {
  const names = {
    'PJSIP/1001-0000002a': 'PJSIP/1001',
    'SIP/trunk-a-0000002a': 'SIP/trunk-a',
    'DAHDI/i1/1234-2': 'DAHDI/i1/1234',
    'Local/1001@from-internal-00000001;2': 'Local/1001@from-internal',
    'PJSIP/1001-0000002a<ZOMBIE>': undefined,
    'PJSIP/1001-0000002a<MASQ>': undefined,
    'Surrogate/x': undefined,
    '-1': undefined,
    '': undefined,
  };
  for (const [name, device] of Object.entries(names)) assert.equal(deviceOfChannel(name), device, name);
});

test('a phone that rings, talks, holds and hangs up is all of that; without channels it is not in use', () => {
  const calls = new Channels();
  const seen = (change: ChannelChange): string => {
    assert.deepEqual(calls.changed(change), ['PJSIP/1001']);
    return calls.state('PJSIP/1001');
  };
  const name = 'PJSIP/1001-00000001';
  assert.equal(calls.state('PJSIP/1001'), 'NOT_INUSE');
  assert.equal(seen(is('1', name, DOWN)), 'NOT_INUSE');
  assert.equal(seen(is('1', name, RINGING)), 'RINGING');
  assert.equal(seen(is('1', name, UP)), 'INUSE');
  assert.equal(seen({ type: 'held', id: '1', name, held: true }), 'ONHOLD');
  assert.equal(seen({ type: 'held', id: '1', name, held: false }), 'INUSE');
  assert.equal(seen({ type: 'gone', id: '1' }), 'NOT_INUSE');
});

test('the calling party is in use before anybody answers', () => {
  const calls = new Channels();
  calls.changed(is('1', 'SIP/1001-00000001', RING));
  assert.equal(calls.state('SIP/1001'), 'INUSE');
});

test('several channels of one phone combine in Asterisk’s order', () => {
  const calls = new Channels();
  calls.changed(is('1', 'PJSIP/1001-00000001', UP));
  calls.changed(is('2', 'PJSIP/1001-00000002', RINGING));
  assert.equal(calls.state('PJSIP/1001'), 'RINGINUSE');
  calls.changed(is('2', 'PJSIP/1001-00000002', UP));
  calls.changed({ type: 'held', id: '1', name: 'PJSIP/1001-00000001', held: true });
  assert.equal(calls.state('PJSIP/1001'), 'INUSE');
  calls.changed({ type: 'gone', id: '2' });
  assert.equal(calls.state('PJSIP/1001'), 'ONHOLD');
});

test('at a masquerade the phone goes with the name, and so does its hold', () => {
  const calls = new Channels();
  calls.changed(is('a', 'PJSIP/1001-00000001', UP));
  calls.changed(is('b', 'PJSIP/1002-00000002', UP));
  calls.changed({ type: 'held', id: 'b', name: 'PJSIP/1002-00000002', held: true });
  const rename = (id: string, name: string): string[] => calls.changed({ type: 'renamed', id, name });
  rename('b', 'PJSIP/1002-00000002<MASQ>');
  assert.deepEqual(rename('a', 'PJSIP/1002-00000002'), ['PJSIP/1001', 'PJSIP/1002']);
  rename('b', 'PJSIP/1001-00000001<ZOMBIE>');
  assert.equal(calls.state('PJSIP/1001'), 'NOT_INUSE');
  assert.equal(calls.state('PJSIP/1002'), 'ONHOLD');
  calls.changed({ type: 'gone', id: 'b' });
  assert.equal(calls.state('PJSIP/1002'), 'ONHOLD', 'the zombie took nothing with it');
  calls.changed({ type: 'gone', id: 'a' });
  calls.changed(is('c', 'PJSIP/1002-00000002', UP));
  assert.equal(calls.state('PJSIP/1002'), 'INUSE', 'a name used again begins without hold');
});

test('what is told of a channel that is not known is nobody’s', () => {
  const calls = new Channels();
  assert.deepEqual(calls.changed({ type: 'gone', id: '9' }), []);
  assert.deepEqual(calls.changed({ type: 'renamed', id: '9', name: 'PJSIP/1001-1' }), []);
  assert.deepEqual(calls.changed({ type: 'held', id: '9', name: 'PJSIP/1001-1', held: true }), []);
  assert.equal(calls.state('PJSIP/1001'), 'NOT_INUSE');
});

test('a pickup before Asterisk 12: the state goes with the name, although no event says so', () => {
  const calls = new Channels();
  calls.changed(is('ringing', 'SIP/1003-00000003', RINGING));
  calls.changed(is('picker', 'SIP/1004-00000004', UP));
  const rename = (id: string, name: string): string[] => calls.changed({ type: 'renamed', id, name });
  rename('picker', 'SIP/1004-00000004<MASQ>');
  rename('ringing', 'SIP/1004-00000004');
  rename('picker', 'SIP/1003-00000003<ZOMBIE>');
  assert.equal(calls.state('SIP/1003'), 'NOT_INUSE');
  assert.equal(calls.state('SIP/1004'), 'INUSE');
  calls.changed({ type: 'gone', id: 'picker' });
  assert.equal(calls.state('SIP/1004'), 'INUSE');
});

test('reading all channels forgets those that went and keeps who holds; a new session knows no hold', () => {
  const calls = new Channels();
  calls.changed(is('1', 'PJSIP/1001-1', UP));
  calls.changed(is('3', 'PJSIP/1003-3', UP));
  calls.changed({ type: 'held', id: '1', name: 'PJSIP/1001-1', held: true });
  calls.listed([channel('1', 'PJSIP/1001-1', UP), channel('2', 'PJSIP/1002-2', UP)]);
  assert.equal(calls.state('PJSIP/1001'), 'ONHOLD', 'its event said so');
  assert.equal(calls.state('PJSIP/1002'), 'INUSE');
  assert.equal(calls.state('PJSIP/1003'), 'NOT_INUSE');
  calls.clear();
  calls.listed([channel('1', 'PJSIP/1001-1', UP)]);
  assert.equal(calls.state('PJSIP/1001'), 'INUSE');
});

test('extensions by channels are all exported from the first listing on, idle when they have none', () => {
  const exports = new Exports([rule(['PJSIP/{ext}', 'SIP/{ext}-wifi'], '1001-1003')]);
  const listing = {
    hints: [],
    devices: [],
    channels: [channel('1', 'SIP/1002-wifi-00000001', RINGING)],
    presences: [],
    mailboxes: [],
  };
  assert.deepEqual(
    exports.listed(listing).entries.map(({ extension, state }) => `${extension}=${state}`),
    ['1001=NOT_INUSE', '1002=RINGING', '1003=NOT_INUSE'],
  );
  const told = (change: ChannelChange): string[] =>
    exports.channelChanged(change).entries.map(({ extension, state }) => `${extension}=${state}`);
  assert.deepEqual(told(is('2', 'PJSIP/1002-00000007', UP)), ['1002=RINGINUSE']);
  assert.deepEqual(told(is('3', 'PJSIP/2002-00000007', UP)), [], 'no rule names 2002');
  assert.deepEqual(told({ type: 'gone', id: '1' }), ['1002=INUSE']);
  assert.deepEqual(told({ type: 'gone', id: '2' }), ['1002=NOT_INUSE']);
});

test('a hint or device event says nothing of an extension whose source is its channels', () => {
  const exports = new Exports([rule(['PJSIP/{ext}'], '1001')]);
  exports.listed({ hints: [], devices: [], channels: [], presences: [], mailboxes: [] });
  const hint = { context: 'local', extension: '1001', hint: 'PJSIP/1001', status: 1 };
  assert.deepEqual(exports.hintChanged(hint).entries, []);
  assert.deepEqual(exports.deviceChanged({ device: 'PJSIP/1001', state: 'INUSE' }).entries, []);
});

// Channels as a source: what is asked, what is believed, how rows and events become one listing.
import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import fc from 'fast-check';
import { channelChange, channelStatus } from '../../src/ami/events.ts';
import { MAX_LISTED } from '../../src/ami/limits.ts';
import { Merge } from '../../src/ami/merge.ts';
import type { Message } from '../../src/ami/message.ts';
import type { ChannelChange } from '../../src/core/source.ts';
import { until } from '../until.ts';
import { begin, closeAll, up } from './recorder.ts';
import { aboutChannel, channelEvent, list } from './scripted.ts';

afterEach(closeAll);

const ON = { channels: true };
const row = (channel: string, state: number, id: string) =>
  channelEvent('CoreShowChannel', channel, state, id);
const ROWS = [row('PJSIP/1001-00000001', 6, '10.1'), row('PJSIP/1002-00000002', 5, '10.2')];
const LISTED = [
  { id: '10.1', name: 'PJSIP/1001-00000001', state: 6 },
  { id: '10.2', name: 'PJSIP/1002-00000002', state: 5 },
];
const rows = (texts: readonly string[]) => ({
  coreshowchannels: (action: Readonly<Record<string, string>>) => list(action, 'CoreShowChannels', texts),
});
/** One of each event, of a call that 1001 picks up, as Asterisk 16 and 22 tell it, with a Rename as 11 does. */
const CALL =
  channelEvent('Newchannel', 'SIP/1001-00000003', 0, '10.3') +
  channelEvent('Newstate', 'SIP/1001-00000003', 6, '10.3') +
  aboutChannel('Hold', 'SIP/1001-00000003', '10.3', { ChannelState: '6', MusicClass: 'default' }) +
  aboutChannel('Unhold', 'SIP/1001-00000003', '10.3', { ChannelState: '6' }) +
  aboutChannel('Rename', 'SIP/1001-00000003', '10.3', { Newname: 'SIP/1001-00000003<MASQ>' }) +
  aboutChannel('Hangup', 'SIP/1001-00000003<MASQ>', '10.3', { ChannelState: '6', Cause: '16' });
const TOLD: ChannelChange[] = [
  { type: 'state', id: '10.3', name: 'SIP/1001-00000003', state: 0 },
  { type: 'state', id: '10.3', name: 'SIP/1001-00000003', state: 6 },
  { type: 'held', id: '10.3', name: 'SIP/1001-00000003', held: true },
  { type: 'held', id: '10.3', name: 'SIP/1001-00000003', held: false },
  { type: 'renamed', id: '10.3', name: 'SIP/1001-00000003<MASQ>' },
  { type: 'gone', id: '10.3' },
];

test('without channels nothing of them is asked, listed or told', async () => {
  const { server, seen } = await up({ replies: rows(ROWS) });
  server.peer.say(CALL);
  seen.asterisk.relist();
  await until('relisted', () => seen.relisted.length >= 1);
  assert.ok(!server.actions.some((action) => action['action'] === 'CoreShowChannels'));
  assert.deepEqual([seen.ups[0]?.channels, seen.relisted[0]?.channels], [[], []]);
  assert.deepEqual(seen.calls, ['up', 'relisted']);
});

test('with channels they are part of the first reading and of each relist, and their events are told', async () => {
  const { server, seen } = await up({ replies: rows(ROWS) }, ON);
  assert.deepEqual(seen.ups[0]?.channels, LISTED);
  assert.equal(seen.ups[0]?.hints.length, 3);
  server.peer.say(CALL);
  await until('told', () => seen.channels.length === TOLD.length);
  assert.deepEqual(seen.channels, TOLD);
  server.script = { replies: rows(ROWS.slice(1)) };
  seen.asterisk.relist();
  await until('relisted', () => seen.relisted.length >= 1);
  assert.deepEqual(seen.relisted[0]?.channels, LISTED.slice(1));
});

test('the Hold of Asterisk up to 11, which has a Status and no Unhold, is understood', () => {
  const hold = (more: Message): ChannelChange | undefined =>
    channelChange({ event: 'Hold', channel: 'SIP/1001-00000001', uniqueid: '1.1', ...more });
  const held = { type: 'held', id: '1.1', name: 'SIP/1001-00000001' };
  assert.deepEqual(hold({ status: 'On' }), { ...held, held: true });
  assert.deepEqual(hold({ status: 'Off' }), { ...held, held: false });
  assert.equal(hold({ status: 'perhaps' }), undefined);
});

test('of rows and events the later one counts: what hung up is gone, what was renamed has its new name', async () => {
  const { seen } = await up(
    {
      replies: {
        extensionstatelist: (action) =>
          // Before the rows, which know better by then.
          channelEvent('Newstate', 'PJSIP/1002-00000002', 0, '10.2') +
          aboutChannel('Hangup', 'PJSIP/1007-00000007', '10.7') +
          list(action, 'ExtensionStateList', []),
        coreshowchannels: (action) =>
          list(action, 'CoreShowChannels', [...ROWS, row('PJSIP/1003-00000004', 6, '10.4')]) +
          channelEvent('Newchannel', 'PJSIP/1005-00000005', 4, '10.5') +
          channelEvent('Newchannel', 'PJSIP/1006-00000006', 0, '10.6') +
          aboutChannel('Hangup', 'PJSIP/1001-00000001', '10.1') +
          aboutChannel('Hangup', 'PJSIP/1006-00000006', '10.6') +
          aboutChannel('Rename', 'PJSIP/1003-00000004', '10.4', { Newname: 'PJSIP/1008-00000004' }) +
          aboutChannel('Rename', 'PJSIP/1009-00000009', '10.9', { Newname: 'PJSIP/1008-00000009' }),
      },
    },
    ON,
  );
  assert.deepEqual(seen.ups[0]?.channels, [
    { id: '10.2', name: 'PJSIP/1002-00000002', state: 5 },
    { id: '10.4', name: 'PJSIP/1008-00000004', state: 6 },
    { id: '10.5', name: 'PJSIP/1005-00000005', state: 4 },
  ]);
  assert.deepEqual(seen.calls, ['up']);
});

test('events during a relist are told at once and count in its listing', async () => {
  const { server, seen } = await up({ replies: rows(ROWS) }, ON);
  server.script = {
    replies: {
      coreshowchannels: (action) =>
        list(action, 'CoreShowChannels', ROWS) + channelEvent('Newstate', 'PJSIP/1002-00000002', 6, '10.2'),
    },
  };
  seen.asterisk.relist();
  await until('relisted', () => seen.relisted.length >= 1);
  assert.deepEqual(seen.calls, ['up', 'channelChanged', 'relisted']);
  assert.equal(seen.relisted[0]?.channels[1]?.state, 6);
});

test('a masquerade of Asterisk up to 11 while the lists are read: the states go with the names', () => {
  const merge = new Merge();
  merge.channel({ type: 'state', id: 'rings', name: 'SIP/1002-2', state: 5 });
  merge.channel({ type: 'state', id: 'picks', name: 'SIP/1003-3', state: 6 });
  merge.channel({ type: 'renamed', id: 'picks', name: 'SIP/1003-3<MASQ>' });
  merge.channel({ type: 'renamed', id: 'rings', name: 'SIP/1003-3' });
  merge.channel({ type: 'renamed', id: 'picks', name: 'SIP/1002-2<ZOMBIE>' });
  assert.deepEqual(merge.listing().channels, [
    { id: 'rings', name: 'SIP/1003-3', state: 6 },
    { id: 'picks', name: 'SIP/1002-2<ZOMBIE>', state: 5 },
  ]);
  merge.channel({ type: 'gone', id: 'picks' });
  assert.deepEqual(merge.listing().channels, [{ id: 'rings', name: 'SIP/1003-3', state: 6 }]);
});

test('a hold that came while everything was read for the first time is told right after up', async () => {
  const held = (channel: string, id: string) => aboutChannel('Hold', channel, id, { ChannelState: '6' });
  const { seen } = await up(
    {
      replies: {
        // The list tells nothing of hold, so the event must not be lost, whether it comes before the row or after.
        coreshowchannels: (action) =>
          held('PJSIP/1001-00000001', '10.1') +
          list(action, 'CoreShowChannels', [...ROWS, row('PJSIP/1003-00000004', 6, '10.4')]) +
          held('PJSIP/1002-00000002', '10.2') +
          aboutChannel('Unhold', 'PJSIP/1002-00000002', '10.2') +
          held('PJSIP/1003-00000004', '10.4') +
          aboutChannel('Hangup', 'PJSIP/1003-00000004', '10.4') +
          held('PJSIP/1009-00000009', '10.9'),
      },
    },
    ON,
  );
  assert.deepEqual(seen.calls, ['up', 'channelChanged']);
  assert.deepEqual(seen.channels, [{ type: 'held', id: '10.1', name: 'PJSIP/1001-00000001', held: true }]);
});

test('names past the bound make a reading no longer whole, of channels as of held ones', () => {
  for (const type of ['state', 'held'] as const) {
    const merge = new Merge();
    for (let i = 0; i < MAX_LISTED; i++) {
      merge.channel({ type, id: String(i), name: `PJSIP/${i}-1`, state: 6, held: true });
    }
    assert.equal(merge.isWhole, true);
    merge.channel({ type, id: '0', name: 'PJSIP/0-1', state: 5, held: true });
    assert.equal(merge.isWhole, true);
    merge.channel({ type, id: 'more', name: 'PJSIP/more-1', state: 6, held: true });
    assert.equal(merge.isWhole, false);
  }
});

test('a user who may not list channels is told the line to write, and only when they are wanted', async () => {
  const replies = {
    coreshowchannels: (action: Readonly<Record<string, string>>) =>
      `Response: Error\nActionID: ${action['actionid']}\nMessage: Permission denied\n\n`,
  };
  await up({ replies });
  const { seen } = await begin({ replies }, ON);
  await until('failed', () => seen.failed.length >= 1);
  assert.equal(seen.failed[0]?.reason, 'missing-privilege');
  assert.match(
    seen.failed[0]?.text ?? '',
    /CoreShowChannels; write write=call,reporting in section \[hintmesh\] of manager.conf/,
  );
});

test('an Asterisk that does not know an action of its core is quoted, not told to load a module', async () => {
  const { seen } = await begin(
    {
      replies: {
        coreshowchannels: (action) =>
          `Response: Error\nActionID: ${action['actionid']}\nMessage: Invalid/unknown command: x\n\n`,
      },
    },
    ON,
  );
  await until('failed', () => seen.failed.length >= 1);
  assert.equal(seen.failed[0]?.reason, 'list-failed');
  assert.match(seen.failed[0]?.text ?? '', /CoreShowChannels could not be read: Invalid\/unknown command/);
});

const EVENTS = ['Newchannel', 'Newstate', 'Rename', 'Hold', 'Unhold', 'Hangup'] as const;
const good: Message = {
  channel: 'PJSIP/1001-00000001',
  newname: 'PJSIP/1002-00000001',
  channelstate: '6',
  uniqueid: 'msk-1795258362.15',
};

test('a packet with a header missing, empty, too long or with control characters is no news of a channel', () => {
  const bad = ['', 'a\u0000b', 'a\u007f', 'a\tb', 'x'.repeat(256)];
  for (const name of EVENTS) {
    const needed = ['uniqueid', name === 'Rename' ? 'newname' : 'channel'];
    if (name.startsWith('New')) needed.push('channelstate');
    assert.ok(channelChange({ event: name, ...good }), name);
    for (const header of needed) {
      const { [header]: _gone, ...rest } = good;
      assert.equal(channelChange({ event: name, ...rest }), undefined, `${name} without ${header}`);
      for (const value of bad) {
        assert.equal(
          channelChange({ event: name, ...good, [header]: value }),
          undefined,
          `${header}=${value}`,
        );
      }
    }
  }
  assert.equal(channelChange({ event: 'HangupRequest', ...good }), undefined);
  for (const state of ['-1', '6.5', '1e1', ' 6', '100', '0x6', 'Up', '٦']) {
    assert.equal(channelStatus({ ...good, channelstate: state }), undefined, state);
  }
  assert.equal(channelStatus({ ...good, uniqueid: 'x'.repeat(152) }), undefined);
  assert.equal(channelStatus({ ...good, uniqueid: 'x'.repeat(151) })?.id.length, 151);
});

test('whatever a packet holds, what is believed of it has a printable id, and a name and state of the right shape', () => {
  const text = fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('6', '5', '10.1', 'PJSIP/1-1', 'On'));
  const message = fc.record(
    {
      event: fc.constantFrom(...EVENTS, '__proto__'),
      ...{ uniqueid: text, channel: text, newname: text, channelstate: text, status: text },
    },
    { requiredKeys: ['event'] },
  );
  fc.assert(
    fc.property(message, (packet) => {
      const change = channelChange(packet as Message);
      if (change === undefined) return;
      const printable = /^[^\u0000-\u001f\u007f]{1,255}$/;
      assert.match(change.id, printable);
      if (change.type !== 'gone') assert.match(change.name, printable);
      if (change.type === 'state') assert.ok(Number.isInteger(change.state) && change.state < 100);
    }),
    { numRuns: 2_000 },
  );
});

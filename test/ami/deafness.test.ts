// An eventfilter, or read= without call, keeps events away and nothing tells: the lists give it away.
import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { ChannelWatch } from '../../src/ami/channel-watch.ts';
import type { AmiOptions } from '../../src/ami/contract.ts';
import type { ChannelStatus } from '../../src/core/source.ts';
import { until } from '../until.ts';
import { begin, closeAll, type Recorder } from './recorder.ts';
import {
  aboutChannel,
  channelEvent,
  deviceEvent,
  list,
  mailboxRow,
  presenceEvent,
  type ScriptedAsterisk,
} from './scripted.ts';

afterEach(closeAll);

const QUICK = { channels: true, pingEveryMs: 5, relistEveryMs: 20 };
const row = (state: number, id = '10.1') =>
  channelEvent('CoreShowChannel', `PJSIP/${id}-00000001`, state, id);

interface Scene {
  server: ScriptedAsterisk;
  seen: Recorder;
  /** What CoreShowChannels lists from now on. */
  show: (...rows: string[]) => void;
}

async function scene(rows: string[] = []): Promise<Scene> {
  let shown = rows;
  const { server, seen } = await begin(
    { replies: { coreshowchannels: (action) => list(action, 'CoreShowChannels', shown) } },
    QUICK,
  );
  await until('several quiet relists', () => seen.relisted.length >= 3);
  assert.equal(seen.downs.length, 0);
  return {
    server,
    seen,
    show: (...next) => {
      shown = next;
    },
  };
}

async function foundDeaf(seen: Recorder): Promise<void> {
  await until('down', () => seen.downs.length >= 1);
  assert.equal(seen.downs[0]?.reason, 'missing-channel-events');
  assert.match(seen.downs[0]?.text ?? '', /section \[hintmesh\] of manager.conf let eventfilter pass/);
  assert.match(seen.downs[0]?.text ?? '', /\(Newchannel\|Newstate\|Rename\|Hold\|Unhold\|Hangup\)/);
  assert.match(seen.downs[0]?.text ?? '', /read=call,system/);
}

async function moreRelists(seen: Recorder): Promise<void> {
  const { length } = seen.relisted;
  await until('more relists', () => seen.relisted.length > length + 4);
}

test('a channel that appears, changes or goes without an event gives an eventfilter away', async () => {
  for (const [before, after] of [
    [[], [row(6)]],
    [[row(4)], [row(6)]],
    [[row(6)], []],
    [[row(6)], [row(6, '10.2')]],
  ] as [string[], string[]][]) {
    const { seen, show } = await scene(before);
    show(...after);
    await foundDeaf(seen);
    await seen.asterisk.close();
  }
});

test('it is found out also when hints and devices are heard, for those pass the shipped eventfilter', async () => {
  const { server, seen, show } = await scene();
  server.peer.say(deviceEvent('PJSIP/9', 'INUSE'));
  await until('heard', () => seen.devices.length === 1);
  show(row(6));
  await foundDeaf(seen);
});

test('a filter that lets calls begin but holds Hangup back is found out when a channel goes', async () => {
  const { server, seen, show } = await scene();
  server.peer.say(channelEvent('Newchannel', 'PJSIP/10.1-00000001', 4, '10.1'));
  await until('heard', () => seen.channels.length === 1);
  show(row(6));
  await moreRelists(seen);
  assert.equal(seen.downs.length, 0, 'such an event was heard');
  show();
  await foundDeaf(seen);
});

test('with the events heard no change of the list is a sign', async () => {
  const { server, seen, show } = await scene();
  server.peer.say(
    channelEvent('Newstate', 'PJSIP/10.9-00000001', 6, '10.9') + aboutChannel('Hangup', 'x', '10.9'),
  );
  await until('heard', () => seen.channels.length === 2);
  for (const rows of [[row(4)], [row(6)], [row(6, '10.2')], []]) {
    show(...rows);
    await moreRelists(seen);
  }
  assert.equal(seen.downs.length, 0);
});

test('an event that was only late ends the suspicion', () => {
  const watch = new ChannelWatch();
  const channel: ChannelStatus = { id: '1', name: 'PJSIP/1-1', state: 4 };
  assert.equal(watch.listed([]), false);
  assert.equal(watch.listed([channel]), true);
  assert.equal(watch.isDeaf, true);
  watch.heard({ type: 'gone', id: '7' });
  assert.equal(watch.isDeaf, true, 'that was another kind');
  watch.heard({ type: 'state', ...channel });
  assert.equal(watch.isDeaf, false);
  assert.equal(watch.listed([]), false);
  assert.equal(watch.listed([channel]), false);
});

test('without channels their absence is nothing', async () => {
  const { server, seen } = await begin({}, { pingEveryMs: 5, relistEveryMs: 20 });
  await until('several quiet relists', () => seen.relisted.length >= 3);
  server.script = { replies: { coreshowchannels: (action) => list(action, 'CoreShowChannels', [row(6)]) } };
  await moreRelists(seen);
  assert.equal(seen.downs.length, 0);
});

test('a phone that does something has the channels read at once, not only after the next interval', async () => {
  let shown: string[] = [];
  const { server, seen } = await begin(
    { replies: { coreshowchannels: (action) => list(action, 'CoreShowChannels', shown) } },
    { channels: true, pingEveryMs: 5, relistEveryMs: 60_000 },
  );
  await until('up', () => seen.ups.length >= 1);
  shown = [row(6)];
  server.peer.say(deviceEvent('Custom:lamp*spb', 'INUSE'));
  await until('heard', () => seen.devices.length === 1);
  assert.equal(seen.relisted.length, 0, 'a Custom device has no channels');
  server.peer.say(deviceEvent('PJSIP/9', 'INUSE'));
  await foundDeaf(seen);
});

test('that events are missing is known until one is heard, over all sessions in between', async () => {
  const { server, seen, show } = await scene();
  assert.equal(seen.asterisk.status().deaf, undefined);
  show(row(6));
  await foundDeaf(seen);
  assert.match(seen.asterisk.status().deaf ?? '', /eventfilter/);
  await until('up again', () => seen.ups.length >= 2);
  server.peer.say(deviceEvent('PJSIP/9', 'INUSE'));
  await until('heard', () => seen.devices.length === 1);
  assert.match(seen.asterisk.status().deaf ?? '', /eventfilter/, 'that event was not missing');
  server.peer.say(channelEvent('Newstate', 'PJSIP/9-00000001', 6, '9.1'));
  await until('heard', () => seen.channels.length === 1);
  assert.match(seen.asterisk.status().deaf ?? '', /eventfilter/, 'Hangup may still be held back');
  server.peer.say(aboutChannel('Hangup', 'PJSIP/9-00000001', '9.1'));
  await until('heard', () => seen.channels.length === 2);
  assert.equal(seen.asterisk.status().deaf, undefined);
});

const QUIET = { pingEveryMs: 5, relistEveryMs: 20 };
const someone = (word: string, who = 'CustomPresence:1001') => presenceEvent(who, word);

async function presenceScene(options: Partial<AmiOptions>) {
  let shown = [someone('away')];
  const { server, seen } = await begin(
    { replies: { presencestatelist: (action) => list(action, 'PresenceStateList', shown) } },
    { ...QUIET, ...options },
  );
  await until('several quiet relists', () => seen.relisted.length >= 3);
  assert.deepEqual(seen.downs, []);
  const show = (...next: string[]): void => {
    shown = next;
  };
  return { server, seen, show };
}

for (const [what, next] of [
  ['changes', [someone('dnd')]],
  ['appears', [someone('away'), someone('chat', 'CustomPresence:1002')]],
] as const) {
  test(`presence that ${what} without an event gives an eventfilter away, until one is heard`, async () => {
    const { server, seen, show } = await presenceScene({ presences: true });
    server.peer.say(deviceEvent('PJSIP/9', 'INUSE'));
    await until('heard', () => seen.devices.length === 1);
    show(...next);
    await until('down', () => seen.downs.length >= 1);
    assert.equal(seen.downs[0]?.reason, 'missing-presence-events');
    assert.match(
      seen.downs[0]?.text ?? '',
      /section \[hintmesh\] of manager.conf let eventfilter pass \^Event: PresenceStateChange too/,
    );
    await until('up again', () => seen.ups.length >= 2);
    server.peer.say(deviceEvent('PJSIP/9', 'NOT_INUSE'));
    await until('heard', () => seen.devices.length === 2);
    assert.match(seen.asterisk.status().deaf ?? '', /PresenceStateChange/, 'that event was not missing');
    server.peer.say(someone('xa'));
    await until('heard', () => seen.presences.length === 1);
    assert.equal(seen.asterisk.status().deaf, undefined);
    const before = seen.downs.length;
    show(someone('not_set'));
    await moreRelists(seen);
    assert.equal(seen.downs.length, before);
  });
}

test('where no state is taken from presence its events are not missed, nor those of mailboxes anywhere', async () => {
  const { seen, show } = await presenceScene({});
  show(someone('dnd'));
  await moreRelists(seen);
  assert.deepEqual(seen.downs, []);
  // A program beside Asterisk deletes messages, and nothing tells.
  let unread = 1;
  const boxes = await begin(
    {
      replies: {
        voicemailuserslist: (action) =>
          list(action, 'VoicemailUserEntry', [mailboxRow('default', '1001', unread)]),
      },
    },
    { ...QUIET, mailboxes: true },
  );
  await until('several quiet relists', () => boxes.seen.relisted.length >= 3);
  unread = 0;
  await moreRelists(boxes.seen);
  assert.deepEqual(boxes.seen.downs, []);
  assert.deepEqual(boxes.seen.relisted.at(-1)?.mailboxes, [{ mailbox: '1001@default', newMessages: 0 }]);
});

import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { ASK_WINDOW, MAX_ROWS } from '../../src/ami/limits.ts';
import { Merge } from '../../src/ami/merge.ts';
import { until } from '../until.ts';
import { begin, closeAll, up } from './recorder.ts';
import { type Action, DEVICES, deviceEvent, HINTS, hintEvent, list, type Peer } from './scripted.ts';

afterEach(closeAll);

const asked = (action: Action, status: number, hint = '') =>
  `Response: Success\nActionID: ${action['actionid']}\nMessage: Extension Status\nExten: ${action['exten']}\nContext: ${action['context']}\nHint: ${hint}\nStatus: ${status}\nStatusText: x\n\n`;

const keys = (n: number) =>
  Array.from({ length: n }, (_, i) => ({ context: 'ext-local', extension: String(2000 + i) }));

test('of a row and an event about the same name the later one counts, whatever its kind', async () => {
  const { seen } = await up({
    replies: {
      extensionstatelist: (action) =>
        // Before the list, after it (with and without the hint told), and about a hint that is new.
        hintEvent('1001', 8) +
        list(action, 'ExtensionStateList', HINTS) +
        hintEvent('1002', 2, '') +
        hintEvent('1009', 1, ''),
      devicestatelist: (action) =>
        deviceEvent('PJSIP/1001', 'RINGING') +
        list(action, 'DeviceStateList', DEVICES) +
        deviceEvent('Custom:1001*spb', 'BUSY') +
        deviceEvent('PJSIP/new', 'INUSE') +
        hintEvent('1001*spb', 2, 'Custom:1001*spb'),
    },
  });
  assert.deepEqual(
    seen.ups[0]?.hints.map(({ extension, hint, status }) => [extension, hint, status]),
    [
      ['1001', 'PJSIP/1001', 0],
      ['1002', 'PJSIP/1002', 2],
      ['1001*spb', 'Custom:1001*spb', 2],
      ['1009', '', 1],
    ],
  );
  assert.deepEqual(
    seen.ups[0]?.devices.map(({ device, state }) => [device, state]),
    [
      ['PJSIP/1001', 'NOT_INUSE'],
      ['Custom:1001*spb', 'BUSY'],
      ['PJSIP/new', 'INUSE'],
    ],
  );
  assert.deepEqual(seen.calls, ['up']);
});

test('a removed hint (Status -2 from 22.11 on) is in the listing as removed when its event was later', async () => {
  const { seen } = await up({
    replies: {
      devicestatelist: (action) => hintEvent('1001', -2, '') + list(action, 'DeviceStateList', DEVICES),
    },
  });
  assert.equal(seen.ups[0]?.hints.find(({ extension }) => extension === '1001')?.status, -2);
});

test('rows are unique: the last row of a name counts', () => {
  const merge = new Merge();
  merge.hint({ context: 'a', extension: '1', hint: 'PJSIP/1', status: 0 });
  merge.hint({ context: 'b', extension: '1', hint: 'PJSIP/1', status: 1 });
  merge.hint({ context: 'a', extension: '1', hint: 'PJSIP/2', status: 2 });
  assert.deepEqual(merge.listing().hints, [
    { context: 'a', extension: '1', hint: 'PJSIP/2', status: 2 },
    { context: 'b', extension: '1', hint: 'PJSIP/1', status: 1 },
  ]);
});

test('no hints at all, as 22.11 says it, is an empty list', async () => {
  const { seen } = await up({
    replies: {
      extensionstatelist: (action) =>
        `Response: Error\nActionID: ${action['actionid']}\nMessage: No dialplan hints are available\n\n`,
    },
  });
  assert.deepEqual(seen.ups[0]?.hints, []);
  assert.equal(seen.ups[0]?.devices.length, 2);
});

test('what toAsk names is asked, answers of -1 included, and toAsk is given every listed hint', async () => {
  const { server, seen } = await begin({
    replies: {
      extensionstate: (action) =>
        action['exten'] === '2001' ? asked(action, -1) : asked(action, 1, `PJSIP/${action['exten']}`),
    },
  });
  let listed: number | undefined;
  seen.toAsk = (hints) => {
    listed = hints.length;
    return keys(3);
  };
  await until('up', () => seen.ups.length >= 1);
  assert.equal(listed, HINTS.length);
  assert.deepEqual(
    seen.ups[0]?.hints.slice(HINTS.length).map(({ extension, hint, status }) => [extension, hint, status]),
    [
      ['2000', 'PJSIP/2000', 1],
      ['2001', '', -1],
      ['2002', 'PJSIP/2002', 1],
    ],
  );
  assert.equal(server.actions.filter((action) => action['action'] === 'ExtensionState').length, 3);
});

test('at most ASK_WINDOW questions are in flight, and each answer lets the next one go', async () => {
  const waiting: { action: Action; peer: Peer }[] = [];
  let most = 0;
  const { seen } = await begin({
    replies: {
      extensionstate: (action, peer) => {
        waiting.push({ action, peer });
        most = Math.max(most, waiting.length);
        // Answer the newest one, late, so that the window fills.
        setTimeout(() => {
          const next = waiting.pop();
          next?.peer.say(asked(next.action, 0));
        }, 3);
        return undefined;
      },
    },
  });
  seen.toAsk = () => keys(500);
  await until('up', () => seen.ups.length >= 1);
  assert.equal(most, ASK_WINDOW);
  assert.equal(seen.ups[0]?.hints.length, HINTS.length + 500);
});

test('a question without an answer, or refused, fails the listing', async () => {
  for (const reply of [
    () => undefined,
    (action: Action) =>
      `Response: Error\nActionID: ${action['actionid']}\nMessage: Extension not specified\n\n`,
    (action: Action) => `Response: Success\nActionID: ${action['actionid']}\nMessage: what?\n\n`,
  ]) {
    const { seen } = await begin({ replies: { extensionstate: reply } }, {}, { answer: 40 });
    seen.toAsk = () => keys(100);
    await until('failed', () => seen.failed.length >= 1);
    assert.equal(seen.failed[0]?.reason, 'list-failed');
    await seen.asterisk.close();
  }
});

test('more questions than MAX_ROWS are not even begun', async () => {
  const { server, seen } = await begin();
  seen.toAsk = () => keys(MAX_ROWS + 1);
  await until('failed', () => seen.failed.length >= 1);
  assert.match(
    seen.failed[0]?.text ?? '',
    new RegExp(`${MAX_ROWS + 1} extensions are to be asked for, more than ${MAX_ROWS}`),
  );
  assert.ok(!server.actions.some((action) => action['action'] === 'ExtensionState'));
});

test('hints cut by Asterisk are not told rather than told wrongly', async () => {
  const long = (n: number) => `Custom:1*spb&${'x'.repeat(n - 13)}`;
  const { server, seen } = await begin({
    replies: { extensionstate: (action) => asked(action, 0, long(action['exten'] === '2000' ? 254 : 253)) },
  });
  seen.toAsk = () => keys(2);
  await until('up', () => seen.ups.length >= 1);
  assert.deepEqual(
    seen.ups[0]?.hints.slice(-2).map(({ hint }) => hint.length),
    [0, 253],
  );
  server.peer.say(hintEvent('1', 1, long(511)) + hintEvent('2', 1, long(510)));
  await until('both', () => seen.hints.length === 2);
  assert.deepEqual(
    seen.hints.map(({ hint }) => hint.length),
    [0, 510],
  );
});

test('an event that follows the answer for its extension in the same breath is the later one', async () => {
  const { server, seen } = await up();
  server.script = {
    replies: {
      extensionstate: (action) => asked(action, 0, 'PJSIP/2000') + hintEvent('2000', 1, 'PJSIP/2000'),
    },
  };
  seen.toAsk = () => keys(1);
  seen.asterisk.relist();
  await until('relisted', () => seen.relisted.length >= 1);
  assert.equal(seen.relisted[0]?.hints.find(({ extension }) => extension === '2000')?.status, 1);
});

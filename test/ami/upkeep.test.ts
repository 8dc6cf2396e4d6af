import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { until } from '../until.ts';
import { AT_ONCE, begin, closeAll, PINGING, pingedOn, up } from './recorder.ts';
import { type Action, answers, BOOTED, deviceEvent, HINTS, hintEvent, list } from './scripted.ts';

afterEach(closeAll);

const RELOAD = 'Event: Reload\nPrivilege: system,all\nModule: pbx_config.so\nStatus: 0\n\n';
const PATTERN = [{ context: 'ext-local', extension: '2001' }];
const listsOf = (actions: readonly Action[]) =>
  actions.filter((action) => action['action'] === 'ExtensionStateList').length;

test('pings at its interval, and each answer is told', async () => {
  const { server, seen } = await up({}, { pingEveryMs: 5 });
  await until('several answers', () => seen.answered >= 4);
  const pings = server.actions.filter((action) => action['action'] === 'Ping').length;
  assert.ok(pings - seen.answered <= 2, `${pings} pings, ${seen.answered} answers`);
});

test('one Ping at a time, however slow the answer', async () => {
  const { server, seen } = await up(
    { replies: { ping: () => undefined } },
    { pingEveryMs: 5 },
    { ping: 100 },
  );
  const pings = () => server.peers[0]?.actions.filter((action) => action['action'] === 'Ping').length;
  await until('down', () => seen.downs.length >= 1);
  // One asks whether a login was booted only when no FullyBooted came; here it did.
  assert.equal(pings(), 1);
});

test('a Ping refused because Asterisk shuts down ends the session', async () => {
  const { seen } = await up({
    replies: {
      ping: (action) =>
        `Response: Error\nActionID: ${action['actionid']}\nMessage: Asterisk is shutting down\n\n`,
    },
  });
  await until('down', () => seen.downs.length >= 1);
  assert.deepEqual([seen.downs[0]?.reason, seen.answered], ['closed', 0]);
});

test('relist reads everything again, and many calls at once are one', async () => {
  const { server, seen } = await up();
  for (let i = 0; i < 50; i++) seen.asterisk.relist();
  await until('relisted', () => seen.relisted.length >= 1);
  await sleep(60);
  assert.equal(listsOf(server.actions), 2);
  assert.deepEqual(seen.relisted[0], seen.ups[0]);
});

test('steady calls of relist do not put it off', async () => {
  const { seen } = await up({}, {}, { relistDebounce: 30 });
  const timer = setInterval(() => seen.asterisk.relist(), 5);
  await until('relisted twice', () => seen.relisted.length >= 2).finally(() => clearInterval(timer));
});

test('everything is read again at its interval', async () => {
  const { seen } = await up({}, { relistEveryMs: 20 });
  await until('relisted twice', () => seen.relisted.length >= 2);
});

test('Reload, FullyBooted again, and a new hint that does not tell its devices call for a relist', async () => {
  for (const text of [RELOAD, BOOTED, hintEvent('1077', 0, '')]) {
    const { server, seen } = await up();
    server.peer.say(text);
    await until('relisted', () => seen.relisted.length >= 1);
    assert.equal(seen.downs.length, 0);
  }
});

test('a Reload while everything is being read is made good afterwards', async () => {
  let readings = 0;
  const { seen } = await up({
    replies: {
      devicestatelist: (action) => {
        readings += 1;
        return RELOAD.repeat(readings <= 2 ? 1 : 0) + list(action, 'DeviceStateList', []);
      },
    },
  });
  await until('twice: after the first reading and after the second', () => seen.relisted.length >= 2);
  await sleep(60);
  assert.equal(seen.relisted.length, 2);
});

test('events during a relist are told at once, and the listing has the later of event and row', async () => {
  const { server, seen } = await up();
  server.script = {
    replies: {
      extensionstatelist: (action) =>
        hintEvent('1001', 8) + list(action, 'ExtensionStateList', HINTS) + hintEvent('1002', 8),
    },
  };
  seen.asterisk.relist();
  await until('relisted', () => seen.relisted.length >= 1);
  assert.deepEqual(seen.calls, ['up', 'hintChanged', 'hintChanged', 'relisted']);
  assert.deepEqual(
    seen.relisted[0]?.hints.map(({ extension, status }) => [extension, status]),
    [
      ['1001', 0],
      ['1002', 8],
      ['1001*spb', 4],
    ],
  );
});

test('a relist that fails ends the session', async () => {
  const { server, seen } = await up();
  server.script = {
    replies: {
      extensionstatelist: (action) => {
        server.script = {};
        return `Response: Error\nActionID: ${action['actionid']}\nMessage: no memory\n\n`;
      },
    },
  };
  seen.asterisk.relist();
  await until('up again', () => seen.ups.length >= 2);
  assert.deepEqual(seen.calls, ['up', 'down', 'up']);
  assert.equal(seen.downs[0]?.reason, 'list-failed');
});

test('a dialplan reload, which only repeats what hints are, calls for two relists, and one soon after for another', async () => {
  const { server, seen } = await up();
  server.peer.say(HINTS.join(''));
  await until('relisted', () => seen.relisted.length >= 1);
  server.peer.say(HINTS.join(''));
  await until('put off, not dropped, and again', () => seen.relisted.length >= 3);
  await sleep(100);
  assert.equal(seen.relisted.length, 3);
});

test('a hint that a dialplan reload takes away after it was listed once more is found to be gone', async () => {
  let readings = 0;
  const { server, seen } = await up({
    replies: {
      extensionstatelist: (action) =>
        list(action, 'ExtensionStateList', ++readings <= 2 ? HINTS : HINTS.slice(1)),
    },
  });
  server.peer.say(HINTS.join(''));
  await until('read without it', () => seen.relisted.at(-1)?.hints.length === HINTS.length - 1);
});

test('hints that change call for nothing', async () => {
  const { server, seen } = await up({}, PINGING, AT_ONCE);
  for (let i = 0; i < 40; i++) server.peer.say(hintEvent('1001', (i + 1) % 2) + hintEvent('1002', i % 2));
  await until('all told', () => seen.hints.length === 80);
  await pingedOn(seen);
  assert.equal(listsOf(server.actions), 1);
});

test('hints with several devices, which repeat that they ring from 22.11 on, call for nothing; a repeated INUSE does', async () => {
  const group = (status: number) => hintEvent('1003', status, 'PJSIP/1003&PJSIP/1004');
  const { server, seen } = await up(
    { replies: { extensionstatelist: (action) => list(action, 'ExtensionStateList', [...HINTS, group(0)]) } },
    PINGING,
    AT_ONCE,
  );
  server.peer.say(group(8) + group(8) + group(9) + group(9) + group(8) + group(0));
  await until('all told', () => seen.hints.length === 6);
  await pingedOn(seen);
  assert.equal(listsOf(server.actions), 1);
  server.peer.say(group(1) + group(1));
  await until('relisted', () => seen.relisted.length >= 1);
});

test('a hint that a reload takes away says so from 22.11 on: it is told, and calls for nothing', async () => {
  const { server, seen } = await up({}, PINGING, AT_ONCE);
  server.peer.say(hintEvent('1001', -2, ''));
  await until('told', () => seen.hints.length === 1);
  assert.equal(seen.hints[0]?.status, -2);
  await pingedOn(seen);
  assert.equal(listsOf(server.actions), 1);
});

test('a reload from 22.11 on, which repeats nothing, leaves hints that were asked for; they are asked for again', async () => {
  const { server, seen } = await begin(
    {
      replies: {
        extensionstate: (action) =>
          `Response: Success\nActionID: ${action['actionid']}\nHint: PJSIP/2001\nStatus: 0\n\n`,
      },
    },
    PINGING,
    AT_ONCE,
  );
  seen.toAsk = (listed) => (listed.some(({ extension }) => extension === '2001') ? [] : PATTERN);
  await until('up', () => seen.ups.length >= 1);
  server.peer.say(RELOAD);
  await until('relisted', () => seen.relisted.length >= 1);
  assert.deepEqual(seen.relisted[0], seen.ups[0]);
  server.peer.say(hintEvent('2001', 8));
  await until('told', () => seen.hints.length === 1);
  await pingedOn(seen);
  assert.equal(listsOf(server.actions), 2);
});

test('on an Asterisk without devices, hints that change without an event give the manager user away', async () => {
  const asked = { status: 0, hint: 'SIP/2001' };
  const { seen } = await begin(
    {
      replies: {
        listcommands: answers('Setvar: x\n'),
        extensionstate: (action) =>
          `Response: Success\nActionID: ${action['actionid']}\nHint: ${asked.hint}\nStatus: ${asked.status}\n\n`,
      },
    },
    { pingEveryMs: 5, relistEveryMs: 20 },
  );
  seen.toAsk = () => PATTERN;
  const moreRelists = async () => {
    const { length } = seen.relisted;
    await until('more relists', () => seen.relisted.length > length + 3);
    assert.deepEqual(seen.downs, []);
  };
  await moreRelists();
  // It is another hint now, or none, or one again: no event need tell of that.
  for (const next of [
    { status: 1, hint: 'SIP/3001' },
    { status: -1, hint: '' },
    { status: 4, hint: 'SIP/3001' },
  ]) {
    Object.assign(asked, next);
    await moreRelists();
  }
  asked.status = 1;
  await until('down', () => seen.downs.length >= 1);
  assert.equal(seen.downs[0]?.reason, 'missing-events');
});

test('a manager user without read=call is found out when devices change and no event tells', async () => {
  let state = 'NOT_INUSE';
  const { server, seen } = await begin(
    {
      replies: {
        devicestatelist: (action) => list(action, 'DeviceStateList', [deviceEvent('PJSIP/1', state)]),
      },
    },
    { pingEveryMs: 5, relistEveryMs: 20 },
  );
  await until('several quiet relists', () => seen.relisted.length >= 3);
  assert.equal(seen.downs.length, 0);
  state = 'INUSE';
  await until('down', () => seen.downs.length >= 1);
  const [why] = seen.downs;
  assert.equal(why?.reason, 'missing-events');
  assert.match(why?.text ?? '', /read=call,system/);
  // With one event ever heard, of either kind, the same is no reason.
  for (const text of [deviceEvent('PJSIP/9', 'INUSE'), hintEvent('1001', 8)]) {
    const { hints, devices, downs, relisted } = seen;
    const { peer } = server;
    peer.socket.destroy();
    const before = { told: hints.length + devices.length, downs: 0 };
    // The first Ping is that of a session that is up; one may have come up over the old connection just now.
    const isUp = () => server.peer !== peer && server.peer.actions.some(({ action }) => action === 'Ping');
    await until('up again', isUp);
    server.peer.say(text);
    await until('heard', () => hints.length + devices.length > before.told);
    before.downs = downs.length;
    state = state === 'BUSY' ? 'INUSE' : 'BUSY';
    const { length } = relisted;
    await until('more relists', () => relisted.length > length + 3);
    assert.equal(downs.length, before.downs);
  }
});

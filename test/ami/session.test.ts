import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { until } from '../until.ts';
import { begin, closeAll, closeLater, record } from './recorder.ts';
import { BOOTED, HINTS, hintEvent, list, type Script, ScriptedAsterisk } from './scripted.ts';

afterEach(closeAll);

const error =
  (message: string) =>
  (action: Readonly<Record<string, string>>): string =>
    `Response: Error\nActionID: ${action['actionid']}\nMessage: ${message}\n\n`;

test('logs in with its event mask, waits for FullyBooted, checks, reads both lists, and is up', async () => {
  const { server, seen } = await begin();
  await until('up', () => seen.ups.length >= 1);
  assert.deepEqual(seen.calls, ['up']);
  assert.equal(seen.version, '22.10.1');
  assert.deepEqual(seen.ups[0], {
    hints: [
      { context: 'ext-local', extension: '1001', hint: 'PJSIP/1001', status: 0 },
      { context: 'ext-local', extension: '1002', hint: 'PJSIP/1002', status: 1 },
      { context: 'ext-local', extension: '1001*spb', hint: 'Custom:1001*spb', status: 4 },
    ],
    devices: [
      { device: 'PJSIP/1001', state: 'NOT_INUSE' },
      { device: 'Custom:1001*spb', state: 'UNAVAILABLE' },
    ],
    channels: [],
    presences: [],
    mailboxes: [],
  });
  const login = server.actions[0];
  assert.equal(login?.['username'], 'hintmesh');
  assert.equal(login?.['secret'], 's3cret');
  assert.equal(login?.['events'], 'call,system');
  assert.match(login?.['actionid'] ?? '', /^hintmesh-[0-9a-f]{8}-1$/);
  await until('the first ping is answered', () => seen.answered === 1);
});

test('a login that Asterisk refuses is told once, tried again, and succeeds when the secret is mended', async () => {
  let refusals = 0;
  const { server, seen } = await begin({
    replies: {
      login: (action, peer) => {
        refusals += 1;
        peer.socket.end(`${error('Authentication failed')(action).replaceAll('\n', '\r\n')}`);
        return undefined;
      },
    },
  });
  await until('several attempts', () => refusals >= 4);
  assert.equal(seen.failed.length, 1);
  assert.equal(seen.failed[0]?.reason, 'login-refused');
  assert.match(
    seen.failed[0]?.text ?? '',
    /"hintmesh" \("Authentication failed"\); check ami.username and the secret/,
  );
  assert.doesNotMatch(seen.failed[0]?.text ?? '', /s3cret/);
  server.script = {};
  await until('up', () => seen.ups.length >= 1);
  // A failure is new again once a session was up.
  await seen.asterisk.close();
  assert.deepEqual(seen.calls, ['failed', 'up', 'down']);
});

test('a login refused because the user is in use names allowmultiplelogin', async () => {
  const { seen } = await begin({ replies: { login: error('Login Already In Use') } });
  await until('failed', () => seen.failed.length >= 1);
  assert.match(seen.failed[0]?.text ?? '', /allowmultiplelogin=yes/);
});

test('redials are spread between half of and the whole back-off, which doubles to its cap and starts again after up', async () => {
  const begun = performance.now();
  const at: number[] = [];
  const { server, seen } = await begin(
    {
      greeting: '',
      replies: {},
    },
    {},
    { connect: 1, redialFirst: 40, redialMost: 160 },
  );
  await until('six attempts', () => {
    while (server.peers.length > at.length) at.push(performance.now() - begun);
    return at.length >= 6;
  });
  // Lower bounds from the beginning only: how late a timer, or we ourselves, are on a busy machine is not ours.
  let least = 0;
  for (const [i, gap] of [20, 40, 80, 80, 80].entries()) {
    least += gap;
    assert.ok((at[i + 1] ?? 0) >= least - 5, `attempt ${i + 2} of ${at.join(' ')}`);
  }
  assert.equal(seen.failed.length, 1);
});

test('an Asterisk that boots slowly is waited for, and nothing is listed before', async () => {
  const { server, seen } = await begin(
    {
      replies: {
        login: (action) => `Response: Success\nActionID: ${action['actionid']}\n\n`,
        corestatus: (action) => {
          const now = new Date(1795228002_000).toISOString();
          return `Response: Success\nActionID: ${action['actionid']}\nCoreStartupDate: ${now.slice(0, 10)}\nCoreStartupTime: ${now.slice(11, 19)}\n\n`;
        },
      },
    },
    {},
    { boot: 200 },
  );
  await until('the probe', () => server.actions.some((action) => action['action'] === 'CoreStatus'));
  server.peer.say(hintEvent('1001', 8));
  assert.ok(!server.actions.some((action) => action['action'] === 'ExtensionStateList'));
  server.peer.say(BOOTED);
  await until('up', () => seen.ups.length >= 1);
  // The wait for FullyBooted is over with it.
  await sleep(250);
  assert.deepEqual(seen.calls, ['up']);
  assert.equal(server.peers.length, 1);
});

test('an Asterisk that does not boot in time is given up as still-booting and tried again', async () => {
  const { server, seen } = await begin(
    {
      replies: {
        login: (action) => `Response: Success\nActionID: ${action['actionid']}\n\n`,
        corestatus: error('Permission denied'),
      },
    },
    {},
    { boot: 30 },
  );
  await until('a second attempt', () => server.peers.length >= 2);
  assert.deepEqual(
    seen.failed.map(({ reason }) => reason),
    ['still-booting'],
  );
  assert.match(seen.failed[0]?.text ?? '', /read=call,system in section \[hintmesh\] of manager.conf/);
});

test('an Asterisk that has been up for long and says no FullyBooted lacks read=system, and that is said at once', async () => {
  const { seen } = await begin(
    {
      replies: {
        login: (action) => `Response: Success\nActionID: ${action['actionid']}\n\n`,
        corestatus: (action) =>
          `Response: Success\nActionID: ${action['actionid']}\nCoreStartupDate: 2026-11-14\nCoreStartupTime: 02:00:00\n\n`,
      },
    },
    {},
    { boot: 60_000 },
  );
  await until('failed', () => seen.failed.length >= 1);
  assert.equal(seen.failed[0]?.reason, 'no-fully-booted');
  assert.match(seen.failed[0]?.text ?? '', /read=call,system in section \[hintmesh\] of manager.conf/);
});

const FAULTS: [string, Script['replies'], string, RegExp][] = [
  [
    'a user who may not write is refused before anything is listed',
    { listcommands: (action) => `Response: Success\nActionID: ${action['actionid']}\nPing: x\n\n` },
    'missing-privilege',
    /Setvar; write write=call,reporting/,
  ],
  [
    'a user who may not list is told the line to write',
    { extensionstatelist: error('Permission denied') },
    'missing-privilege',
    /ExtensionStateList; write write=call,reporting/,
  ],
  [
    'without res_manager_devicestate its name is told',
    {
      devicestatelist: error(
        'Invalid/unknown command: DeviceStateList. Use Action: ListCommands to show available commands.',
      ),
    },
    'missing-module',
    /res_manager_devicestate/,
  ],
  [
    'without func_devstate its name is told',
    { getvar: (action) => `Response: Success\nActionID: ${action['actionid']}\nVariable: x\nValue: \n\n` },
    'missing-module',
    /func_devstate/,
  ],
  [
    'a list that fails otherwise is quoted',
    { devicestatelist: error('out of memory') },
    'list-failed',
    /DeviceStateList could not be read: out of memory/,
  ],
  [
    'an Asterisk that shuts down is not mistaken for a wrong password',
    { login: error('Asterisk is shutting down') },
    'closed',
    /shutting down/,
  ],
];
for (const [name, replies, reason, text] of FAULTS) {
  test(name, async () => {
    const { seen } = await begin({ replies: replies ?? {} });
    await until('failed', () => seen.failed.length >= 1);
    assert.equal(seen.failed[0]?.reason, reason);
    assert.match(seen.failed[0]?.text ?? '', text);
    assert.deepEqual(seen.ups, []);
  });
}

test('CoreSettings and ListCommands refused do not keep it from coming up', async () => {
  const { seen } = await begin({
    replies: { coresettings: error('Permission denied'), listcommands: error('Permission denied') },
  });
  await until('up', () => seen.ups.length >= 1);
  assert.equal(seen.version, 'unknown');
});

test('a list that stops in the middle fails after the wait for its next row', async () => {
  const { seen } = await begin(
    {
      replies: {
        extensionstatelist: (action) =>
          list(action, 'ExtensionStateList', [hintEvent('1', 0)]).split(
            'Event: ExtensionStateListComplete',
          )[0],
      },
    },
    {},
    { row: 40 },
  );
  await until('failed', () => seen.failed.length >= 1);
  assert.equal(seen.failed[0]?.reason, 'list-failed');
});

test('a list may take long, as long as its rows keep coming', async () => {
  const { seen } = await begin(
    {
      replies: {
        extensionstatelist: (action, peer) => {
          const packets = list(action, 'ExtensionStateList', HINTS).split(/(?<=\n\n)/);
          packets.forEach((packet, i) => {
            setTimeout(() => peer.say(packet), 60 * i);
          });
          return undefined;
        },
      },
    },
    {},
    { row: 200 },
  );
  await until('up', () => seen.ups.length >= 1);
  assert.equal(seen.ups[0]?.hints.length, HINTS.length);
  assert.deepEqual(seen.calls, ['up']);
});

test('a list that Asterisk cancels fails', async () => {
  const { seen } = await begin({
    replies: {
      extensionstatelist: (action) =>
        list(action, 'ExtensionStateList', []).replace('EventList: Complete', 'EventList: Cancelled'),
    },
  });
  await until('failed', () => seen.failed.length >= 1);
  assert.match(seen.failed[0]?.text ?? '', /the list ended with cancelled/);
});

test('Shutdown ends the session at once, and the next one comes up by itself', async () => {
  const { server, seen } = await begin();
  await until('up', () => seen.ups.length >= 1);
  server.peer.say('Event: Shutdown\nPrivilege: system,all\nShutdown: Cleanly\nRestart: True\n\n');
  await until('up again', () => seen.ups.length >= 2);
  assert.deepEqual(seen.calls, ['up', 'down', 'up']);
  assert.equal(seen.downs[0]?.reason, 'closed');
});

test('a password or user name that AMI cannot carry is never written', async () => {
  for (const bad of [{ secret: 'x\r\nAction: Command' }, { username: 'a\nb' }, { secret: ' x' }]) {
    const { server, seen } = await begin({}, bad);
    await until('failed', () => seen.failed.length >= 1);
    assert.equal(seen.failed[0]?.reason, 'login-refused');
    assert.match(seen.failed[0]?.text ?? '', /cannot log in/);
    assert.doesNotMatch(seen.failed[0]?.text ?? '', /Command/);
    assert.deepEqual(server.actions, []);
  }
});

test('close before start, twice, and while dialling leaves nothing behind', async () => {
  const server = await ScriptedAsterisk.listen({ greeting: '' });
  closeLater(server);
  const never = record(server.port);
  await never.asterisk.close();
  never.asterisk.start();
  const dialling = record(server.port);
  dialling.asterisk.start();
  await Promise.all([dialling.asterisk.close(), dialling.asterisk.close()]);
  assert.deepEqual([...never.calls, ...dialling.calls], []);
});

test('close tells down with reason stopped, and nothing is called afterwards', async () => {
  const { server, seen } = await begin();
  await until('up', () => seen.ups.length >= 1);
  server.peer.say(hintEvent('1001', 8));
  await seen.asterisk.close();
  const told = seen.calls.length;
  assert.equal(seen.downs[0]?.reason, 'stopped');
  await sleep(30);
  assert.equal(seen.calls.length, told);
  assert.deepEqual(await seen.asterisk.setDeviceState('Custom:1*spb', 'INUSE'), {
    ok: false,
    why: 'there is no session with Asterisk',
  });
});

test('nobody listening is told as unreachable, with the port and the manager.conf settings to look at', async () => {
  const gone = await ScriptedAsterisk.listen();
  const { port } = gone;
  await gone.close();
  const seen = record(port);
  closeLater(seen.asterisk);
  seen.asterisk.start();
  await until('failed', () => seen.failed.length >= 1);
  assert.equal(seen.failed[0]?.reason, 'unreachable');
  assert.match(seen.failed[0]?.text ?? '', new RegExp(`127.0.0.1:${port} \\(ECONNREFUSED\\).*enabled=yes`));
});

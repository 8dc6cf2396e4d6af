// What can go wrong on the bytes between Asterisk and us.
import assert from 'node:assert/strict';
import net from 'node:net';
import { afterEach, test } from 'node:test';
import { Connection } from '../../src/ami/connection.ts';
import { MAX_BANNER, MAX_LINE, MAX_PACKET, MAX_PACKET_LINES } from '../../src/ami/limits.ts';
import { until } from '../until.ts';
import { begin, closeAll, closeLater, up } from './recorder.ts';
import { BOOTED, deviceEvent, hintEvent, ScriptedAsterisk } from './scripted.ts';

afterEach(closeAll);

test('bytes delivered one at a time mean the same, letters of two bytes included', async () => {
  const whole = await up();
  const split = await up({ cut: (text) => [...Buffer.from(text)].map((byte) => Buffer.from([byte])) });
  assert.deepEqual(split.seen.ups, whole.seen.ups);
  split.server.peer.say(deviceEvent('Custom:Пример', 'INUSE') + hintEvent('1001', 8));
  await until('both events', () => split.seen.calls.length === 3);
  assert.deepEqual(split.seen.devices, [{ device: 'Custom:Пример', state: 'INUSE' }]);
  assert.deepEqual(split.seen.hints.at(0), {
    context: 'ext-local',
    extension: '1001',
    hint: 'PJSIP/1001',
    status: 8,
  });
});

test('lines may end in a bare LF, be glued together, and be followed by empty ones', async () => {
  const { server, seen } = await up();
  const event = deviceEvent('PJSIP/1', 'RINGING');
  server.peer.socket.write(`\n\r\n\n${event}${event.replaceAll('\n', '\r\n')}\n\n\n${event}`);
  await until('three events', () => seen.devices.length === 3);
  assert.equal(seen.downs.length, 0);
});

test('half a packet of a connection that broke never becomes part of the next one', async () => {
  const event = deviceEvent('PJSIP/1001', 'INUSE').replaceAll('\n', '\r\n');
  const { server, seen } = await up({}, {}, { redialFirst: 1, redialMost: 1 });
  for (let cut = 1; cut < event.length; cut += 3) {
    const { socket } = server.peer;
    const ups = seen.ups.length;
    socket.end(event.slice(0, cut));
    await until('up again', () => seen.ups.length === ups + 1);
  }
  assert.ok(seen.ups.length > 20);
  assert.deepEqual(seen.devices, []);
  for (const listing of seen.ups) assert.deepEqual(listing, seen.ups[0]);
});

test('names of events and headers that mean something to JavaScript or to the library mean nothing', async () => {
  // Also before the login, when the library's own listener would still be at work.
  const hostile = ['__proto__', 'constructor', 'rawevent', 'error', 'close', 'connect', 'newListener']
    .map(
      (name) =>
        `Event: ${name}\n${name}: x\n${name}: y\n__proto__: z\n__proto__: z\nlength: 1\nActionID: ${name}\n\n`,
    )
    .join('');
  const { server, seen } = await up({ greeting: `Asterisk Call Manager/5.0.4\n${hostile}` });
  server.peer.say(hostile);
  server.peer.say(
    'Response: Success\nActionID: __proto__\n\nResponse: Error\nActionID: constructor\nMessage: x\n\n',
  );
  server.peer.say(deviceEvent('PJSIP/1', 'INUSE').replace('Device:', '__proto__: x\nDevice:'));
  await until('the honest event', () => seen.devices.length === 1);
  assert.deepEqual(seen.devices, [{ device: 'PJSIP/1', state: 'INUSE' }]);
  assert.deepEqual(await seen.asterisk.setDeviceState('Custom:1*spb', 'INUSE'), { ok: true });
  assert.deepEqual(seen.calls, ['up', 'deviceChanged']);
});

test('nothing of a device, a state or a context can break out of its line', async () => {
  const asked = ['1001\r\nAction: Command', '1\n2', '_1XX', '1001@ctx'];
  const { server, seen } = await up();
  const before = server.actions.length;
  const evil = [
    ['Custom:1001*spb)\r\nValue: INUSE\r\n\r\nAction: Command\r\nCommand: core stop now\r\n', 'INUSE'],
    ['Custom:1001*spb\n', 'INUSE'],
    ['Custom:1001*spb ', 'INUSE'],
    ['Custom:1001*spb)', 'INUSE'],
    ['Custom:1001\0*spb', 'INUSE'],
    ['Custom:', 'INUSE'],
    ['Custom:1001@default', 'INUSE'],
    ['Custom:_1XXX', 'INUSE'],
    [`Custom:${'1'.repeat(72)}`, 'INUSE'],
    ['CustomPresence:1001*spb', 'INUSE'],
    ['PJSIP/1001', 'INUSE'],
    ['Custom:SIP/1001*spb', 'INUSE'],
    [`Custom:${'1'.repeat(70)}*spb`, 'INUSE'],
    ['Custom:1001*spb', 'INUSE\r\nAction: Command'],
    ['Custom:1001*spb', 'UNKNOWN'],
    ['Custom:1001*spb', 'inuse'],
    ['Custom:1001*spb', ''],
  ];
  for (const [device, state] of evil) {
    const result = await seen.asterisk.setDeviceState(device ?? '', state ?? '');
    assert.equal(result.ok, false, device);
  }
  const { asterisk } = seen;
  assert.deepEqual(await asterisk.setDeviceState('custom:76*1001*b.example.com', 'RINGINUSE'), { ok: true });
  assert.deepEqual(await asterisk.setDeviceState('CUSTOM:2001', 'INUSE'), { ok: true });
  const written = server.actions.slice(before).filter((action) => action['action'] !== 'Ping');
  assert.deepEqual(
    written.map((action) => [action['variable'], action['value']]),
    [
      ['DEVICE_STATE(Custom:76*1001*b.example.com)', 'RINGINUSE'],
      ['DEVICE_STATE(Custom:2001)', 'INUSE'],
    ],
  );

  for (const extension of asked) {
    const bad = await begin();
    bad.seen.toAsk = () => [{ context: 'ext-local', extension }];
    await until('failed', () => bad.seen.failed.length >= 1);
    assert.equal(bad.seen.failed[0]?.reason, 'list-failed');
    assert.ok(!bad.server.actions.some((action) => action['action'] === 'ExtensionState'));
  }
});

const GREETINGS: [string, string][] = [
  ['another protocol', 'SSH-2.0-OpenSSH_9.2\n'],
  ['a greeting that never ends its line', 'x'.repeat(MAX_BANNER + 1)],
  ['a packet instead of a greeting', 'Response: Success\n\n'],
  ['nearly the greeting', 'Asterisk Call Manager\n'],
];
for (const [name, greeting] of GREETINGS) {
  test(`${name} is refused as not-asterisk before a word is said`, async () => {
    const { server, seen } = await begin({ greeting });
    await until('failed', () => seen.failed.length >= 1);
    assert.equal(seen.failed[0]?.reason, 'not-asterisk');
    assert.match(seen.failed[0]?.text ?? '', /check ami.host and ami.port/);
    assert.ok((seen.failed[0]?.text.length ?? 0) < 250);
    assert.deepEqual(server.actions, []);
  });
}

test('a peer that accepts and says nothing is given up', async () => {
  const { seen } = await begin({ greeting: '' }, {}, { connect: 30 });
  await until('failed', () => seen.failed.length >= 1);
  assert.equal(seen.failed[0]?.reason, 'unreachable');
  assert.match(seen.failed[0]?.text ?? '', /did not greet/);
});

test('a login without an answer times out', async () => {
  const { seen } = await begin({ replies: { login: () => undefined } }, {}, { login: 30 });
  await until('failed', () => seen.failed.length >= 1);
  assert.equal(seen.failed[0]?.reason, 'login-timeout');
});

test('a peer that falls silent is found by the Ping watchdog, and every write owed is answered', async () => {
  const { server, seen } = await up(
    { replies: { ping: () => undefined, setvar: () => undefined } },
    { pingEveryMs: 10 },
    { ping: 80, answer: 10_000 },
  );
  const owed = [1, 2, 3].map((n) => seen.asterisk.setDeviceState(`Custom:${n}*spb`, 'INUSE'));
  await until('down', () => seen.downs.length >= 1);
  assert.equal(seen.downs[0]?.reason, 'ping-timeout');
  for (const result of await Promise.all(owed)) assert.equal(result.ok, false);
  assert.equal(seen.answered, 0);
  await until('the next session', () => server.peers.length >= 2);
});

const LARGE: [string, string][] = [
  ['line', `Event: x\nHint: ${'x'.repeat(MAX_LINE)}`],
  ['packet', `Event: x\n${`H: ${'x'.repeat(1000)}\n`.repeat(MAX_PACKET / 900)}`],
  ['packet of lines', `Event: x\n${'A: \n'.repeat(MAX_PACKET_LINES)}`],
];
for (const [name, text] of LARGE) {
  test(`a ${name} past its bound ends the session as oversize`, async () => {
    const { server, seen } = await up();
    server.peer.say(text);
    await until('down', () => seen.downs.length >= 1);
    assert.equal(seen.downs[0]?.reason, 'oversize');
    await until('up again', () => seen.ups.length >= 2);
  });
}

test('a long hint, short of the bounds, is taken whole from the list', async () => {
  const hint = Array.from({ length: 200 }, (_, i) => `PJSIP/${1000 + i}`).join('&');
  const { seen } = await up({
    replies: {
      extensionstatelist: (action) => {
        const id = `ActionID: ${action['actionid']}\n`;
        return `Response: Success\n${id}EventList: start\n\nEvent: ExtensionStatus\n${id}Exten: 1\nContext: c\nHint: ${hint}\nStatus: 0\n\nEvent: ExtensionStateListComplete\n${id}EventList: Complete\n\n`;
      },
    },
  });
  assert.equal(seen.ups[0]?.hints[0]?.hint, hint);
});

test('answers and rows with ActionIDs that nobody waits for are dropped', async () => {
  const { server, seen } = await up();
  const id = server.actions.at(-1)?.['actionid'];
  const row = hintEvent('1001', 8).replace('Privilege: call,all\n', `ActionID: ${id}\n`);
  server.peer.say(
    `${row}Response: Success\nActionID: ${id}\n\n${row}${BOOTED.replace('Privilege', 'ActionID')}`,
  );
  server.peer.say(hintEvent('1002', 0));
  await until('the event', () => seen.hints.length > 0);
  assert.deepEqual(seen.calls, ['up', 'hintChanged']);
  assert.equal(seen.hints[0]?.extension, '1002');
});

test('events whose fields cannot be are dropped, the session stays', async () => {
  const { server, seen } = await up();
  const bad = [
    hintEvent('1001', 8).replace('Status: 8', 'Status: x'),
    hintEvent('1001', 8).replace('Status: 8', 'Status: 12345678901234567890'),
    hintEvent('1001', 8).replace('Status: 8\n', ''),
    hintEvent('', 8),
    hintEvent('1'.repeat(80), 8),
    hintEvent('10\u000001', 8),
    hintEvent('1001', 8).replace('Context: ext-local', `Context: ${'c'.repeat(80)}`),
    deviceEvent('', 'INUSE'),
    deviceEvent('x'.repeat(300), 'INUSE'),
    deviceEvent('PJSIP/1', 'INUSE').replace('State: INUSE\n', ''),
  ];
  server.peer.say(bad.join('') + deviceEvent('PJSIP/1', 'Ringing?'));
  await until('the last one', () => seen.devices.length > 0);
  assert.deepEqual(seen.calls, ['up', 'deviceChanged']);
  assert.deepEqual(seen.devices, [{ device: 'PJSIP/1', state: 'UNKNOWN' }]);
});

test('a peer that stops reading makes writes fail instead of pile up', async () => {
  const { server, seen } = await up({}, {}, { answer: 200 });
  server.peer.socket.pause();
  const results = await Promise.all(
    Array.from({ length: 3_000 }, (_, i) => seen.asterisk.setDeviceState(`Custom:${i}*spb`, 'INUSE')),
  );
  assert.ok(results.every((result) => !result.ok));
  assert.ok(results.some((result) => !result.ok && /1024 actions are unanswered/.test(result.why)));
  server.peer.socket.resume();
});

test('what the operating system does not take is bounded in bytes as well', async () => {
  const server = closeLater(await ScriptedAsterisk.listen());
  const options = {
    ...{ host: '127.0.0.1', port: server.port, username: 'hintmesh', secret: 's3cret' },
    ...{ pingEveryMs: 60_000, relistEveryMs: 60_000, channels: false },
  };
  const answers: string[] = [];
  const connection = new Connection(options, {
    greeted: () => connection.login({ username: 'hintmesh', secret: 's3cret' }, 'login'),
    message: (message) => answers.push(message['actionid'] ?? ''),
    ended: () => {},
  });
  closeLater({
    close: async () => {
      connection.end({ reason: 'stopped', text: '' });
      await connection.closed;
    },
  });
  connection.open();
  await until('logged in', () => answers.includes('login'));
  server.peer.socket.pause();
  const action = { action: 'Setvar', variable: 'x'.repeat(900), value: 'INUSE' };
  let written = 0;
  for (let round = 0; round < 1_000 && connection.write(action, `a${written}`); round++) {
    while (written < round * 100 && connection.write(action, `a${written}`)) written += 1;
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.equal(connection.write(action, 'more'), false);
  assert.ok(written > 100, `${written} written`);
});

test('the library gets our socket and node:net is as it was', async () => {
  const original = net.createConnection;
  await up();
  assert.equal(net.createConnection, original);
});

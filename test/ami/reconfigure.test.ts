// Other options while it runs, and what an edge counts.
import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { AmiOptions } from '../../src/ami/contract.ts';
import { until } from '../until.ts';
import { begin, closeAll, closeLater, record, up } from './recorder.ts';
import { answers, commands, ScriptedAsterisk } from './scripted.ts';

afterEach(closeAll);

const options = (port: number, more: Partial<AmiOptions> = {}): AmiOptions => ({
  ...{ host: '127.0.0.1', port, username: 'hintmesh', secret: 's3cret', channels: false },
  ...{ pingEveryMs: 60_000, relistEveryMs: 60_000, ...more },
});

const OTHER = { secret: 'other' };

test('a session that is up ends as reconfigured, and the next one has the new options', async () => {
  const { server, seen } = await up();
  seen.asterisk.reconfigure(options(server.port, { channels: true, secret: 'other' }));
  await until('up again', () => seen.ups.length >= 2);
  assert.deepEqual(seen.calls, ['up', 'down', 'up']);
  assert.equal(seen.downs[0]?.reason, 'reconfigured');
  const second = server.peers[1]?.actions ?? [];
  assert.equal(second[0]?.['secret'], 'other');
  assert.ok(second.some((action) => action['action'] === 'CoreShowChannels'));
});

test('where only the intervals differ the session goes on, with the new ones', async () => {
  const { server, seen } = await up();
  seen.asterisk.reconfigure(options(server.port, { pingEveryMs: 5, relistEveryMs: 10 }));
  await until('asked more often', () => seen.answered > 3 && seen.relisted.length > 1);
  assert.deepEqual(seen.downs, []);
  assert.equal(server.peers.length, 1);
});

test('where states are taken from something else the session goes on', async () => {
  const { server, seen } = await up();
  for (const more of [{ devices: true }, { devices: true, presences: true }, { presences: true }, {}]) {
    const { length } = seen.relisted;
    seen.asterisk.reconfigure(options(server.port, { ...more, relistEveryMs: 10 }));
    await until('relisted', () => seen.relisted.length > length);
  }
  assert.deepEqual(seen.downs, []);
  assert.equal(server.peers.length, 1);
});

test('what an Asterisk lacks is found out when the config begins to need it, and no more when it does not', async () => {
  const { server, seen } = await up({ replies: { listcommands: answers(commands()) } });
  seen.asterisk.reconfigure(options(server.port, { presences: true }));
  assert.match(seen.asterisk.status().lacking ?? '', /no PresenceStateList/);
  seen.asterisk.reconfigure(options(server.port));
  assert.equal(seen.asterisk.status().lacking, undefined);
  assert.deepEqual([seen.downs, seen.failed], [[], []]);
});

test('the same options again and again do not keep Asterisk from being asked', async () => {
  const { server, seen } = await up({}, { pingEveryMs: 30 });
  const timer = setInterval(() => seen.asterisk.reconfigure(options(server.port, { pingEveryMs: 30 })), 10);
  await until('asked all the same', () => seen.answered > 3).finally(() => clearInterval(timer));
  assert.equal(server.peers.length, 1);
});

test('the second session and each after it are replaced as the first is, one at a time', async () => {
  const { server, seen } = await up();
  for (let sessions = 2; sessions <= 4; sessions++) {
    seen.asterisk.reconfigure(options(server.port, { secret: `other${sessions}` }));
    await until('up again', () => seen.ups.length >= sessions);
    assert.equal(seen.downs.length, sessions - 1);
    await until('one is left', () => server.peers.filter(({ socket }) => !socket.destroyed).length === 1);
  }
  assert.equal(server.peers.length, 4);
});

test('a session under way is replaced without a word', async () => {
  const { server, seen } = await begin({ greeting: '' });
  await until('dialled', () => server.peers.length === 1);
  server.script = {};
  seen.asterisk.reconfigure(options(server.port, OTHER));
  await until('up', () => seen.ups.length >= 1);
  assert.deepEqual(seen.calls, ['up']);
  assert.equal(server.peers.length, 2);
});

test('between two attempts the next one is made soon, and a failure is told again', async () => {
  const gone = await ScriptedAsterisk.listen();
  const { port } = gone;
  await gone.close();
  const seen = record(port, {}, { redialFirst: 5, redialMost: 60_000 });
  closeLater(seen.asterisk).start();
  await until('failed', () => seen.failed.length >= 1);
  seen.asterisk.reconfigure(options(port, OTHER));
  await until('failed again', () => seen.failed.length >= 2);
  const server = closeLater(await ScriptedAsterisk.listen());
  seen.asterisk.reconfigure(options(server.port, OTHER));
  await until('up', () => seen.ups.length >= 1);
  assert.deepEqual(seen.calls, ['failed', 'failed', 'up']);
});

test('before start and after close it only takes note', async () => {
  const server = closeLater(await ScriptedAsterisk.listen());
  const seen = record(1);
  seen.asterisk.reconfigure(options(server.port, OTHER));
  await sleep(30);
  assert.deepEqual([seen.calls, server.peers.length], [[], 0]);
  seen.asterisk.start();
  await until('up', () => seen.ups.length >= 1);
  await seen.asterisk.close();
  seen.asterisk.reconfigure(options(server.port, OTHER));
  await sleep(30);
  assert.deepEqual([seen.calls, server.peers.length], [['up', 'down'], 1]);
});

test('many at once, also from within the handlers, make one session', async () => {
  const { server, seen } = await begin();
  seen.onUp = () => {
    if (seen.ups.length === 1)
      for (let i = 0; i < 5; i++) seen.asterisk.reconfigure(options(server.port, OTHER));
  };
  await until('up again', () => seen.ups.length >= 2);
  await sleep(60);
  assert.deepEqual(seen.calls, ['up', 'down', 'up']);
  assert.equal(server.peers.length, 2);
});

test('sessions that were up and relists are counted, failed attempts are not', async () => {
  const { server, seen } = await begin({ greeting: 'SSH-2.0\n' });
  await until('failed', () => seen.failed.length >= 1);
  assert.deepEqual(seen.asterisk.status(), { sessions: 0, relists: 0 });
  server.script = {};
  await until('up', () => seen.ups.length >= 1);
  assert.deepEqual(seen.asterisk.status(), { sessions: 1, relists: 0 });
  for (const relists of [1, 2]) {
    seen.asterisk.relist();
    await until('relisted', () => seen.relisted.length === relists);
    assert.deepEqual(seen.asterisk.status(), { sessions: 1, relists });
  }
  server.peer.socket.destroy();
  await until('up again', () => seen.ups.length >= 2);
  assert.deepEqual(seen.asterisk.status(), { sessions: 2, relists: 2 });
});

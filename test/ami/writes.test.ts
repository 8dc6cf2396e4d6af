import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import type { WriteResult } from '../../src/ami/contract.ts';
import { until } from '../until.ts';
import { begin, closeAll, up } from './recorder.ts';
import type { Action } from './scripted.ts';

afterEach(closeAll);

const setvars = (actions: readonly Action[]) =>
  actions.filter((action) => action['action'] === 'Setvar').map((action) => action['variable']);

test('writes go out at once and in call order, without waiting for answers', async () => {
  const { server, seen } = await up({ replies: { setvar: () => undefined } });
  const names = Array.from({ length: 100 }, (_, i) => `Custom:${1000 + i}*spb`);
  for (const name of names) void seen.asterisk.setDeviceState(name, 'INUSE');
  await until('all arrived', () => setvars(server.actions).length === 100);
  assert.deepEqual(
    setvars(server.actions),
    names.map((name) => `DEVICE_STATE(${name})`),
  );
});

test('each write gets its own answer, in whatever order they come', async () => {
  const held: Action[] = [];
  const { server, seen } = await up({
    replies: {
      setvar: (action) => {
        held.push(action);
        return undefined;
      },
    },
  });
  const done: [number, WriteResult][] = [];
  const owed = [0, 1, 2].map((n) =>
    seen.asterisk.setDeviceState(`Custom:${n}*spb`, 'INUSE').then((result) => done.push([n, result])),
  );
  await until('three', () => held.length === 3);
  const id = (n: number) => held[n]?.['actionid'];
  server.peer.say(`Response: Error\nActionID: ${id(2)}\nMessage: Variable not set\n\n`);
  server.peer.say(`Response: Success\nActionID: ${id(0)}\n\nResponse: Success\nActionID: ${id(1)}\n\n`);
  await Promise.all(owed);
  assert.deepEqual(done, [
    [2, { ok: false, why: 'Variable not set' }],
    [0, { ok: true }],
    [1, { ok: true }],
  ]);
});

test('a write without an answer fails after its wait, and a late answer changes nothing', async () => {
  const held: Action[] = [];
  const { server, seen } = await up(
    {
      replies: {
        setvar: (action) => {
          held.push(action);
          return undefined;
        },
      },
    },
    {},
    { answer: 40 },
  );
  const result = await seen.asterisk.setDeviceState('Custom:1*spb', 'INUSE');
  assert.deepEqual(result, { ok: false, why: 'no answer within 40 ms' });
  server.peer.say(`Response: Success\nActionID: ${held[0]?.['actionid']}\n\n`);
  server.script = {};
  assert.deepEqual(await seen.asterisk.setDeviceState('Custom:1*spb', 'BUSY'), { ok: true });
  assert.equal(seen.downs.length, 0);
});

test('every write owed when the session ends resolves with ok: false, after down was told', async () => {
  const { server, seen } = await up({ replies: { setvar: () => undefined } });
  const owed = Array.from({ length: 500 }, (_, n) =>
    seen.asterisk.setDeviceState(`Custom:${n}*spb`, 'INUSE').then((result) => {
      assert.equal(seen.downs.length, 1);
      return result;
    }),
  );
  await until('they arrived', () => setvars(server.actions).length === 500);
  server.peer.socket.destroy();
  for (const result of await Promise.all(owed)) {
    assert.equal(result.ok, false);
    assert.match(result.ok ? '' : result.why, /the session ended/);
  }
});

test('a write is refused at once while there is no session', async () => {
  const { server, seen } = await up();
  await server.close();
  await until('down', () => seen.downs.length >= 1);
  const result = await seen.asterisk.setDeviceState('Custom:1*spb', 'INUSE');
  assert.deepEqual(result, { ok: false, why: 'there is no session with Asterisk' });
});

test('a write from within up is written', async () => {
  const { server, seen } = await begin();
  let result: WriteResult | undefined;
  seen.onUp = () => {
    void seen.asterisk.setDeviceState('Custom:1*spb', 'INUSE').then((answer) => {
      result = answer;
    });
  };
  await until('answered', () => result !== undefined);
  assert.deepEqual(result, { ok: true });
  assert.equal(setvars(server.actions).length, 1);
});

test('close from within up is a close', async () => {
  const { server, seen } = await begin();
  let closed = false;
  seen.onUp = () => {
    void seen.asterisk.close().then(() => {
      closed = true;
    });
  };
  await until('closed', () => closed);
  assert.deepEqual(seen.calls, ['up', 'down']);
  assert.equal(server.peers.length, 1);
});

test('ten thousand writes in a row are answered, each once', async () => {
  const { seen } = await up();
  let ok = 0;
  for (let round = 0; round < 100; round++) {
    const results = await Promise.all(
      Array.from({ length: 100 }, (_, n) => seen.asterisk.setDeviceState(`Custom:${n}*spb`, 'INUSE')),
    );
    ok += results.filter((result) => result.ok).length;
  }
  assert.equal(ok, 10_000);
  assert.equal(seen.downs.length, 0);
});

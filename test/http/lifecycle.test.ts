// Start and close.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import type { Reloaded } from '../../src/http/contract.ts';
import { MAX_LISTINGS } from '../../src/http/limits.ts';
import { Metrics } from '../../src/http/metrics.ts';
import { StatusServer } from '../../src/http/server.ts';
import { until } from '../until.ts';
import { ask, bearer, edge, statusOf, Wire } from './edge.ts';
import { FakeServed, stateRows, TOKEN } from './served.ts';

function server(host: string, port: number): StatusServer {
  const served = new FakeServed();
  return new StatusServer({ host, port, token: TOKEN }, served, new Metrics(served));
}

/** A reload that is over when the function it returns is called. */
function heldReload(served: FakeServed): () => void {
  let finish = (_: Reloaded): void => {};
  const reloaded = new Promise<Reloaded>((resolve) => {
    finish = resolve;
  });
  served.reloaded = () => reloaded;
  return () => finish({ ok: true, changes: [] });
}

test('an address in use, or of another machine, or of none, is refused with the keys to mend', async (t) => {
  const { port } = await edge(t);
  await assert.rejects(server('127.0.0.1', port).start(), {
    message: `cannot serve HTTP on http.host 127.0.0.1, http.port ${port}: another program listens there: stop it, or choose another http.port`,
  });
  await assert.rejects(
    server('192.0.2.1', 0).start(),
    /http\.host 192\.0\.2\.1, http\.port 0: this machine has no address/,
  );
  await assert.rejects(server('no such host', 0).start(), /http\.host no such host, http\.port 0: /);
});

test('the address is known while it listens', async () => {
  const it = server('127.0.0.1', 0);
  const address = (): StatusServer['address'] => it.address;
  assert.equal(address(), undefined);
  await it.start();
  assert.equal(address()?.host, '127.0.0.1');
  assert.ok((address()?.port ?? 0) > 0);
  await it.close();
  assert.equal(address(), undefined);
});

test('close works before the start, during it, and twice; and what is closed does not start', async () => {
  const never = server('127.0.0.1', 0);
  await never.close();
  await assert.rejects(never.start(), /was closed/);
  const during = server('127.0.0.1', 0);
  const started = during.start();
  await Promise.all([during.close(), during.close(), assert.rejects(started, /was closed/)]);
  await until('it does not listen', () => during.address === undefined);
});

test('close ends watchers in good order and silent clients at once, and frees the port', async (t) => {
  const { port, server: it, served } = await edge(t);
  const silent = new Wire(port);
  const half = new Wire(port, 'GET /hea');
  const watcher = new Wire(port, 'GET /api/watch HTTP/1.1\r\nHost: localhost\r\n\r\n');
  await until(
    'all are there',
    () => served.listeners.size === 1 && half.socket.bytesWritten > 0 && !silent.socket.connecting,
  );
  await it.close();
  assert.match(await watcher.whole(), /\r\n0\r\n\r\n$/, 'a whole answer');
  assert.deepEqual([await silent.whole(), await half.whole()], ['', '']);
  assert.equal(served.listeners.size, 0);
  const next = server('127.0.0.1', port);
  await next.start();
  await next.close();
});

test('close hangs up on a silent client at once, and lets an answer that is under way go out', async (t) => {
  const { port, server: it, served } = await edge(t);
  const finish = heldReload(served);
  const answer = ask(port, '/api/reload', { method: 'POST', ...bearer(TOKEN) });
  const silent = new Wire(port);
  await until('both are there', () => served.reloads === 1 && !silent.socket.connecting);
  const closed = it.close();
  await silent.whole();
  finish();
  assert.equal((await answer).status, 200);
  await closed;
});

test('close does not wait for an answer that never comes, nor for a client that does not read', async (t) => {
  const { port, server: it, served } = await edge(t);
  served.reloaded = () => new Promise(() => {});
  served.rows = stateRows(100_000);
  const waiting = new Wire(
    port,
    `POST /api/reload HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${TOKEN}\r\n\r\n`,
  );
  const stuck = new Wire(port, 'GET /api/states HTTP/1.1\r\nHost: localhost\r\n\r\n');
  stuck.socket.once('data', () => stuck.socket.pause());
  await until('both are under way', () => served.reloads === 1 && stuck.text !== '');
  await it.close();
  assert.equal(await waiting.whole(), '');
  stuck.socket.resume();
  assert.equal(statusOf(await stuck.whole()), 200);
});

test('a client that takes nothing of its answer is cut off', async (t) => {
  const { port, served } = await edge(t, { stallMs: 500 });
  served.rows = stateRows(100_000);
  // All places are taken by clients that do not read: only the cut frees one.
  const stuck = Array.from(
    { length: MAX_LISTINGS },
    () => new Wire(port, 'GET /api/states HTTP/1.1\r\nHost: localhost\r\n\r\n'),
  );
  for (const { socket } of stuck) socket.once('data', () => socket.pause());
  await until('all have begun', () => stuck.every(({ text }) => text !== ''));
  let status = 0;
  const deadline = performance.now() + 10_000;
  while (status !== 200 && performance.now() < deadline) {
    status = (await ask(port, '/api/states', { method: 'HEAD' })).status;
  }
  assert.equal(status, 200);
  for (const wire of stuck) wire.end();
});

test('a reload may take longer than a client may stall', async (t) => {
  const { port, served } = await edge(t, { stallMs: 50 });
  const finish = heldReload(served);
  const answer = ask(port, '/api/reload', { method: 'POST', ...bearer(TOKEN) });
  await until('it reloads', () => served.reloads === 1);
  // A connection that says nothing from now on is cut after the stall: by then the other would have been too.
  const silent = new Wire(port);
  await once(silent.socket, 'close');
  finish();
  assert.equal((await answer).status, 200);
});

test('a client that goes during its reload is missed by nobody', async (t) => {
  const { port, served } = await edge(t);
  const finish = heldReload(served);
  const gone = new Wire(
    port,
    `POST /api/reload HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${TOKEN}\r\n\r\n`,
  );
  await until('it reloads', () => served.reloads === 1);
  gone.end();
  finish();
  assert.equal((await ask(port, '/healthz')).status, 200);
});

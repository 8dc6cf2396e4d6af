// Who may ask: loopback, Host, token.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { isLoopbackAddress } from '../../src/http/guard.ts';
import { Metrics } from '../../src/http/metrics.ts';
import { Routes } from '../../src/http/routes.ts';
import { Watchers } from '../../src/http/watch.ts';
import { ask, bearer, edge, errorOf, raw, statusOf } from './edge.ts';
import { FakeServed, TOKEN } from './served.ts';

const BAD_HOSTS = [
  'evil.example',
  '127.0.0.1.evil.example',
  'localhost.evil.example',
  'evil.example:127.0.0.1',
  'localhost@evil.example',
  '192.0.2.1',
  '1270.0.0.1',
  '127.1',
  '[::2]',
  '::1',
  '',
  'localhost:',
  'localhost:7441:1',
];

/** The routes behind a server that takes every client for one at `address`, and listens on no loopback. */
async function seenFrom(t: TestContext, address: string): Promise<{ port: number; served: FakeServed }> {
  const served = new FakeServed();
  const routes = new Routes(served, new Metrics(served), new Watchers(served), TOKEN);
  const server = createServer((request, response) => {
    Object.defineProperty(request.socket, 'remoteAddress', { value: address });
    void routes.handle(request, response, false);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  return { port: (server.address() as AddressInfo).port, served };
}

test('an address is loopback in 127/8, as ::1, and as either in the other family', () => {
  for (const yes of ['127.0.0.1', '127.8.8.8', '::1', '::ffff:127.0.0.1'])
    assert.ok(isLoopbackAddress(yes), yes);
  for (const no of [
    '128.0.0.1',
    '10.127.0.1',
    '::',
    '::2',
    '::ffff:10.0.0.1',
    'fe80::1',
    '1.127.0.0',
    '::11',
    undefined,
  ]) {
    assert.ok(!isLoopbackAddress(no), no);
  }
});

test('from another machine, metrics and health are served and /api/ is not, not even with the token', async (t) => {
  const { port, served } = await seenFrom(t, '192.0.2.7');
  const headers = { Host: 'pbx.example:7441' };
  for (const path of ['/', '/metrics', '/healthz', '/readyz']) {
    assert.equal((await ask(port, path, { headers })).status, 200, path);
  }
  for (const path of [
    '/api/status',
    '/api/peers',
    '/api/conditions',
    '/api/states',
    '/api/watch',
    '/api/x',
    '/api',
  ]) {
    const { status, body } = await ask(port, path, { headers: { Host: 'localhost' } });
    assert.equal(status, 403, path);
    assert.match(errorOf(`\r\n\r\n${body}`), /only to programs on the machine the broker runs on/);
  }
  for (const path of ['/api/reload', '/api/leave']) {
    const asking = { method: 'POST', headers: { Host: 'localhost', ...bearer(TOKEN).headers } };
    assert.equal((await ask(port, path, asking)).status, 403, path);
  }
  assert.deepEqual([served.reloads, served.left, served.listeners.size], [0, 0, 0]);
});

test('what a client says of itself in a header does not make it local', async (t) => {
  const { port } = await seenFrom(t, '192.0.2.7');
  const headers = {
    Host: 'localhost',
    'X-Forwarded-For': '127.0.0.1',
    Forwarded: 'for=127.0.0.1',
    'X-Real-IP': '::1',
  };
  assert.equal((await ask(port, '/api/status', { headers })).status, 403);
});

test('a listener on every address serves a local program under /api/, by a loopback name', async (t) => {
  const { port } = await edge(t, {}, '0.0.0.0');
  assert.equal((await ask(port, '/api/status')).status, 200);
  assert.equal((await ask(port, '/api/status', { headers: { Host: 'evil.example' } })).status, 421);
  assert.equal((await ask(port, '/metrics', { headers: { Host: 'pbx.example' } })).status, 200);
});

test('on a loopback listener the Host must be a loopback name or address', async (t) => {
  const { port, served } = await edge(t);
  for (const host of [
    'localhost',
    'LOCALHOST:1',
    '127.0.0.1',
    '127.0.0.2:7441',
    '[::1]',
    '[::1]:7441',
    `localhost:${port}`,
  ]) {
    assert.equal((await ask(port, '/metrics', { headers: { Host: host } })).status, 200, host);
    assert.equal((await ask(port, '/api/status', { headers: { Host: host } })).status, 200, host);
  }
  for (const host of BAD_HOSTS) {
    for (const path of ['/metrics', '/api/status', '/nothing']) {
      const answer = await raw(port, `GET ${path} HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
      assert.equal(statusOf(answer), 421, `${host} ${path}`);
      assert.match(errorOf(answer), /localhost/);
    }
    const post = `POST /api/leave HTTP/1.1\r\nHost: ${host}\r\nAuthorization: Bearer ${TOKEN}\r\n\r\n`;
    assert.equal(statusOf(await raw(port, post)), 421, host);
  }
  assert.equal(served.left, 0);
});

test('an absent or repeated Host is refused', async (t) => {
  const { port } = await edge(t);
  assert.equal(statusOf(await raw(port, 'GET /api/status HTTP/1.1\r\n\r\n')), 400);
  assert.equal(statusOf(await raw(port, 'GET /api/status HTTP/1.0\r\n\r\n')), 421);
  for (const [first, second] of [
    ['localhost', 'evil.example'],
    ['evil.example', 'localhost'],
    ['localhost', 'localhost'],
  ]) {
    const answer = await raw(port, `GET /api/status HTTP/1.1\r\nHost: ${first}\r\nHost: ${second}\r\n\r\n`);
    assert.equal(statusOf(answer), 400);
    assert.match(errorOf(answer), /more than one Host/);
  }
});

test('reload and leave need the token, and the refusal says where it is', async (t) => {
  const { port, served } = await edge(t);
  const wrong = [
    undefined,
    '',
    'Bearer',
    'Bearer ',
    `Bearer ${TOKEN.slice(0, -1)}`,
    `Bearer ${TOKEN}x`,
    `Bearer ${TOKEN} x`,
    `Bearer ${TOKEN.toLowerCase()}`,
    `Basic ${TOKEN}`,
    TOKEN,
    `Token ${TOKEN}`,
    'Bearer undefined',
  ];
  for (const path of ['/api/reload', '/api/leave']) {
    for (const value of wrong) {
      const headers = value === undefined ? {} : { Authorization: value };
      const answer = await ask(port, path, { method: 'POST', headers });
      assert.equal(answer.status, 401, `${value}`);
      assert.equal(answer.headers['www-authenticate'], 'Bearer');
      assert.match(errorOf(`\r\n\r\n${answer.body}`), /http\.token in state_dir/);
      assert.ok(!answer.body.includes(TOKEN));
    }
    const twice = `POST ${path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${TOKEN}\r\nAuthorization: Bearer x\r\n\r\n`;
    assert.equal(statusOf(await raw(port, twice)), 401);
  }
  assert.deepEqual([served.reloads, served.left], [0, 0]);
});

test('a broker without a token lets nobody reload', async (t) => {
  const served = new FakeServed();
  const routes = new Routes(served, new Metrics(served), new Watchers(served), '');
  const server = createServer((request, response) => void routes.handle(request, response, true));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  for (const value of ['Bearer ', 'Bearer', 'Bearer x']) {
    const answer = await ask(port, '/api/reload', { method: 'POST', headers: { Authorization: value } });
    assert.equal(answer.status, 401);
  }
  assert.equal(served.reloads, 0);
});

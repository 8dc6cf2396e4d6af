// What each route answers.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CONDITIONS } from '../../src/conditions.ts';
import type { ConditionRow, StateRow } from '../../src/http/contract.ts';
import { ROWS_PER_TURN } from '../../src/http/limits.ts';
import { until } from '../until.ts';
import { ask, bearer, edge, errorOf, Wire } from './edge.ts';
import { STATUS, stateRows, TOKEN } from './served.ts';

const CONDITION: ConditionRow = {
  code: 'asterisk-down',
  subject: '',
  text: 'no session',
  forSeconds: 3,
  ...CONDITIONS['asterisk-down'],
};
const GETS = [
  '/',
  '/metrics',
  '/healthz',
  '/readyz',
  '/api/status',
  '/api/peers',
  '/api/conditions',
  '/api/states',
];

test('GET / lists every path with its method', async (t) => {
  const { port } = await edge(t);
  const { status, headers, body } = await ask(port, '/');
  assert.equal(status, 200);
  assert.equal(headers['content-type'], 'text/plain; charset=utf-8');
  const listed = [...body.matchAll(/^(GET|POST) +(\S+) /gm)].map(([, method, path]) => `${method} ${path}`);
  const posts = ['POST /api/reload', 'POST /api/leave'];
  assert.deepEqual(
    listed.sort(),
    [...GETS, '/api/watch']
      .map((path) => `GET ${path}`)
      .concat(posts)
      .sort(),
  );
});

test('/healthz says ok', async (t) => {
  const { port } = await edge(t);
  const { status, body } = await ask(port, '/healthz');
  assert.deepEqual([status, body], [200, 'ok\n']);
});

test('/metrics gives what the registry gives, with its content type', async (t) => {
  const { port, metrics } = await edge(t);
  const { status, headers, body } = await ask(port, '/metrics');
  assert.equal(status, 200);
  assert.equal(headers['content-type'], metrics.contentType);
  assert.match(body, /^hintmesh_ready 1$/m);
  assert.match(body, /^nodejs_eventloop_lag_seconds /m);
});

test('/readyz answers 200 while ready, and else 503 with what is waited for and what is wrong', async (t) => {
  const { port, served } = await edge(t);
  const good = await ask(port, '/readyz');
  assert.equal(good.status, 200);
  assert.deepEqual(JSON.parse(good.body), { ready: true, waitingFor: [], conditions: [] });
  served.now = { ...STATUS, ready: false, waitingFor: ['asterisk'], conditions: [CONDITION] };
  const bad = await ask(port, '/readyz');
  assert.equal(bad.status, 503);
  assert.deepEqual(JSON.parse(bad.body), { ready: false, waitingFor: ['asterisk'], conditions: [CONDITION] });
});

test('/api/status, peers and conditions are the shapes of the contract, as JSON', async (t) => {
  const { port, served } = await edge(t);
  served.now = { ...STATUS, conditions: [CONDITION] };
  for (const [path, expected] of [
    ['/api/status', served.now],
    ['/api/peers', served.now.peers],
    ['/api/conditions', [CONDITION]],
  ] as const) {
    const { status, headers, body } = await ask(port, path);
    assert.equal(status, 200, path);
    assert.equal(headers['content-type'], 'application/json; charset=utf-8', path);
    assert.deepEqual(JSON.parse(body), expected, path);
  }
});

test('/api/states gives every row, one a line, however many there are', async (t) => {
  const { port, served } = await edge(t);
  for (const count of [0, 1, 999, 1_000, 1_001, 25_000]) {
    served.rows = stateRows(count);
    const { status, body } = await ask(port, '/api/states');
    assert.equal(status, 200);
    assert.deepEqual(JSON.parse(body) as StateRow[], served.rows, `${count} rows`);
    assert.equal(body.split('\n').filter((line) => line.includes('"pbx"')).length, count);
  }
});

test('a long list of states goes out over many turns of the event loop, also to a quick reader', async (t) => {
  const { port, served } = await edge(t);
  served.rows = stateRows(100_000);
  let turns = 0;
  let turning = true;
  const turn = (): void => {
    turns += 1;
    if (turning) setImmediate(turn);
  };
  const reader = new Wire(port, 'GET /api/states HTTP/1.1\r\nHost: localhost\r\n\r\n');
  reader.socket.once('data', turn);
  assert.match(await reader.whole(), /\n\]\n\r\n0\r\n\r\n$/);
  turning = false;
  assert.ok(turns >= 100_000 / ROWS_PER_TURN, `${turns} turns`);
});

test('a fifth list of states at one time is refused, and taken when another is done', async (t) => {
  const { port, served } = await edge(t);
  // More than the buffers of the system hold, so that a client that does not read holds its list.
  served.rows = stateRows(100_000);
  const readers = Array.from(
    { length: 4 },
    () => new Wire(port, 'GET /api/states HTTP/1.1\r\nHost: localhost\r\n\r\n'),
  );
  for (const { socket } of readers) socket.once('data', () => socket.pause());
  await until('all four have begun', () => readers.every(({ text }) => text !== ''));
  const fifth = await ask(port, '/api/states');
  assert.equal(fifth.status, 503);
  assert.match(errorOf(`\r\n\r\n${fifth.body}`), /ask again/);
  readers[0]?.end();
  served.rows = [];
  let status = 0;
  for (let tries = 0; tries < 500 && status !== 200; tries += 1)
    status = (await ask(port, '/api/states')).status;
  assert.equal(status, 200);
  for (const reader of readers) reader.end();
});

test('POST /api/reload gives what the reload gives: 200 when taken, 409 when refused', async (t) => {
  const { port, served } = await edge(t);
  const post = { method: 'POST', ...bearer(TOKEN) };
  served.reloaded = async () => ({ ok: true, changes: ['peer nsk added'] });
  const taken = await ask(port, '/api/reload', post);
  assert.deepEqual([taken.status, JSON.parse(taken.body)], [200, { ok: true, changes: ['peer nsk added'] }]);
  served.reloaded = async () => ({ ok: false, mistakes: ['h.yaml:3: no such key'] });
  const refused = await ask(port, '/api/reload', { ...post, body: 'x'.repeat(1_000) });
  assert.equal(refused.status, 409);
  assert.deepEqual(JSON.parse(refused.body), { ok: false, mistakes: ['h.yaml:3: no such key'] });
  assert.equal(served.reloads, 2);
});

test('POST /api/leave answers 202 first, and then leaves once', async (t) => {
  const { port, served } = await edge(t);
  const { status, body } = await ask(port, '/api/leave', { method: 'POST', ...bearer(TOKEN) });
  assert.deepEqual([status, JSON.parse(body)], [202, { leaving: true }]);
  await until('it leaves', () => served.left > 0);
  assert.equal(served.left, 1);
});

test('HEAD gives the status and headers of GET and no body, on every path', async (t) => {
  const { port, served } = await edge(t);
  served.rows = stateRows(2);
  for (const path of [...GETS, '/api/watch']) {
    const { status, headers, body } = await ask(port, path, { method: 'HEAD' });
    assert.deepEqual([status, body], [200, ''], path);
    if (path === '/api/watch') assert.equal(headers['content-type'], 'application/x-ndjson; charset=utf-8');
    else assert.equal(headers['content-type'], (await ask(port, path)).headers['content-type'], path);
  }
  assert.equal((await ask(port, '/nothing', { method: 'HEAD' })).status, 404);
  assert.equal(served.listeners.size, 0);
});

test('a query is ignored', async (t) => {
  const { port } = await edge(t);
  assert.equal((await ask(port, '/healthz?verbose=1')).status, 200);
});

test('what is not there is 404, and what cannot be asked so is 405 with what can', async (t) => {
  const { port, served } = await edge(t);
  for (const path of ['/metric', '/metrics/', '//metrics', '/api', '/api/', '/api/state', '/METRICS']) {
    const { status, body } = await ask(port, path);
    assert.equal(status, 404, path);
    assert.match(errorOf(`\r\n\r\n${body}`), /GET \//);
  }
  for (const method of ['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'TRACE']) {
    const { status, headers, body } = await ask(port, '/api/status', { method });
    assert.deepEqual([status, headers.allow], [405, 'GET, HEAD'], method);
    assert.ok(errorOf(`\r\n\r\n${body}`));
  }
  for (const method of ['GET', 'HEAD', 'PUT', 'OPTIONS']) {
    const { status, headers } = await ask(port, '/api/reload', { method, ...bearer(TOKEN) });
    assert.deepEqual([status, headers.allow], [405, 'POST'], method);
  }
  assert.equal(served.reloads, 0);
});

test('every answer forbids sniffing and caching, has no CORS header, and is the last on its connection', async (t) => {
  const { port } = await edge(t);
  for (const path of [...GETS, '/nothing']) {
    const { headers } = await ask(port, path, { headers: { Origin: 'http://elsewhere.example' } });
    assert.equal(headers['x-content-type-options'], 'nosniff', path);
    assert.equal(headers['cache-control'], 'no-store', path);
    assert.equal(headers.connection, 'close', path);
    assert.deepEqual(
      Object.keys(headers).filter((name) => name.startsWith('access-control')),
      [],
    );
  }
});

test('a mistake of ours is a 500 that says so, and the next request is served', async (t) => {
  const { port, served } = await edge(t);
  const status = served.status.bind(served);
  served.status = () => {
    throw new Error('no status today');
  };
  for (const path of ['/api/status', '/readyz', '/metrics']) {
    const answer = await ask(port, path);
    assert.equal(answer.status, 500, path);
    assert.match(errorOf(`\r\n\r\n${answer.body}`), /no status today/);
  }
  served.status = status;
  assert.equal((await ask(port, '/readyz')).status, 200);
});

test('scrapes that come together are made once', async (t) => {
  const { port, served } = await edge(t);
  const answers = await Promise.all(Array.from({ length: 20 }, () => ask(port, '/metrics')));
  assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([200]));
  assert.ok(served.statusCalls < 20, `${served.statusCalls} scrapes for 20 that came together`);
});

// Bytes that no decent client sends, and clients that hold on to what they get.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MAX_BODY_BYTES, MAX_CONNECTIONS, MAX_HEADER_BYTES } from '../../src/http/limits.ts';
import { until } from '../until.ts';
import { ask, bearer, edge, errorOf, raw, statusOf, Wire } from './edge.ts';
import { TOKEN } from './served.ts';

const HOST = 'Host: localhost\r\n';

test('what is no HTTP gets a 400 and is hung up on, and the next client is served', async (t) => {
  const { port } = await edge(t);
  const garbage = [
    '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03',
    'garbage\r\n\r\n',
    'GET\r\n\r\n',
    'GET /healthz HTTP/1.1 extra\r\n\r\n',
    'GET /healthz HTTP/9.9\r\n\r\n',
    `GET /healthz HTTP/1.1\r\n${HOST}No colon here\r\n\r\n`,
    `GET /healthz HTTP/1.1\r\n${HOST}X: a\x00b\r\n\r\n`,
    `GET /healthz HTTP/1.1\n${HOST}\n`,
    'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
    `POST /api/reload HTTP/1.1\r\n${HOST}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    `POST /api/reload HTTP/1.1\r\n${HOST}Content-Length: -1\r\n\r\n`,
    `POST /api/reload HTTP/1.1\r\n${HOST}Content-Length: 1\r\nContent-Length: 2\r\n\r\nab`,
    `POST /api/reload HTTP/1.1\r\n${HOST}Authorization: Bearer ${TOKEN}\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n`,
  ];
  for (const bytes of garbage) {
    const answer = await raw(port, bytes);
    assert.equal(statusOf(answer), 400, JSON.stringify(bytes));
    assert.ok(errorOf(answer));
    assert.match(answer, /\r\nX-Content-Type-Options: nosniff\r\n/);
  }
  assert.equal((await ask(port, '/healthz')).status, 200);
});

test('a path that climbs, is encoded or is no path finds nothing', async (t) => {
  const { port } = await edge(t);
  const paths: readonly (readonly [string, number])[] = [
    ['/../etc/passwd', 404],
    ['/api/../metrics', 404],
    ['/./metrics', 404],
    ['/%2e%2e/metrics', 404],
    ['/%6detrics', 404],
    ['/api%2fstatus', 404],
    ['/metrics%00', 404],
    ['/metrics;x', 404],
    ['/metrics#x', 404],
    ['/api/status/', 404],
    ['/\\metrics', 404],
    ['/__proto__', 404],
    ['/constructor', 404],
    ['http://localhost/metrics', 400],
    ['http://evil.example/api/status', 400],
    ['*', 400],
    ['metrics', 400],
  ];
  for (const [path, expected] of paths) {
    const answer = await raw(port, `GET ${path} HTTP/1.1\r\n${HOST}\r\n`);
    assert.equal(statusOf(answer), expected, path);
    assert.ok(errorOf(answer));
    assert.ok(!answer.includes('passwd'), 'what was asked for is not said back');
  }
});

test('CONNECT is hung up on, and an upgrade is answered as the request it is', async (t) => {
  const { port } = await edge(t);
  assert.equal(await raw(port, `CONNECT localhost:80 HTTP/1.1\r\n${HOST}\r\n`), '');
  const upgrade = `GET /healthz HTTP/1.1\r\n${HOST}Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n`;
  assert.equal(statusOf(await raw(port, upgrade)), 200);
});

test('headers over the bound are 431', async (t) => {
  const { port } = await edge(t);
  const many = Array.from({ length: 1_000 }, (_, index) => `X-${index}: aaaaaaaaaa\r\n`).join('');
  for (const bytes of [
    `GET /healthz HTTP/1.1\r\n${HOST}X: ${'a'.repeat(MAX_HEADER_BYTES)}\r\n\r\n`,
    `GET /healthz HTTP/1.1\r\n${HOST}${many}\r\n`,
    `GET /${'a'.repeat(MAX_HEADER_BYTES)} HTTP/1.1\r\n${HOST}\r\n`,
  ]) {
    const answer = await raw(port, bytes);
    assert.equal(statusOf(answer), 431);
    assert.match(errorOf(answer), /8192 bytes/);
  }
  const close = `GET /healthz HTTP/1.1\r\n${HOST}X: ${'a'.repeat(MAX_HEADER_BYTES - 100)}\r\n\r\n`;
  assert.equal(statusOf(await raw(port, close)), 200);
});

test('a body over the bound is 413, declared or in chunks, and nothing is done', async (t) => {
  const { port, served } = await edge(t);
  const head = `POST /api/reload HTTP/1.1\r\n${HOST}Authorization: Bearer ${TOKEN}\r\n`;
  const size = MAX_BODY_BYTES + 1;
  const declared = await raw(port, `${head}Content-Length: ${size}\r\n\r\n${'a'.repeat(size)}`);
  const promised = await raw(port, `${head}Content-Length: 99999999999\r\n\r\n`);
  const chunk = `400\r\n${'a'.repeat(0x400)}\r\n`;
  const chunked = await raw(port, `${head}Transfer-Encoding: chunked\r\n\r\n${chunk}${chunk}`);
  for (const answer of [declared, promised, chunked]) {
    assert.equal(statusOf(answer), 413);
    assert.match(errorOf(answer), /1024 bytes/);
  }
  assert.equal(served.reloads, 0);
  const get = await raw(
    port,
    `GET /healthz HTTP/1.1\r\n${HOST}Content-Length: ${size}\r\n\r\n${'a'.repeat(size)}`,
  );
  assert.equal(statusOf(get), 413);
  const small = await raw(port, `${head}Transfer-Encoding: chunked\r\n\r\n${chunk}0\r\n\r\n`);
  assert.equal(statusOf(small), 200);
  assert.equal(served.reloads, 1);
});

test('a client that promises a body and goes has nothing done', async (t) => {
  const { port, served } = await edge(t, { checkEveryMs: 20, requestTimeoutMs: 200, headersTimeoutMs: 100 });
  const head = `POST /api/leave HTTP/1.1\r\n${HOST}Authorization: Bearer ${TOKEN}\r\nContent-Length: 100\r\n\r\n`;
  const gone = new Wire(port, `${head}abc`);
  await until('it is connected', () => gone.socket.bytesWritten > 0);
  gone.end();
  // This one stays, and is timed out; by then the other was long seen to.
  const stays = await raw(port, `${head}abc`);
  assert.equal(statusOf(stays), 408);
  assert.equal(served.left, 0);
});

test('an expectation other than 100-continue is 417, and that one is met', async (t) => {
  const { port } = await edge(t);
  const odd = await raw(port, `POST /api/reload HTTP/1.1\r\n${HOST}Expect: miracles\r\n\r\n`);
  assert.equal(statusOf(odd), 417);
  assert.ok(errorOf(odd));
  const { status } = await ask(port, '/api/reload', {
    method: 'POST',
    headers: { ...bearer(TOKEN).headers, Expect: '100-continue', 'Content-Length': 3 },
    body: 'abc',
  });
  assert.equal(status, 200);
});

test('who sends nothing, or sends it drop by drop, is told 408 and hung up on', async (t) => {
  const { port } = await edge(t, { checkEveryMs: 20, headersTimeoutMs: 150, requestTimeoutMs: 300 });
  const dripping = new Wire(port, `GET /healthz HTTP/1.1\r\n${HOST}`);
  const drip = setInterval(() => dripping.socket.writable && dripping.socket.write('X: y\r\n'), 10);
  const body = `POST /api/reload HTTP/1.1\r\n${HOST}Authorization: Bearer ${TOKEN}\r\nContent-Length: 9\r\n\r\nabc`;
  const answers = await Promise.all([raw(port, ''), raw(port, 'GET /hea'), raw(port, body)]);
  for (const answer of answers) {
    assert.equal(statusOf(answer), 408);
    assert.match(errorOf(answer), /in time/);
  }
  await dripping.whole();
  clearInterval(drip);
  // What it went on sending may reset the connection before the answer is read: it was hung up on either way.
  if (dripping.text !== '') assert.equal(statusOf(dripping.text), 408);
});

test('of pipelined requests the first is answered and no other', async (t) => {
  const { port, served } = await edge(t);
  const get = (path: string): string => `GET ${path} HTTP/1.1\r\n${HOST}\r\n`;
  const post = `POST /api/leave HTTP/1.1\r\n${HOST}Authorization: Bearer ${TOKEN}\r\n\r\n`;
  for (const first of ['/healthz', '/metrics', '/api/states']) {
    const answer = await raw(port, get(first) + get('/api/status') + post);
    assert.equal(answer.split('HTTP/1.1 ').length, 2, answer.slice(0, 300));
    assert.equal(statusOf(answer), 200);
  }
  assert.equal(served.left, 0);
});

test('garbage behind a request never gets into the midst of its answer', async (t) => {
  const { port, served } = await edge(t);
  const watcher = new Wire(port, `GET /api/watch HTTP/1.1\r\n${HOST}\r\n`);
  await until('it watches', () => served.listeners.size === 1);
  watcher.socket.write('garbage\r\n\r\n');
  assert.equal((await watcher.whole()).split('HTTP/1.1 ').length, 2);
  await until('it is forgotten', () => served.listeners.size === 0);
});

test('requests without end behind a stream are not read without end', async (t) => {
  const { port, served } = await edge(t);
  const wire = new Wire(port, `GET /api/watch HTTP/1.1\r\n${HOST}\r\n`);
  await until('it watches', () => served.listeners.size === 1);
  const flood = Buffer.from(`GET /api/status HTTP/1.1\r\n${HOST}\r\n`.repeat(2_000));
  const total = 64 * 1024 * 1024;
  let sent = 0;
  // Stops by itself when the server takes no more: then `drain` does not come.
  const pour = (): void => {
    while (sent < total && !wire.socket.destroyed) {
      sent += flood.length;
      if (!wire.socket.write(flood)) return void wire.socket.once('drain', pour);
    }
  };
  pour();
  let before = -1;
  let still = 0;
  await until('no more is taken', () => {
    still = sent === before ? still + 1 : 0;
    before = sent;
    return still > 100;
  });
  assert.equal((await ask(port, '/healthz')).status, 200);
  assert.ok(sent < total, 'all of it was taken');
  assert.equal(served.statusCalls, 0);
  wire.end();
});

test('a connection over the bound is closed at once, and there is room when another goes', async (t) => {
  const { port } = await edge(t);
  const wires = Array.from({ length: MAX_CONNECTIONS }, () => new Wire(port, 'GET /hea'));
  await until('all are connected', () =>
    wires.every(({ socket }) => !socket.connecting && socket.bytesWritten > 0),
  );
  assert.equal(await raw(port, `GET /healthz HTTP/1.1\r\n${HOST}\r\n`), '');
  wires[0]?.socket.write(`lthz HTTP/1.1\r\n${HOST}\r\n`);
  assert.equal(statusOf((await wires[0]?.whole()) ?? ''), 200);
  let answer = '';
  for (let tries = 0; tries < 500 && answer === ''; tries += 1) {
    answer = await raw(port, `GET /healthz HTTP/1.1\r\n${HOST}\r\n`);
  }
  assert.equal(statusOf(answer), 200);
  for (const wire of wires) wire.end();
});

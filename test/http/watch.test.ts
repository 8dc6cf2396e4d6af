// GET /api/watch: who reads it, and what becomes of those who do not.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import type { WatchEvent, WatchLine } from '../../src/http/contract.ts';
import { MAX_WATCHER_BYTES, MAX_WATCHERS } from '../../src/http/limits.ts';
import { WATCH_BOUNDS, Watchers } from '../../src/http/watch.ts';
import { until } from '../until.ts';
import { ask, edge, errorOf, Wire } from './edge.ts';
import { FakeServed, lampEvent } from './served.ts';

const WATCH = 'GET /api/watch HTTP/1.1\r\nHost: localhost\r\n\r\n';

/** The lines of a chunked answer so far. */
function lines({ text }: Wire): string[] {
  const body = text.slice(text.indexOf('\r\n\r\n') + 4);
  // A chunk is its length, a line end, and whole lines.
  return body
    .split('\r\n')
    .filter((_, index) => index % 2 === 1)
    .join('')
    .split('\n')
    .slice(0, -1);
}

test('every event is one JSON line with its time, to every watcher, in order, from the header on', async (t) => {
  const { port, served } = await edge(t);
  const watchers = [new Wire(port, WATCH), new Wire(port, WATCH)];
  await until('both have the header', () => watchers.every(({ text }) => text.includes('\r\n\r\n')));
  assert.match(watchers[0]?.text ?? '', /\r\nContent-Type: application\/x-ndjson/);
  assert.equal(served.listeners.size, 1, 'one subscription for all');
  const events: WatchEvent[] = [
    lampEvent('1001'),
    { type: 'export', kind: 'device', extension: '2001', state: null },
    { type: 'belief', peer: 'spb', from: 'live', to: 'suspect' },
  ];
  const begun = Date.now();
  for (const event of events) served.tell(event);
  for (const watcher of watchers) {
    await until('all have come', () => lines(watcher).length === events.length);
    assert.deepEqual(
      lines(watcher).map((line) => {
        const { at, ...event } = JSON.parse(line) as WatchLine;
        assert.match(at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
        assert.ok(Date.parse(at) >= begun && Date.parse(at) <= Date.now());
        return event;
      }),
      events,
    );
    for (const line of lines(watcher)) assert.match(line, /^\{"at":/);
    watcher.end();
  }
  await until('nobody is left', () => served.listeners.size === 0);
});

test('a blank line comes now and then while nothing happens, and no time-out ends the watch', async (t) => {
  const bounds = {
    heartbeatMs: 10,
    checkEveryMs: 10,
    headersTimeoutMs: 50,
    requestTimeoutMs: 50,
    stallMs: 100,
  };
  const { port, served } = await edge(t, bounds);
  const watcher = new Wire(port, WATCH);
  await until('many have come', () => lines(watcher).length >= 30);
  assert.deepEqual(new Set(lines(watcher)), new Set(['']));
  served.tell(lampEvent('1001'));
  await until('an event comes', () => watcher.text.includes('"1001"'));
  watcher.end();
});

test('a seventeenth watcher is refused, and taken when another has gone', async (t) => {
  const { port, served } = await edge(t);
  const watchers = Array.from({ length: MAX_WATCHERS }, () => new Wire(port, WATCH));
  await until('all watch', () => watchers.every(({ text }) => text.includes('\r\n\r\n')));
  const refused = await ask(port, '/api/watch');
  assert.equal(refused.status, 503);
  assert.match(errorOf(`\r\n\r\n${refused.body}`), /16 clients are watching/);
  watchers[0]?.end();
  let again = new Wire(port, WATCH);
  const answered = (): boolean => again.text.includes('\r\n\r\n');
  await until('it is taken', () => {
    if (answered() && again.text.startsWith('HTTP/1.1 503')) again = new Wire(port, WATCH);
    return again.text.startsWith('HTTP/1.1 200');
  });
  assert.equal(served.listeners.size, 1);
  for (const watcher of [...watchers, again]) watcher.end();
});

/** Watchers behind a bare server, with the server's side of each. */
async function bare(t: TestContext, lingerMs: number): Promise<Bare> {
  const served = new FakeServed();
  const watchers = new Watchers(served, { ...WATCH_BOUNDS, lingerMs });
  const responses: ServerResponse[] = [];
  const server = createServer((_request, response) => {
    responses.push(response);
    watchers.add(response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    watchers.close();
    server.close();
    server.closeAllConnections();
  });
  return { served, responses, port: (server.address() as AddressInfo).port };
}

interface Bare {
  readonly served: FakeServed;
  readonly responses: readonly ServerResponse[];
  readonly port: number;
}

test('a watcher that does not read is cut when too much waits for it, and the others go on', async (t) => {
  const { port, served, responses } = await bare(t, 10_000);
  const slow = new Wire(port, WATCH);
  await until('the slow one watches', () => slow.text.includes('\r\n\r\n'));
  const quick = new Wire(port, WATCH);
  await until('the quick one watches', () => quick.text.includes('\r\n\r\n'));
  slow.socket.pause();
  const event = lampEvent('1'.repeat(10_000));
  let told = 0;
  while (!responses[0]?.writableEnded) {
    // The buffers of the system take a few MB before ours fill.
    assert.ok(told < 5_000, 'never cut');
    for (let each = 0; each < 20; each += 1) served.tell(event);
    told += 20;
    assert.ok((responses[0]?.writableLength ?? 0) < MAX_WATCHER_BYTES + 1_000);
    await until('the quick one has read', () => quick.text.split('"lamp"').length > told);
  }
  served.tell(lampEvent('the last'));
  await until('the quick one goes on', () => quick.text.includes('the last'));
  slow.socket.resume();
  await slow.whole();
  const heard = lines(slow).map((line) => JSON.parse(line) as WatchEvent | { readonly error: string });
  const last = heard.pop();
  assert.ok(last && 'error' in last && /^cut off: /.test(last.error), 'the last line says so');
  assert.ok(heard.length < told, 'it was not told all');
  assert.ok(heard.every((each) => 'type' in each && each.type === 'lamp'));
  quick.end();
});

test('a watcher that is cut and still does not read is hung up on', async (t) => {
  const { port, served, responses } = await bare(t, 50);
  const slow = new Wire(port, WATCH);
  await until('it watches', () => slow.text.includes('\r\n\r\n'));
  slow.socket.pause();
  const event = lampEvent('1'.repeat(100_000));
  await until('it is cut', () => {
    for (let each = 0; each < 5; each += 1) served.tell(event);
    return served.listeners.size === 0;
  });
  await until('its connection is gone', () => responses[0]?.destroyed === true);
  slow.socket.resume();
  assert.doesNotMatch(await slow.whole(), /cut off/);
});

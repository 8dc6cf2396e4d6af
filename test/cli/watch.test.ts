// `hintmesh watch`: the lines it prints, and each way in which it ends.
import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { describe, test } from 'node:test';
import type { WatchEvent } from '../../src/http/contract.ts';
import { conditionOf, fakeBroker, json, statusOf } from './fake-broker.ts';
import { hintmesh, hintmeshIn } from './in-process.ts';

const broker = await fakeBroker();
const AT = ['--url', broker.url];

const EVENTS: readonly WatchEvent[] = [
  { type: 'export', kind: 'device', extension: '1001', state: 'RINGING' },
  { type: 'export', kind: 'device', extension: '1002', state: null },
  { type: 'lamp', kind: 'device', pbx: 'spb', extension: '2001', name: '2001*spb', state: 'INUSE' },
  { type: 'belief', peer: 'spb', from: 'live', to: 'suspect' },
  { type: 'raised', condition: conditionOf() },
  { type: 'cleared', condition: conditionOf({ subject: '', code: 'asterisk-down', severity: 'error' }) },
];

/** Answers with these lines; `then` decides how it goes on. */
function watched(lines: readonly string[], then: (response: ServerResponse) => void): void {
  broker.answers.set('GET /api/watch', (response) => {
    response.writeHead(200, { connection: 'close' });
    response.write(lines.join(''));
    then(response);
  });
}

function lineOf(event: unknown): string {
  return `${JSON.stringify(event)}\n`;
}

const never = () => new AbortController().signal;
const watch = (...args: string[]) => hintmeshIn({ stop: never() }, 'watch', ...AT, ...args);

describe('watch', () => {
  test('prints a line for each event with the time, and says when the broker ended it', async () => {
    watched(['\n', ...EVENTS.map(lineOf), '\n'], (response) => response.end());
    const { code, out, err } = await watch();
    assert.deepEqual([code, err], [1, `${broker.url} ended the watch: the broker stopped\n`]);
    const lines = out.trimEnd().split('\n');
    for (const line of lines) assert.match(line, /^\d\d:\d\d:\d\d\.\d{3} {2}/);
    assert.deepEqual(
      lines.map((line) => line.slice('00:00:00.000  '.length)),
      [
        'export   1001              RINGING',
        'export   1002              no longer exported',
        'lamp     2001*spb          INUSE',
        'peer     spb               live → suspect',
        'raised   warning peer-gone spb: nobody vouches for the lamps of spb',
        'cleared  error asterisk-down: nobody vouches for the lamps of spb',
      ],
    );
  });

  test('prints the local time that the broker told, and its own where there is none', async () => {
    const told = new Date(2026, 0, 2, 3, 4, 5, 6);
    watched(
      [told.toISOString(), 'no time'].map((at) => lineOf({ at, ...EVENTS[0] })),
      (response) => response.end(),
    );
    const [first = '', second = ''] = (await watch()).out.split('\n');
    assert.match(first, /^03:04:05\.006 {2}export /);
    assert.match(second, /^\d\d:\d\d:\d\d\.\d{3} {2}export /);
  });

  test('gives the lines of the broker with --json, without those that are empty', async () => {
    const later = { type: 'later', what: 'a newer broker says' };
    watched(['\n', ...[...EVENTS, later].map(lineOf)], (response) => response.end());
    const { out } = await watch('--json');
    assert.equal(out, [...EVENTS, later].map(lineOf).join(''));
  });

  test('names an event that it does not know', async () => {
    watched([lineOf({ type: 'later\u001b' })], (response) => response.end());
    assert.match((await watch()).out, /^\S+ {2}later\\u\{1b\}\n$/);
  });

  test('takes lines however they are cut on their way', async () => {
    const bytes = Buffer.from(lineOf({ type: 'export', kind: 'device', extension: '1001', state: 'é' }));
    broker.answers.set('GET /api/watch', async (response) => {
      for (const byte of bytes) await new Promise((resolve) => response.write(Buffer.of(byte), resolve));
      response.end();
    });
    assert.match((await watch()).out, /1001 +é\n$/);
  });

  test('ends with 0 when it is stopped, while it waits as well as while its reader does', async () => {
    for (const stuck of [false, true]) {
      const stop = new AbortController();
      watched([lineOf(EVENTS[0])], () => {});
      const ended = hintmeshIn(
        {
          stop: stop.signal,
          read: () => {
            setImmediate(() => stop.abort());
            return true;
          },
          ...(stuck && { flushed: () => new Promise<boolean>(() => {}) }),
        },
        'watch',
        ...AT,
      );
      assert.deepEqual([(await ended).code, (await ended).err], [0, '']);
    }
  });

  test('ends when its reader is gone', async () => {
    let more: ServerResponse | undefined;
    watched([lineOf(EVENTS[0]), lineOf(EVENTS[1])], (response) => {
      more = response;
    });
    const { code, out, err } = await hintmeshIn({ stop: never(), read: () => false }, 'watch', ...AT);
    assert.deepEqual([code, err, out.split('\n').length], [0, '', 2]);
    assert.ok(more);
    if (!more.closed) await new Promise((resolve) => more?.once('close', resolve));
  });

  test('says why the broker cut it off, refused it, or was killed', async () => {
    watched([lineOf({ error: 'cut off: events came\u001b faster' })], (response) => response.end());
    assert.deepEqual(await watch(), {
      code: 1,
      out: '',
      err: `${broker.url}: cut off: events came\\u{1b} faster\n`,
    });
    broker.answers.set('GET /api/watch', json({ error: '16 clients are watching already' }, 503));
    const refused = await watch();
    assert.equal(refused.err, `${broker.url}/api/watch is refused (503): 16 clients are watching already\n`);
    assert.equal(refused.code, 1);
    watched([lineOf(EVENTS[0])], (response) => setImmediate(() => response.destroy()));
    const killed = await watch();
    assert.deepEqual([killed.code, killed.out.split('\n').length], [1, 2]);
    assert.match(killed.err, /ended the watch/);
  });

  test('gives up a line that is not understood, or has no end', async () => {
    for (const [line, why] of [
      ['not JSON\n', /the answer of .* is not understood \(a line is no JSON\)/],
      ['{"type":"lamp","kind":"device","pbx":1}\n', /not understood \(pbx\)/],
      ['[]\n', /not understood \(type\)/],
      [`{"type":"${'x'.repeat(70_000)}`, /given up: it has a line of more than 65536 characters/],
    ] as const) {
      watched([line], () => {});
      const { code, out, err } = await watch();
      assert.deepEqual([code, out], [1, '']);
      assert.match(err, why);
    }
  });

  test('tells both versions where the broker has another one', async () => {
    watched(['{"type":"lamp","pbx":"spb","extension":"1001","state":"INUSE"}\n'], () => {});
    broker.answers.set('GET /api/status', json(statusOf({ version: '0.1.9' })));
    const { code, out, err } = await watch();
    assert.deepEqual([code, out], [1, '']);
    assert.match(err, /not understood \(kind\): the broker is hintmesh 0\.1\.9, and this command is /);
    assert.match(err, /\n {2}restart the broker with this version: /);
  });

  test('says when no broker is there', async () => {
    const { code, err } = await hintmeshIn({ stop: never() }, 'watch', '--url', 'http://127.0.0.1:1');
    assert.equal(code, 1);
    assert.match(err, /^no broker answers at http:\/\/127.0.0.1:1: connection refused\n/);
    assert.equal((await hintmesh('watch', '--url', 'nowhere')).code, 2);
  });
});

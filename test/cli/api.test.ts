// Asking a broker that is stopped, hangs, is another program, or says too much: what is said, and what is bounded.
import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { after, describe, test } from 'node:test';
import { ask, follow, MAX_ANSWER_BYTES } from '../../src/cli/api.ts';
import { VERSION } from '../../src/cli/version.ts';
import { newFolder } from '../config/folder.ts';
import { type Answer, fakeBroker, json, peerOf, statusOf, text } from './fake-broker.ts';
import { hintmesh } from './in-process.ts';

const broker = await fakeBroker();
const folder = newFolder();
const ADDRESS = { host: '127.0.0.1', port: broker.port, url: broker.url, from: 'of the test' };

async function failure(answer: Answer): Promise<string> {
  broker.answers.set('GET /api/status', answer);
  const { code, out, err } = await hintmesh('status', '--url', broker.url);
  assert.deepEqual([code, out], [1, '']);
  return err.trimEnd();
}

/** A TCP server that says these bytes to whoever comes. */
async function rawServer(bytes: string, then: 'end' | 'stay'): Promise<string> {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', () => (then === 'end' ? socket.end(bytes) : socket.write(bytes)));
    after(() => socket.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  after(() => server.close());
  const address = server.address();
  assert.ok(address !== null && typeof address === 'object');
  return `http://127.0.0.1:${address.port}`;
}

describe('the address of the broker', () => {
  test('is that of the config, also when the rest of it is wrong and its secrets cannot be read', async () => {
    broker.answers.set('GET /api/status', json(statusOf()));
    const file = folder.write(
      'wrong.yaml',
      `tag: NOT A TAG\nami: { secret_file: nowhere }\nfrob: 1\nhttp: { port: ${broker.port} }\n`,
    );
    const { code, out, err } = await hintmesh('status', '-c', file);
    assert.deepEqual([code, err], [0, '']);
    assert.match(out, /^msk {2}hintmesh 1.2.3/);
  });

  test('is explained when nobody answers there, with what to do', async () => {
    const file = folder.write('off.yaml', 'http: { port: 1 }\n');
    const moved = '  if it runs, and these were changed since it started, restart it\n';
    for (const [args, from, more] of [
      [['-c', file], `http.host and http.port of ${file}`, moved],
      [['--url', 'http://127.0.0.1:1/'], 'what --url says', ''],
    ] as const) {
      const { code, out, err } = await hintmesh('status', ...args);
      assert.deepEqual([code, out], [1, '']);
      assert.equal(
        err,
        `no broker answers at http://127.0.0.1:1: connection refused
  the address is ${from}
  start the broker with: systemctl start hintmesh, or by hand: hintmesh run
${more}`,
      );
    }
  });

  test('cannot be had from a config that is not there, or serves no HTTP', async () => {
    const none = await hintmesh('status', '-c', '/nowhere/\u001b.yaml');
    assert.equal(none.code, 1);
    assert.match(none.err, /^cannot read \/nowhere\/\\u\{1b\}.yaml: there is no such file; .*--url/);
    const off = await hintmesh('status', '-c', folder.write('no-http.yaml', 'http: { enabled: false }\n'));
    assert.equal(off.code, 1);
    assert.match(off.err, /http.enabled is false/);
  });

  test('may be given as a URL, of which only host and port are taken', async () => {
    broker.answers.set('GET /api/status', json(statusOf()));
    for (const host of ['127.0.0.1', 'localhost', '0.0.0.0']) {
      const { code, err } = await hintmesh('status', '--url', `http://${host}:${broker.port}/`);
      assert.deepEqual([code, err], [0, ''], host);
    }
    const six = await fakeBroker('::1');
    six.answers.set('GET /api/status', json(statusOf()));
    for (const host of ['[::1]', '[::]']) {
      const { code, err } = await hintmesh('status', '--url', `http://${host}:${six.port}`);
      assert.deepEqual([code, err], [0, ''], host);
    }
    for (const url of [
      'https://127.0.0.1:1',
      'http://127.0.0.1',
      'http://127.0.0.1:0',
      'http://127.0.0.1:65536',
      'http://u:p@127.0.0.1:1',
      'http://127.0.0.1:1/path',
      'http://[::1:1',
      '127.0.0.1:1',
      'http://a\u001bb:1',
      '',
    ]) {
      const { code, out, err } = await hintmesh('status', '--url', url);
      assert.deepEqual([code, out], [2, ''], url);
      assert.match(err, /^--url ".*" is no address of a broker; write http:\/\/HOST:PORT/);
      assert.doesNotMatch(err, /\u001b/);
    }
  });
});

describe('an answer', () => {
  test('that says no is told with its reason, made printable and cut', async () => {
    assert.equal(
      await failure(json({ error: 'not\u001b[2J here' }, 403)),
      `${broker.url}/api/status is refused (403): not\\u{1b}[2J here`,
    );
    assert.equal(await failure(text('', 500)), `${broker.url}/api/status is refused (500)`);
    assert.equal(
      await failure(text('{"error":1}', 500)),
      `${broker.url}/api/status is refused (500): {"error":1}`,
    );
    assert.ok((await failure(text('x'.repeat(10_000), 500))).length < 400);
    const moved: Answer = (response) => response.writeHead(302, { location: '/api/peers' }).end();
    assert.match(await failure(moved), /is refused \(302\)$/);
  });

  test('that is another than expected is told with the place', async () => {
    const { version: _, ...no } = statusOf();
    const wrong = async (value: unknown, where: string) =>
      assert.equal(
        await failure(json(value)),
        `the answer of ${broker.url} is not understood (${where}): another program is there, or a hintmesh of another version`,
      );
    await wrong({}, 'pbx');
    await wrong(no, 'version');
    await wrong({ ...no, version: '1\u001b[2J', exports: '1' }, 'exports');
    const place = async (value: unknown, where: string) =>
      assert.ok(
        (await failure(json(value))).startsWith(`the answer of ${broker.url} is not understood (${where}): `),
      );
    await place({ ...statusOf(), uptimeSeconds: '3' }, 'uptimeSeconds');
    await place({ ...statusOf(), lamps: { known: 1, owed: -1, unanswered: 0 } }, 'lamps.owed');
    await place({ ...statusOf(), peers: {} }, 'peers');
    await place(
      { ...statusOf(), peers: [peerOf(), { ...peerOf(), link: { transport: 1 } }] },
      'peers[1].link.transport',
    );
    await place({ ...statusOf(), conditions: [null] }, 'conditions[0]');
    assert.match(await failure(text('<html>')), /is not understood \(it is no JSON\)/);
    assert.match(await failure(json(null)), /is not understood: another/);
  });

  test('of a broker of another version is told with both versions, and what to do', async () => {
    const why = `the broker is hintmesh 0.1.9, and this command is ${VERSION}
  restart the broker with this version: systemctl restart hintmesh`;
    const old = statusOf({ version: '0.1.9' });
    assert.equal(
      await failure(json({ ...old, exports: '1' })),
      `the answer of ${broker.url} is not understood (exports): ${why}`,
    );
    broker.answers.set('GET /api/status', json(old));
    broker.answers.set('GET /api/states', json([{ pbx: 'msk', extension: '1001', state: 'INUSE' }]));
    const states = await hintmesh('states', '--url', broker.url);
    assert.deepEqual(states, {
      code: 1,
      out: '',
      err: `the answer of ${broker.url} is not understood ([0].kind): ${why}\n`,
    });
    broker.answers.set('GET /api/status', json(statusOf({ version: VERSION })));
    const same = await hintmesh('states', '--url', broker.url);
    assert.match(same.err, / is hintmesh .* too, but perhaps of another build\n {2}if .* restart it: /);
    for (const status of [json({}, 404), text('no'), json(null), text('')]) {
      broker.answers.set('GET /api/status', status);
      const { err } = await hintmesh('states', '--url', broker.url);
      assert.match(err, /is not understood \(\[0\]\.kind\): another program is there/);
    }
  });

  test('that is no HTTP, or breaks off, is told as such', async () => {
    const err = async (url: string) => (await hintmesh('status', '--url', url)).err;
    assert.match(await err(await rawServer('SSH-2.0-x\r\n', 'end')), /is not understood \(it is no HTTP\)/);
    assert.match(await err(await rawServer('', 'end')), /ended the connection without an answer/);
    const half = 'HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{';
    assert.match(await err(await rawServer(half, 'end')), /ended the connection without an answer/);
  });

  test('that does not come, or does not end, is given up in time', async () => {
    const call = { path: '/api/status', timeoutMs: 100 };
    const silent: Answer = () => {};
    const endless: Answer = (response) => response.writeHead(200).write('{');
    for (const answer of [silent, endless]) {
      broker.answers.set('GET /api/status', answer);
      await assert.rejects(
        ask(ADDRESS, call, () => undefined),
        {
          message: `no answer from ${broker.url} within 0.1 s: the broker hangs, or another program is there`,
        },
      );
    }
  });

  test('that is longer than any broker gives is given up, and its connection ended', async () => {
    let sent = 0;
    const closed = new Promise((resolve) => {
      broker.answers.set('GET /api/status', (response) => {
        const chunk = Buffer.alloc(1024 * 1024, ' ');
        const more = () => {
          sent += chunk.length;
          response.write(chunk, (error) => error ?? more());
        };
        more();
        response.once('close', resolve);
      });
    });
    await assert.rejects(
      ask(ADDRESS, { path: '/api/status', timeoutMs: 60_000 }, () => undefined),
      {
        message: `the answer of ${broker.url} is given up: it has more than ${MAX_ANSWER_BYTES} bytes`,
      },
    );
    await closed;
    assert.ok(sent < 2 * MAX_ANSWER_BYTES);
  });

  test('that goes on is given up when it does not begin, and when nothing is heard for too long', async () => {
    const never = new AbortController().signal;
    const times = { answerMs: 100, silenceMs: 200 };
    const lines: string[] = [];
    const all = async () => {
      for await (const line of follow(ADDRESS, '/api/watch', never, times)) lines.push(line);
    };
    broker.answers.set('GET /api/watch', () => {});
    await assert.rejects(all, { message: /no answer from .* within 0.1 s/ });
    broker.answers.set('GET /api/watch', (response) => response.writeHead(200).write('a\n'));
    await assert.rejects(all, { message: /no answer from .* within 0.2 s/ });
    assert.deepEqual(lines, ['a']);
  });

  test('that goes on may leave its reader all the time it wants', async () => {
    const never = new AbortController().signal;
    broker.answers.set('GET /api/watch', (response) => response.writeHead(200).end('a\nb\n'));
    const lines: string[] = [];
    for await (const line of follow(ADDRESS, '/api/watch', never, { answerMs: 5_000, silenceMs: 20 })) {
      lines.push(line);
      await new Promise((resolve) => setTimeout(resolve, 60));
    }
    assert.deepEqual(lines, ['a', 'b']);
  });
});

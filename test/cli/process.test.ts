// The process around the commands: exit codes, streams, signals.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { newToken, writeToken } from '../../src/cli/token.ts';
import { TAGS_FILE } from '../../src/config/tags.ts';
import { newFolder } from '../config/folder.ts';
import { fakeBroker, json, statusOf } from './fake-broker.ts';
import { freePorts } from './ports.ts';
import { MAIN, run, start } from './spawn.ts';
import { until } from './until.ts';

const folder = newFolder();
const at = (name: string) => join(folder.path, name);

/** Nobody answers at its AMI port. */
async function config(name: string): Promise<string> {
  const { ami, listen } = await freePorts('ami', 'listen');
  return folder.write(
    name,
    `tag: msk
identity_file: msk.pem
state_dir: state
ami: { port: ${ami}, secret_file: secret }
listen: { port: ${listen} }
http: { enabled: false }
export:
  - { context: phones, match: _1XXX }
peers:
  - { tag: spb, url: "wss://127.0.0.1:1", fingerprint: "sha256:${'Q'.repeat(43)}" }
`,
  );
}

before(async () => {
  const { code, out } = await run(['keygen', '--tag', 'msk', '--out', at('msk.pem')]);
  assert.equal(code, 0);
  assert.match(out, /^tag: msk\nfingerprint: sha256:/);
});

describe('the process', () => {
  test('ends with 0, 1 or 2, and tells reasons on stderr', async () => {
    const good = await config('good.yaml');
    const bad = folder.write('bad.yaml', 'tag: MSK\n');
    const [checked, refused, unrun, nonsense] = await Promise.all([
      run(['check', '-c', good]),
      run(['check', '-c', bad]),
      run(['run', '-c', bad]),
      run(['frob']),
    ]);
    assert.deepEqual([checked.code, checked.err], [0, '']);
    assert.match(checked.out, /good.yaml is valid/);
    assert.deepEqual([refused.code, refused.out], [1, '']);
    assert.match(refused.err, /bad.yaml:1:6: tag "MSK"/);
    assert.deepEqual([unrun.code, unrun.out, unrun.err], [1, '', refused.err]);
    assert.equal(nonsense.code, 2);
  });

  test('takes its environment for config', async () => {
    const { code, err } = await run(['check', '-c', await config('env.yaml')], {
      HINTMESH_AMI_PORT: '5038x',
    });
    assert.equal(code, 1);
    assert.match(err, /^HINTMESH_AMI_PORT: ami.port is "5038x"/);
  });
});

describe('run', () => {
  test('logs JSON, remembers its peers, and stops in good order at SIGTERM', async () => {
    const broker = start(['run', '-c', await config('run.yaml')]);
    await broker.says('"event":"started"');
    broker.child.kill('SIGTERM');
    const { code, out, err } = await broker.ended;
    assert.deepEqual([code, err], [0, '']);
    const lines = out
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    assert.equal(lines.at(-1)?.['event'], 'stopped');
    for (const line of lines) assert.equal(line['pbx'], 'msk');
    assert.ok(lines.some(({ event, level }) => event === 'started' && level === 'info'));
    assert.deepEqual(JSON.parse(readFileSync(join(at('state'), TAGS_FILE), 'utf8')).tags, ['spb']);
    assert.ok(!out.includes(readFileSync(at('secret'), 'utf8').trim()));
  });

  test('ends at once at a second signal', async () => {
    const broker = start(['run', '-c', await config('twice.yaml')]);
    await broker.says('"event":"started"');
    // Both wait while it is stopped, so it meets them together, before it can have ended by itself, with 0.
    for (const signal of ['SIGSTOP', 'SIGINT', 'SIGTERM', 'SIGCONT'] as const) broker.child.kill(signal);
    const { code } = await broker.ended;
    assert.ok(code === 128 + 2 || code === 128 + 15, String(code));
  });

  test('fails when it cannot listen, and says why', async () => {
    const file = await config('taken.yaml');
    const port = Number(/listen: \{ port: (\d+)/.exec(readFileSync(file, 'utf8'))?.[1]);
    const taken = createServer().listen(port, '127.0.0.1');
    await new Promise((resolve) => taken.once('listening', resolve));
    const { code, out } = await run(['run', '-c', file]);
    await new Promise((resolve) => taken.close(resolve));
    assert.equal(code, 1);
    assert.match(out, /"event":"start-failed".*another program listens there/);
  });

  test('runs without its memory, and says so', async () => {
    folder.write('no-folder', 'x');
    const broker = start(['run', '-c', await config('memory.yaml')], { HINTMESH_STATE_DIR: 'no-folder' });
    await broker.says('"event":"state-unwritable"');
    await broker.says('"event":"started"');
    broker.child.kill('SIGINT');
    assert.equal((await broker.ended).code, 0);
  });
});

/** A command whose output nobody can take: a full disk, or a pipe that is not read or was closed. */
function startDeaf(args: readonly string[], stdout: 'full' | 'unread' | 'closed') {
  const full = stdout === 'full' ? openSync('/dev/full', 'w') : undefined;
  // Somebody else fills the pipe, so that not even the first line has room.
  const fill = stdout === 'unread' ? 'head -c 10000000 /dev/zero & ' : '';
  const child = spawn('sh', ['-c', `${fill}exec "$0" --import tsx "$@"`, process.execPath, MAIN, ...args], {
    stdio: ['ignore', full ?? 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'] },
  });
  const deadline = setTimeout(() => child.kill('SIGKILL'), 30_000);
  after(() => {
    child.kill('SIGKILL');
    child.stdout?.destroy();
  });
  if (full !== undefined) closeSync(full);
  if (stdout === 'closed') child.stdout?.destroy();
  const said = { err: '' };
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    said.err += text;
  });
  const ended = once(child, 'exit').then(([code, signal]) => {
    clearTimeout(deadline);
    return { code, signal, err: said.err };
  });
  return { child, ended };
}

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => resolve(true)).on('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}

describe('run, when nobody takes its log,', () => {
  for (const stdout of ['full', 'unread', 'closed'] as const) {
    test(`serves, and ends at SIGTERM in time: ${stdout}`, async () => {
      const file = await config(`deaf-${stdout}.yaml`);
      const port = Number(/listen: \{ port: (\d+)/.exec(readFileSync(file, 'utf8'))?.[1]);
      const { child, ended } = startDeaf(['run', '-c', file], stdout);
      await until(() => listens(port));
      const asked = performance.now();
      child.kill('SIGTERM');
      assert.deepEqual(await ended, { code: 0, signal: null, err: '' });
      assert.ok(performance.now() - asked < 5_000);
    });
  }

  test('ends at once at a second signal', async () => {
    const file = await config('deaf-twice.yaml');
    const port = Number(/listen: \{ port: (\d+)/.exec(readFileSync(file, 'utf8'))?.[1]);
    const { child, ended } = startDeaf(['run', '-c', file], 'full');
    await until(() => listens(port));
    for (const signal of ['SIGSTOP', 'SIGINT', 'SIGTERM', 'SIGCONT'] as const) child.kill(signal);
    const { code } = await ended;
    assert.ok(code === 128 + 2 || code === 128 + 15, String(code));
  });
});

describe('a command whose output', () => {
  test('has no reader any more ends quietly, its work done', async () => {
    const good = await config('closed.yaml');
    const checked = startDeaf(['check', '-c', good], 'closed');
    const made = startDeaf(['keygen', '--tag', 'msk', '--out', at('closed.pem')], 'closed');
    assert.deepEqual(await checked.ended, { code: 0, signal: null, err: '' });
    assert.deepEqual(await made.ended, { code: 0, signal: null, err: '' });
    assert.ok(existsSync(at('closed.pem')));
  });

  test('goes to a full disk fails, in one line', async () => {
    const { ended } = startDeaf(['check', '-c', await config('full.yaml')], 'full');
    const err = 'cannot write to standard output: ENOSPC\n';
    assert.deepEqual(await ended, { code: 1, signal: null, err });
  });
});

/** A command on a terminal of its own, at which this is typed as soon as it asks. */
function onTerminal(args: readonly string[], typed: string): Promise<{ code: unknown; out: string }> {
  const command = [process.execPath, '--import', 'tsx', MAIN, ...args].map((word) => `'${word}'`).join(' ');
  const child = spawn('script', ['-qec', command, '/dev/null'], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { PATH: process.env['PATH'], TERM: 'xterm', SHELL: '/bin/sh' },
  });
  after(() => child.kill('SIGKILL'));
  let out = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text;
    if (text.includes('[y/N]')) child.stdin.write(typed);
  });
  return once(child, 'close').then(([code]) => ({ code, out }));
}

describe('at a terminal', () => {
  test('leave asks and heeds the answer, and status is coloured', async () => {
    const broker = await fakeBroker();
    broker.answers.set('GET /api/status', json(statusOf()));
    broker.answers.set('POST /api/leave', json({ leaving: true }, 202));
    await writeToken(at('terminal'), newToken(), broker.url);
    const file = folder.write('terminal.yaml', `state_dir: terminal\nhttp: { port: ${broker.port} }\n`);
    const yes = await onTerminal(['leave', '-c', file], 'y\n');
    assert.equal(yes.code, 0);
    assert.match(yes.out, /msk leaves: its peers are told/);
    assert.deepEqual(
      broker.asked.map(({ what }) => what),
      ['GET /api/status', 'POST /api/leave'],
    );
    // ^D: who goes away has not said yes.
    for (const no of ['n\n', '\u0004'])
      assert.notEqual((await onTerminal(['leave', '-c', file], no)).code, 0);
    assert.equal(broker.asked.filter(({ what }) => what.startsWith('POST')).length, 1);
    assert.ok((await onTerminal(['status', '-c', file], '')).out.includes('\u001b[32mready\u001b[0m'));
  });
});

describe('watch', () => {
  test('ends with 0 at ^C, and by itself when its reader goes', async () => {
    const broker = await fakeBroker();
    broker.answers.set('GET /api/watch', (response) => {
      response.writeHead(200);
      const more = setInterval(
        () => response.write('{"type":"export","kind":"device","extension":"1001","state":"BUSY"}\n'),
        10,
      );
      response.once('close', () => clearInterval(more));
    });
    const watching = start(['watch', '--url', broker.url]);
    await watching.says('1001');
    watching.child.kill('SIGINT');
    const { code, err } = await watching.ended;
    assert.deepEqual([code, err], [0, '']);
    const closed = startDeaf(['watch', '--url', broker.url], 'closed');
    assert.deepEqual(await closed.ended, { code: 0, signal: null, err: '' });
  });

  test('is ended by SIGHUP: its terminal is gone', async () => {
    const broker = await fakeBroker();
    broker.answers.set('GET /api/watch', (response) => {
      response.writeHead(200).write('{"type":"export","kind":"device","extension":"1001","state":"BUSY"}\n');
    });
    const watching = start(['watch', '--url', broker.url]);
    await watching.says('1001');
    watching.child.kill('SIGHUP');
    await watching.ended;
    assert.equal(watching.child.signalCode, 'SIGHUP');
  });
});

describe('a long answer', () => {
  test('arrives whole, however slow its reader', async () => {
    const broker = await fakeBroker();
    const rows = Array.from({ length: 20_000 }, (_, at) => ({
      pbx: 'msk',
      kind: 'device',
      extension: `${at}`,
      state: 'INUSE',
    }));
    broker.answers.set('GET /api/states', json(rows));
    const child = spawn(
      'sh',
      [
        '-c',
        '"$0" --import tsx "$@" | { sleep 2; tail -n 1; }',
        process.execPath,
        MAIN,
        'states',
        '--url',
        broker.url,
      ],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
        env: { PATH: process.env['PATH'] },
      },
    );
    after(() => child.kill('SIGKILL'));
    let out = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      out += text;
    });
    await once(child, 'close');
    assert.equal(out, 'msk  19999      INUSE  -\n');
  });
});

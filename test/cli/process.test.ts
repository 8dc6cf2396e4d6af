// The process around the commands: exit codes, streams, signals.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { TAGS_FILE } from '../../src/config/tags.ts';
import { newFolder } from '../config/folder.ts';
import { run, start } from './spawn.ts';

const folder = newFolder();
const at = (name: string) => join(folder.path, name);

/** A port of loopback that nobody had a moment ago. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  assert.ok(address !== null && typeof address === 'object');
  return address.port;
}

/** Nobody answers at its AMI port. */
async function config(name: string): Promise<string> {
  const [ami, listen] = [await freePort(), await freePort()];
  return folder.write(
    name,
    `tag: msk
identity_file: msk.pem
state_dir: state
ami: { port: ${ami}, secret_file: secret }
listen: { websocket: { port: ${listen} } }
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
    const port = Number(/websocket: \{ port: (\d+)/.exec(readFileSync(file, 'utf8'))?.[1]);
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

// The optional package: processes that have it, that lack it, or that have one which does not work on this machine.
// Nobody loads it who does not ask for it, and a config that asks in vain changes nothing.
import assert from 'node:assert/strict';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { TOKEN_FILE } from '../../src/cli/token.ts';
import type { Status } from '../../src/http/contract.ts';
import { type BrokerFiles, brokerFiles, PEER } from './broker-files.ts';
import { hintmesh } from './in-process.ts';
import { type Running, run, start } from './spawn.ts';
import { until } from './until.ts';

const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url));
const ZEROMQ_PEER = PEER.replace(' }', `, transport: zeromq, curve_key: "${'Q'.repeat(40)}" }`);
const MISSING =
  /b\d+\.yaml:7:9: peer spb cannot have transport: zeromq: the optional package zeromq is not installed; install /;

/** A copy of the sources beside all packages but zeromq; gives its main.ts. */
function withoutZeroMq(): string {
  const tree = mkdtempSync(join(tmpdir(), 'hintmesh-no-zeromq-'));
  after(() => rmSync(tree, { recursive: true, force: true }));
  for (const name of ['src', 'package.json']) {
    cpSync(join(REPOSITORY, name), join(tree, name), { recursive: true });
  }
  mkdirSync(join(tree, 'node_modules'));
  for (const name of readdirSync(join(REPOSITORY, 'node_modules'))) {
    if (name === 'zeromq' || name.startsWith('.')) continue;
    symlinkSync(join(REPOSITORY, 'node_modules', name), join(tree, 'node_modules', name));
  }
  return join(tree, 'src', 'main.ts');
}

async function started(files: BrokerFiles, main?: string): Promise<Running> {
  const broker = start(['run', '-c', files.file], {}, main);
  await broker.says('"event":"started"');
  await until(() => existsSync(join(files.stateDir, TOKEN_FILE)));
  return broker;
}

async function stop({ child, ended }: Running): Promise<void> {
  child.kill('SIGTERM');
  const { code, err } = await ended;
  assert.deepEqual([code, err], [0, '']);
}

async function statusOf({ file }: BrokerFiles): Promise<Status> {
  return JSON.parse((await hintmesh('status', '-c', file, '--json')).out) as Status;
}

/** Whether the library is in the process: proc(5) lists what it has in memory. */
function hasZeroMq({ child }: Running): boolean {
  return /zeromq.*\.node$/m.test(readFileSync(`/proc/${child.pid}/maps`, 'utf8'));
}

describe('where zeromq is not installed', () => {
  const main = withoutZeroMq();

  test('who does not ask for it does not miss it, and who does is told by check and by run', async () => {
    const files = await brokerFiles();
    files.write(`peers: [${PEER}]\n`);
    const plain = await run(['check', '-c', files.file], {}, main);
    assert.equal(plain.code, 0, plain.err);
    files.write(`peers: [${ZEROMQ_PEER}]\n`);
    const [checked, begun] = await Promise.all([
      run(['check', '-c', files.file], {}, main),
      run(['run', '-c', files.file], {}, main),
    ]);
    for (const { code, out, err } of [checked, begun]) {
      assert.deepEqual([code, out], [1, '']);
      assert.match(err, MISSING);
    }
    assert.ok(!existsSync(files.stateDir), 'a broker that cannot run leaves nothing behind');
  });

  test('a reload that asks for it changes nothing, and says so until it does not', async () => {
    const files = await brokerFiles();
    files.write(`peers: [${PEER}]\n`);
    const broker = await started(files, main);
    files.write(`peers: [${ZEROMQ_PEER}]\nlamps: { burst: 5 }\n`);
    const { code, out, err } = await hintmesh('reload', '-c', files.file);
    assert.deepEqual([code, out], [1, '']);
    assert.match(err, MISSING);
    assert.equal(err.trimEnd().split('\n').length, 1);
    broker.child.kill('SIGHUP');
    await until(async () => (await statusOf(files)).counters.reloadsRefused === 2);
    await until(async () => {
      const { conditions } = await statusOf(files);
      return conditions.some((each) => each.code === 'reload-refused' && MISSING.test(each.text));
    });
    files.write(`peers: [${PEER}]\nlamps: { burst: 5 }\n`);
    assert.equal((await hintmesh('reload', '-c', files.file)).out, 'lamps.burst 10 → 5\n');
    await stop(broker);
  });

  test('one that does not work on this machine is told from one that is not there', async () => {
    const files = await brokerFiles();
    files.write(`peers: [${ZEROMQ_PEER}]\n`);
    const broken = withoutZeroMq();
    const place = join(broken, '../../node_modules/zeromq');
    mkdirSync(place);
    writeFileSync(join(place, 'index.js'), 'throw new Error("no such symbol: x\\n    at dlopen");');
    const { code, err } = await run(['check', '-c', files.file], {}, broken);
    assert.equal(code, 1);
    assert.match(err, /b\d+\.yaml:7:9: peer spb .* cannot be loaded here \(no such symbol: x\)/);
    assert.doesNotMatch(err, /dlopen/);
  });
});

describe('where zeromq is installed', () => {
  test('a broker has it in memory from the first reload that asks for it, and not before', async () => {
    const files = await brokerFiles();
    files.write(`peers: [${PEER}]\n`);
    const broker = await started(files);
    assert.equal(hasZeroMq(broker), false);
    files.write(`peers: [${ZEROMQ_PEER}]\n`);
    const { code, out, err } = await hintmesh('reload', '-c', files.file);
    assert.equal(code, 0, err);
    assert.deepEqual(out.trimEnd().split('\n'), [
      'peer spb: transport websocket → zeromq',
      'peer spb: curve_key changed',
    ]);
    assert.equal(hasZeroMq(broker), true);
    await stop(broker);
  });
});

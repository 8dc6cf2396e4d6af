// Reloads of a whole broker process, by signal and by command; and the token that allows the latter.
import assert from 'node:assert/strict';
import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { TOKEN_FILE } from '../../src/cli/token.ts';
import { TAGS_FILE } from '../../src/config/tags.ts';
import type { Status } from '../../src/http/contract.ts';
import { type BrokerFiles, brokerFiles, PEER } from './broker-files.ts';
import { hintmesh } from './in-process.ts';
import { type Running, start } from './spawn.ts';
import { until } from './until.ts';

async function started(files: BrokerFiles): Promise<Running> {
  const broker = start(['run', '-c', files.file]);
  await broker.says('"event":"started"');
  await until(() => existsSync(join(files.stateDir, TOKEN_FILE)));
  return broker;
}

async function stop({ child, ended }: Running): Promise<string[]> {
  child.kill('SIGTERM');
  const { code, out, err } = await ended;
  assert.deepEqual([code, err], [0, '']);
  return out.trimEnd().split('\n');
}

async function statusOf({ file }: BrokerFiles): Promise<Status> {
  const { code, out } = await hintmesh('status', '-c', file, '--json');
  assert.equal(code, 0);
  return JSON.parse(out) as Status;
}

describe('a running broker', () => {
  test('takes a new config by command, remembers its peers, and tells what changed', async () => {
    const files = await brokerFiles();
    const broker = await started(files);
    assert.equal(statSync(join(files.stateDir, TOKEN_FILE)).mode & 0o777, 0o600);
    files.write(`peers: [${PEER}]\nlamps: { burst: 5 }\n`);
    const { code, out, err } = await hintmesh('reload', '-c', files.file);
    assert.equal(code, 0);
    assert.match(err, /^warning: \S+:1:1: nothing is exported: .*\nwarning: \S+: peers\[0\] has no url.*\n$/);
    assert.deepEqual(out.trimEnd().split('\n').sort(), ['lamps.burst 10 → 5', 'peer spb added']);
    assert.deepEqual(JSON.parse(files.state(TAGS_FILE)).tags, ['spb']);
    const { peers, counters } = await statusOf(files);
    assert.deepEqual([peers.map(({ peer }) => peer), counters.reloads], [['spb'], 1]);
    const again = await hintmesh('reload', '-c', files.file);
    assert.equal(again.out, 'reloaded; nothing changed\n');

    files.write('');
    assert.equal((await hintmesh('reload', '-c', files.file)).code, 0);
    const former = (await statusOf(files)).peers;
    assert.deepEqual(
      former.map(({ peer, former }) => [peer, former]),
      [['spb', true]],
    );
    const log = await stop(broker);
    assert.equal(log.filter((line) => line.includes('"event":"reloaded"')).length, 3);
    assert.ok(!log.join().includes(files.state(TOKEN_FILE).split('\n')[0] ?? assert.fail()));
  });

  test('takes a new log level at SIGHUP', async () => {
    const files = await brokerFiles();
    files.write('log: { level: error }\n');
    const broker = start(['run', '-c', files.file]);
    await until(() => existsSync(join(files.stateDir, TOKEN_FILE)));
    files.write('log: { level: info }\n');
    broker.child.kill('SIGHUP');
    await broker.says('log.level error → info');
    files.write('log: { level: error }\n');
    assert.equal((await hintmesh('reload', '-c', files.file)).out, 'log.level info → error\n');
    const events = (await stop(broker)).map((line) => JSON.parse(line) as { event: string; level: string });
    assert.deepEqual(
      events.filter(({ level }) => level === 'info').map(({ event }) => event),
      ['reloaded'],
    );
  });

  test('goes on as it was when the new config is wrong, and says so until it is right', async () => {
    const files = await brokerFiles();
    files.write(`peers: [${PEER}]\n`);
    const broker = await started(files);
    files.write(`peers: [${PEER.replace('spb', 'SPB')}]\nlamps: { burst: many }\n`);
    const { code, out, err } = await hintmesh('reload', '-c', files.file);
    assert.deepEqual([code, out], [1, '']);
    assert.equal(err.trimEnd().split('\n').length, 2);
    for (const where of [/b\d.yaml:7:16: peers\[0\].tag "SPB"/, /b\d.yaml:8:17: lamps.burst is "many"/]) {
      assert.match(err, where);
    }
    await until(async () => (await statusOf(files)).conditions.some(({ code }) => code === 'reload-refused'));
    const { peers, counters, conditions } = await statusOf(files);
    assert.deepEqual([peers.map(({ peer }) => peer), counters.reloadsRefused], [['spb'], 1]);
    assert.match(
      conditions.find(({ code }) => code === 'reload-refused')?.text ?? '',
      /^the config was not taken, and what ran before goes on: .* \(and 1 more\)$/,
    );
    broker.child.kill('SIGHUP');
    await until(async () => (await statusOf(files)).counters.reloadsRefused === 2);
    files.write(`peers: [${PEER}]\n`);
    broker.child.kill('SIGHUP');
    await until(
      async () => !(await statusOf(files)).conditions.some(({ code }) => code === 'reload-refused'),
    );
    const refused = (await stop(broker)).filter((line) => line.includes('"event":"reload-refused"'));
    assert.equal(refused.length, 6);
    for (const line of refused) assert.equal((JSON.parse(line) as { level: string }).level, 'warn');
  });

  test('is found though its HTTP address was changed in the config, and says that this needs a restart', async () => {
    const files = await brokerFiles();
    const broker = await started(files);
    assert.equal(files.state(TOKEN_FILE).split('\n')[1], files.http);
    files.changeHttp('{ port: 1 }');
    const { code, err } = await hintmesh('reload', '-c', files.file);
    assert.deepEqual([code, err.split(',')[0]], [1, 'http.port changed']);
    files.changeHttp('{ enabled: false }');
    assert.match(
      (await hintmesh('reload', '-c', files.file)).err,
      /^http\.\S*.* changed, which needs a restart/,
    );
    assert.equal((await hintmesh('leave', '-c', files.file, '--yes')).code, 0);
    assert.equal((await broker.ended).code, 0);
  });

  test('leaves a loopback address where it listens on all of them', async () => {
    const files = await brokerFiles();
    files.changeHttp(`{ host: "0.0.0.0", port: ${new URL(files.http).port} }`);
    const broker = await started(files);
    assert.equal(files.state(TOKEN_FILE).split('\n')[1], files.http);
    await stop(broker);
  });

  test('lets commands in at a SIGHUP once it can write its token', async () => {
    const files = await brokerFiles();
    writeFileSync(files.stateDir, 'a file where the folder should be');
    const broker = start(['run', '-c', files.file]);
    await broker.says('hintmesh reload and leave do not work');
    assert.equal((await hintmesh('reload', '-c', files.file)).code, 1);
    rmSync(files.stateDir);
    broker.child.kill('SIGHUP');
    await until(() => existsSync(join(files.stateDir, TOKEN_FILE)));
    const { code, out } = await hintmesh('reload', '-c', files.file);
    assert.deepEqual([code, out], [0, 'reloaded; nothing changed\n']);
    await stop(broker);
  });

  test('refuses as a whole what needs a restart, and names it', async () => {
    const files = await brokerFiles();
    const broker = await started(files);
    files.write(`peers: [${PEER}]\ninsecure: true\n`);
    const { code, err } = await hintmesh('reload', '-c', files.file);
    assert.equal(code, 1);
    assert.match(err, /^insecure changed, which needs a restart of the broker/);
    assert.deepEqual((await statusOf(files)).peers, []);
    await stop(broker);
  });

  test('survives a storm of SIGHUPs, and then runs on what the file says', async () => {
    const files = await brokerFiles();
    const broker = await started(files);
    // One that comes before the last was taken is no signal of its own, so it is counted what came of them.
    await until(async () => {
      for (let count = 0; count < 50; count++) broker.child.kill('SIGHUP');
      return (await statusOf(files)).counters.reloads >= 20;
    });
    files.write(`peers: [${PEER}]\n`);
    broker.child.kill('SIGHUP');
    await until(async () => (await statusOf(files)).peers.length === 1);
    const log = await stop(broker);
    assert.ok(
      !log.join().includes('"level":"error","time"') || !log.join().includes('"event":"stop-forced"'),
    );
  });

  test('heeds a SIGHUP that came before it could read its config', async () => {
    const files = await brokerFiles();
    const broker = start(['run', '-c', files.file]);
    const { pid } = broker.child;
    // As soon as a handler is in place the signal kills nobody (proc(5): SigCgt; SIGHUP is signal 1, bit 0); until
    // then that is not ours to hinder. The rest of the program is not even loaded then.
    await until(() => {
      const caught = /^SigCgt:\s*([0-9a-f]+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
      return (BigInt(`0x${caught ?? '0'}`) & 1n) === 1n;
    });
    broker.child.kill('SIGHUP');
    await broker.says('"event":"reloaded"');
    const log = await stop(broker);
    const events = log.map((line) => (JSON.parse(line) as { event: string }).event);
    assert.ok(events.indexOf('started') < events.indexOf('reloaded'));
  });

  test('keeps its token when another one is started by mistake', async () => {
    const files = await brokerFiles();
    const broker = await started(files);
    const token = files.state(TOKEN_FILE);
    const second = await start(['run', '-c', files.file]).ended;
    assert.equal(second.code, 1);
    assert.match(second.out, /"event":"start-failed".*http.port/);
    assert.equal(files.state(TOKEN_FILE), token);
    assert.equal((await hintmesh('reload', '-c', files.file)).code, 0);
    await stop(broker);
  });

  test('serves without a state directory it can write to, and says what does not work then', async () => {
    const files = await brokerFiles();
    const broker = start(['run', '-c', files.file], { HINTMESH_STATE_DIR: '/dev/null' });
    await broker.says('"event":"started"');
    await broker.says('hintmesh reload and leave do not work');
    await until(async () =>
      (await statusOf(files)).conditions.some(({ code }) => code === 'memory-unwritable'),
    );
    const { code, err } = await hintmesh('reload', '-c', files.file);
    assert.equal(code, 1);
    assert.match(
      err,
      /^cannot read the broker's token .*: there is no such file\n {2}if the broker does not run, start it;/,
    );
    await stop(broker);
  });
});

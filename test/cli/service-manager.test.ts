// What systemd is told, in which order, and that telling it never disturbs the broker. The program that tells it is
// a script here, which writes down what it was given; systemd-notify.test.ts has the real one.
import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, test } from 'node:test';
import { ServiceManager } from '../../src/cli/service-manager.ts';
import { newFolder } from '../config/folder.ts';
import { until } from './until.ts';

const folder = newFolder();
let made = 0;

/** A folder with a `systemd-notify` that does this; `"$@"` is what it is given, `$LOG` the file for it. */
function program(script: string): { readonly path: string; readonly told: () => string[] } {
  made += 1;
  const path = join(folder.path, `bin${made}`);
  const log = join(path, 'log');
  mkdirSync(path);
  writeFileSync(join(path, 'systemd-notify'), `#!/bin/sh\nLOG=${log}\n${script}\n`);
  chmodSync(join(path, 'systemd-notify'), 0o755);
  return { path, told: () => (existsSync(log) ? readFileSync(log, 'utf8').trimEnd().split('\n') : []) };
}

const WRITE_DOWN = 'IFS=" "; echo "$*" >>$LOG';

interface Made {
  readonly service: ServiceManager;
  readonly failures: string[];
  status: string;
}

const running: ServiceManager[] = [];
afterEach(() => {
  for (const service of running.splice(0)) service.stopping();
});

function newService(path: string, env: Record<string, string> = {}, notify = 10_000): Made {
  const failures: string[] = [];
  const made: Made = {
    status: 's0',
    failures,
    service: new ServiceManager(
      {
        env: { NOTIFY_SOCKET: '/nowhere', PATH: path, ...env },
        status: () => made.status,
        failed: (why) => failures.push(why),
      },
      { notify, statusEvery: 20 },
    ),
  };
  running.push(made.service);
  return made;
}

describe('the service manager', () => {
  test('is told of start, reloads and stop, in order, with the status when it is another', async () => {
    const { path, told } = program(WRITE_DOWN);
    const made = newService(path);
    made.service.started();
    await until(() => told().length === 1);
    const before = process.hrtime.bigint() / 1_000n;
    made.service.reloading();
    await until(() => told().length === 2);
    made.status = 's1';
    made.service.reloaded();
    await until(() => told().length === 3);
    made.status = 's2';
    await until(() => told().length === 4);
    made.service.stopping();
    await until(() => told().length === 5);
    const [reloading, ...others] = told().splice(1, 4);
    assert.deepEqual(
      [told()[0], ...others],
      ['READY=1 STATUS=s0', 'READY=1 STATUS=s1', 'STATUS=s2', 'STOPPING=1'],
    );
    const [, at] = /^RELOADING=1 MONOTONIC_USEC=(\d+)$/.exec(reloading ?? '') ?? [];
    assert.ok(at !== undefined && BigInt(at) >= before && BigInt(at) <= process.hrtime.bigint() / 1_000n);
    assert.deepEqual(made.failures, []);
  });

  test('is told nothing without a socket to tell it', async () => {
    const { path, told } = program(WRITE_DOWN);
    const { service } = newService(path, { NOTIFY_SOCKET: '', WATCHDOG_USEC: '1000' });
    service.started();
    service.reloading();
    service.stopping();
    const control = newService(path);
    control.service.started();
    await until(() => told().length > 0);
    assert.deepEqual(told(), ['READY=1 STATUS=s0']);
  });

  test('hears one message at a time, and of reloads that pile up the last only', async () => {
    const { path, told } = program(`[ -e "$LOG.busy" ] && echo overlap >>$LOG
echo >"$LOG.busy"; /bin/sleep 0.05; ${WRITE_DOWN}; /bin/rm "$LOG.busy"`);
    const { service } = newService(path);
    service.started();
    for (let count = 0; count < 100; count++) {
      service.reloading();
      service.reloaded();
    }
    service.stopping();
    await until(() => told().at(-1) === 'STOPPING=1');
    assert.deepEqual(
      told().map((line) => line.split(' ')[0]),
      ['READY=1', 'RELOADING=1', 'READY=1', 'STOPPING=1'],
    );
  });

  test('gets signs of life at four times the pace it wants, though another message hangs', async () => {
    const { path, told } = program(`case "$*" in WATCHDOG=1) ${WRITE_DOWN};; *) exec /bin/sleep 1000;; esac`);
    const watchdog = { WATCHDOG_USEC: '200000', WATCHDOG_PID: String(process.pid) };
    const { service } = newService(path, watchdog, 1_000);
    const begun = performance.now();
    service.started();
    await until(() => told().length >= 3);
    assert.ok(performance.now() - begun >= 140, 'one each 50 ms');
    service.stopping();
  });

  test('gets one sign of life at a time', async () => {
    const { path, told } = program('echo $$ >>$LOG; exec /bin/sleep 1000');
    const { service, failures } = newService(path, { WATCHDOG_USEC: '1000' }, 500);
    service.started();
    // The first hangs beside the message of the start; others come when both were given up.
    await until(() => told().length === 2);
    await until(() => failures.length === 1);
    assert.deepEqual(failures, ['systemd-notify took longer than 0.5 s and was killed']);
    await until(() => told().length > 2);
    service.stopping();
  });

  test('gets none that it does not want, or wants of another process', async () => {
    for (const env of [
      {},
      { WATCHDOG_USEC: '0' },
      { WATCHDOG_USEC: 'x' },
      { WATCHDOG_USEC: '200000', WATCHDOG_PID: '1' },
    ]) {
      const { path, told } = program(WRITE_DOWN);
      const made = newService(path, env);
      made.service.started();
      for (const status of ['s1', 's2', 's3', 's4', 's5']) {
        const before = told().length;
        made.status = status;
        await until(() => told().length > before && told().at(-1) === `STATUS=${status}`);
        // Five times this is more than it would take a sign of life to come.
        await new Promise((resolve) => setTimeout(resolve, 40));
      }
      assert.ok(!told().includes('WATCHDOG=1'), JSON.stringify(env));
      made.service.stopping();
    }
  });

  test('that cannot be told is told of in the log, with the reason', async () => {
    for (const [path, why] of [
      [join(folder.path, 'empty'), /^there is no program systemd-notify: install/],
      [
        program('echo "no\u001b socket" >&2; exit 3').path,
        /^systemd-notify ended with 3: no\\u\{1b\} socket$/,
      ],
      [program('kill -9 $$').path, /^systemd-notify ended with a signal$/],
    ] as const) {
      const { service, failures } = newService(path);
      service.started();
      await until(() => failures.length > 0);
      assert.match(failures.join(), why);
    }
  });

  test('that cannot be told is told of once, and the next message is tried all the same', async () => {
    const { path, told } = program(`${WRITE_DOWN}; exit 1`);
    const made = newService(path);
    made.service.started();
    made.service.reloading();
    made.service.reloaded();
    await until(() => told().length === 3);
    made.status = 's1';
    await until(() => told().at(-1) === 'STATUS=s1');
    assert.equal(made.failures.length, 1);
  });

  test('is told by a program that knows the socket and the path, and nothing else of us', async () => {
    const { path, told } = program('/usr/bin/env >>$LOG');
    const { service } = newService(path, { HINTMESH_AMI_SECRET: 'hunter2' });
    service.started();
    await until(() => told().some((line) => line.startsWith('_=') || line.startsWith('PWD=')));
    assert.ok(told().includes('NOTIFY_SOCKET=/nowhere'));
    assert.ok(!told().join('\n').includes('hunter2'));
  });
});

// The unit under a real systemd: it starts when the broker is ready, kills one that hangs, hands over secrets
// that only root can read, reloads, and stops in good order.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { generateIdentity } from '../../src/mesh/identity.ts';
import { until } from '../until.ts';
import { SystemdHost, whyNot } from './systemd-host.ts';
import { missing, tool } from './tools.ts';

/** What the issue allows from SIGTERM to the end. */
const STOPS_WITHIN_US = 5_000_000;
/** WatchdogSec, the kill, RestartSec and a start. */
const BACK_WITHIN_MS = 30_000;
const CONFIG_FILE = '/etc/hintmesh/hintmesh.yaml';
const SECRET = 'not-to-be-read-by-hintmesh';

const config = (level: string): string => `tag: msk
ami: { secret_file: ami.secret }
export: [{ context: ext-local, match: _1XXX }]
peers: []
log: { level: ${level} }
`;

// Its package is installed if it can be.
const systemd = await tool('systemd-analyze');
const why = systemd.skip === false ? whyNot() : systemd.skip;
const skip = why === undefined ? false : missing(`no systemd can be started here: ${why}`).skip;

describe('deploy/hintmesh.service under a real systemd', { skip }, () => {
  const host = new SystemdHost();
  const event = (name: string): string[] =>
    host.journal().filter((line) => line.includes(`"event":"${name}"`));

  before(async () => {
    const identity = await generateIdentity('msk');
    await host.start({ config: config('info'), identity, secret: `${SECRET}\n` });
  });
  after(() => host.close());

  test('the start is over when the broker says that it runs', () => {
    host.systemctl('start', 'hintmesh');
    assert.equal(host.show('ActiveState'), 'active');
    assert.equal(event('started').length, 1);
    // No Asterisk is there; that is no reason not to start.
    assert.match(host.show('StatusText'), /^not ready/);
  });

  test('hintmesh status finds it with the path of the config that is the default', () => {
    const { ok, out } = host.run('hintmesh', 'status', '--json');
    assert.ok(ok, out);
    assert.equal(JSON.parse(out).pbx, 'msk');
  });

  test('it runs as hintmesh, who can read neither secret where it lies', () => {
    assert.equal(host.run('stat', '-c', '%U', `/proc/${host.show('MainPID')}`).out, 'hintmesh');
    for (const file of ['identity.pem', 'ami.secret']) {
      const { ok } = host.run(
        'setpriv',
        '--reuid=hintmesh',
        '--clear-groups',
        'cat',
        `/etc/hintmesh/${file}`,
      );
      assert.ok(!ok, file);
    }
    // A broker that had not read the secret would not have started; it does not tell it either.
    assert.ok(!host.journal().some((line) => line.includes(SECRET)));
  });

  test('its state folder is the one place that it can write to', () => {
    // Root in the mount namespace of the service: what the file system itself refuses.
    const pid = readFileSync(host.path('/sys/fs/cgroup/system.slice/hintmesh.service/cgroup.procs'), 'utf8');
    assert.equal(pid.trim().split('\n').length, 1, 'the broker alone');
    const touch = (file: string) =>
      host.run('nsenter', '-t', host.show('MainPID'), '--mount', '--wd=/', 'touch', file);
    for (const folder of ['/etc/hintmesh', '/usr', '/var/log', '/']) {
      assert.match(touch(`${folder}/written`).out, /Read-only file system/, folder);
    }
    assert.equal(touch('/var/lib/hintmesh/written').out, '');
    assert.equal(host.run('stat', '-c', '%U %a', '/var/lib/hintmesh').out, 'hintmesh 700');
  });

  test('systemctl reload takes a new config over without a restart', () => {
    const pid = host.show('MainPID');
    writeFileSync(host.path(CONFIG_FILE), config('debug'));
    host.systemctl('reload', 'hintmesh');
    assert.equal(event('reloaded').length, 1);
    assert.equal(host.show('MainPID'), pid);
  });

  test('systemctl reload fails on a bad config, and the broker goes on', () => {
    const pid = host.show('MainPID');
    writeFileSync(host.path(CONFIG_FILE), config('loud'));
    assert.ok(!host.run('systemctl', 'reload', 'hintmesh').ok);
    assert.match(host.journal().join('\n'), /log\.level/);
    assert.equal(host.show('ActiveState'), 'active');
    assert.equal(host.show('MainPID'), pid);
    writeFileSync(host.path(CONFIG_FILE), config('info'));
    host.systemctl('reload', 'hintmesh');
  });

  test('a secret that changes is not seen by a reload: the broker has a copy', () => {
    writeFileSync(host.path('/etc/hintmesh/ami.secret'), 'another\n');
    host.systemctl('reload', 'hintmesh');
    assert.deepEqual(JSON.parse(event('reloaded').at(-1) ?? '').changes, []);
  });

  test('the journal knows its lines by the name hintmesh, and each is JSON, those of a reload too', () => {
    const { out } = host.run('journalctl', '--identifier', 'hintmesh', '--output', 'cat', '--no-pager');
    const lines = out.split('\n');
    assert.ok(lines.length > 5);
    for (const line of lines) JSON.parse(line);
  });

  test('a broker that hangs is killed by the watchdog and started again', async () => {
    const pid = host.show('MainPID');
    assert.ok(host.run('kill', '-STOP', pid).ok);
    await until(
      () => `another broker runs\n${host.journal().join('\n')}`,
      () => host.show('NRestarts') === '1' && host.show('ActiveState') === 'active',
      BACK_WITHIN_MS,
    );
    assert.notEqual(host.show('MainPID'), pid);
    assert.match(host.journal().join('\n'), /Watchdog timeout/);
    assert.equal(event('started').length, 2);
  });

  test('a broker that does not hang tells the watchdog so in time', async () => {
    const pid = host.show('MainPID');
    const last = host.show('WatchdogTimestampMonotonic');
    await until(
      'the watchdog hears of it',
      () => host.show('WatchdogTimestampMonotonic') !== last,
      BACK_WITHIN_MS,
    );
    assert.equal(host.show('MainPID'), pid);
  });

  test('a broker that dies is started again', async () => {
    assert.ok(host.run('kill', '-KILL', host.show('MainPID')).ok);
    await until(
      'another broker runs',
      () => host.show('NRestarts') === '2' && host.show('ActiveState') === 'active',
      BACK_WITHIN_MS,
    );
  });

  test('the running service is no more exposed than the README says', () => {
    const told = /Overall exposure level for hintmesh\.service: (\d+\.\d)/;
    const readme = told.exec(readFileSync('deploy/README.md', 'utf8'))?.[1];
    const { out } = host.run('systemd-analyze', 'security', '--no-pager', 'hintmesh.service');
    assert.ok(Number(told.exec(out)?.[1]) <= Number(readme), out);
  });

  test('systemctl stop ends it in good order within 5 s', () => {
    // CLOCK_MONOTONIC, as systemd uses.
    const begun = Number(process.hrtime.bigint() / 1000n);
    host.systemctl('stop', 'hintmesh');
    assert.equal(host.show('Result'), 'success');
    assert.equal(host.show('ExecMainStatus'), '0');
    assert.equal(event('stopped').length, 1);
    assert.ok(Number(host.show('ExecMainExitTimestampMonotonic')) - begun < STOPS_WITHIN_US);
  });

  test('a broker that leaves for good is not started again', async () => {
    host.systemctl('start', 'hintmesh');
    const { ok, out } = host.run('hintmesh', 'leave', '--yes');
    assert.ok(ok, out);
    await until('it has ended', () => host.show('ActiveState') === 'inactive');
    assert.equal(host.show('Result'), 'success');
  });
});

// The broker as a service of systemd, as far as that goes without one: the real systemd-notify, and a socket that
// takes its messages as systemd does. Node has no such sockets, so a Perl (part of every Debian) listens; it lets go
// of the descriptor that comes with BARRIER=1, which is how systemd says that it has taken what came before.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { newFolder } from '../config/folder.ts';
import { freePorts } from './ports.ts';
import { run, start } from './spawn.ts';

const folder = newFolder();
const SOCKET = join(folder.path, 'notify');

const LISTEN = `use Socket; $| = 1;
socket(my $s, AF_UNIX, SOCK_DGRAM, 0) or die $!; bind($s, pack_sockaddr_un($ARGV[0])) or die $!;
print "listening\\n";
while (defined recv($s, my $message, 65536, 0)) { $message =~ tr/\\n/ /; print "$message\\n" }`;

/** On a system that may have it, its absence is a failure and no reason to test nothing. */
function skip(): string | false {
  if (process.platform !== 'linux') return 'systemd is of Linux';
  const found = spawnSync('systemd-notify', ['--version']);
  assert.equal(found.status, 0, 'systemd-notify is missing: apt-get install systemd');
  return false;
}

async function listen(): Promise<{
  readonly heard: string[];
  until(condition: () => boolean): Promise<void>;
}> {
  const child = spawn('perl', ['-e', LISTEN, SOCKET], { stdio: ['ignore', 'pipe', 'inherit'] });
  after(() => child.kill('SIGKILL'));
  const heard: string[] = [];
  let rest = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    heard.push(...lines.map((line) => line.trim()).filter((line) => line !== 'BARRIER=1'));
  });
  const until = async (condition: () => boolean) => {
    while (!condition()) await once(child.stdout, 'data', { signal: AbortSignal.timeout(30_000) });
  };
  await until(() => heard.includes('listening'));
  return { heard, until };
}

describe('the broker as a service', { skip: skip() }, () => {
  before(async () => {
    assert.equal((await run(['keygen', '--tag', 'msk', '--out', join(folder.path, 'msk.pem')])).code, 0);
  });

  test('tells systemd that it is ready, alive, reloading and stopping', async () => {
    const { heard, until } = await listen();
    const { ami, listen: port, http } = await freePorts('ami', 'listen', 'http');
    const config = folder.write(
      'service.yaml',
      `tag: msk
identity_file: msk.pem
state_dir: state
ami: { port: ${ami}, secret_file: secret }
listen: { port: ${port} }
http: { port: ${http} }
peers: [{ tag: spb, fingerprint: "sha256:${'Q'.repeat(43)}" }]
`,
    );
    const broker = start(['run', '-c', config], { NOTIFY_SOCKET: SOCKET, WATCHDOG_USEC: '1000000' });
    await until(() => heard.some((line) => line.startsWith('READY=1')));
    assert.equal(heard[1], 'READY=1 STATUS=not ready, waits for asterisk and first-sync; peers live 0/1');
    await until(() => heard.filter((line) => line === 'WATCHDOG=1').length >= 3);
    const ready = heard.filter((line) => line.startsWith('READY=1')).length;
    broker.child.kill('SIGHUP');
    await until(() => heard.filter((line) => line.startsWith('READY=1')).length > ready);
    assert.ok(heard.some((line) => /^RELOADING=1 MONOTONIC_USEC=\d+$/.test(line)));
    broker.child.kill('SIGTERM');
    const { code, out } = await broker.ended;
    await until(() => heard.includes('STOPPING=1'));
    assert.equal(code, 0);
    assert.doesNotMatch(out, /notify-failed/);
  });

  test('serves as ever when systemd does not listen, and says so once', async () => {
    const { ami, listen: port } = await freePorts('ami', 'listen');
    const config = folder.write(
      'deaf.yaml',
      `tag: msk\nidentity_file: msk.pem\nstate_dir: state\nami: { port: ${ami}, secret_file: secret }
listen: { port: ${port} }\nhttp: { enabled: false }\n`,
    );
    const broker = start(['run', '-c', config], {
      NOTIFY_SOCKET: join(folder.path, 'nobody'),
      WATCHDOG_USEC: '400000',
    });
    await broker.says('"event":"notify-failed"');
    broker.child.kill('SIGHUP');
    await broker.says('"event":"reloaded"');
    broker.child.kill('SIGTERM');
    const { code, out } = await broker.ended;
    assert.equal(code, 0);
    assert.equal(out.match(/"event":"notify-failed"/g)?.length, 1);
    assert.match(out, /systemd is not told how the broker is: systemd-notify ended with 1: /);
  });
});

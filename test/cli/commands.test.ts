// Every command, in this process: what it prints where, its exit code, and what it does to files.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, lstatSync, readFileSync, statSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { parse } from 'yaml';
import { formatFinding } from '../../src/config/findings.ts';
import { loadConfig } from '../../src/config/load.ts';
import { isCurveKey, isFingerprint, loadIdentity } from '../../src/mesh/identity.ts';
import { newFolder } from '../config/folder.ts';
import { hintmesh } from './in-process.ts';

const folder = newFolder();
const at = (name: string) => join(folder.path, name);
const WSS = 'wss://msk.example.com:7440';

describe('keygen', () => {
  test('makes an identity that only its owner can read', async () => {
    const { code, err } = await hintmesh('keygen', '--tag', 'msk', '--out', at('a.pem'));
    assert.deepEqual([code, err], [0, '']);
    assert.equal(statSync(at('a.pem')).mode & 0o777, 0o600);
    assert.deepEqual(loadIdentity(readFileSync(at('a.pem'), 'utf8')).names, ['msk']);
  });

  test('prints YAML with the tag, the keys and the line for other peers, and nothing secret', async () => {
    const { out } = await hintmesh('keygen', '--tag', 'msk', '--out', at('b.pem'), '--url', WSS);
    const { fingerprint, key, curve } = loadIdentity(readFileSync(at('b.pem'), 'utf8'));
    assert.ok(isFingerprint(fingerprint));
    assert.ok(curve && isCurveKey(curve.publicKey));
    const entry = { tag: 'msk', url: WSS, fingerprint, curve_key: curve.publicKey };
    assert.deepEqual(parse(out), {
      tag: 'msk',
      fingerprint,
      curve_key: curve.publicKey,
      identity_file: at('b.pem'),
      peers: [entry],
    });
    assert.deepEqual(parse(out.trimEnd().split('\n').at(-1) ?? ''), [entry]);
    for (const secret of [
      curve.secretKey,
      'PRIVATE',
      ...key.split('\n').filter((each) => !each.startsWith('-')),
    ]) {
      if (secret !== '') assert.ok(!out.includes(secret));
    }
  });

  test('overwrites no identity unless it is told to', async () => {
    await hintmesh('keygen', '--tag', 'msk', '--out', at('c.pem'));
    const before = readFileSync(at('c.pem'), 'utf8');
    const { code, err, out } = await hintmesh('keygen', '--tag', 'msk', '--out', at('c.pem'));
    assert.equal(code, 1);
    assert.equal(out, '');
    assert.match(err, /c.pem exists and is left as it is; .*--force/);
    assert.equal(readFileSync(at('c.pem'), 'utf8'), before);

    assert.equal((await hintmesh('keygen', '--tag', 'msk', '--out', at('c.pem'), '--force')).code, 0);
    assert.notEqual(readFileSync(at('c.pem'), 'utf8'), before);
    assert.equal(statSync(at('c.pem')).mode & 0o777, 0o600);
  });

  test('makes no file for a tag or a url that is none', async () => {
    const bad = await hintmesh('keygen', '--tag', 'MSK', '--out', at('d.pem'));
    assert.equal(bad.code, 2);
    assert.match(bad.err, /--tag "MSK" has an upper-case letter/);
    const url = await hintmesh('keygen', '--tag', 'msk', '--out', at('d.pem'), '--url', 'msk.example.com');
    assert.equal(url.code, 2);
    assert.match(url.err, /--url is no address of a peer; write wss:\/\/HOST:PORT/);
    const tcp = await hintmesh('keygen', '--tag', 'msk', '--out', at('d.pem'), '--url', 'tcp://msk:7440');
    assert.equal(tcp.code, 2);
    assert.match(tcp.err, /--url is tcp:\/\/, .*; wss:\/\/ goes with both transports/);
    assert.ok(!existsSync(at('d.pem')));
  });

  test('says that a folder is no file, also with --force', async () => {
    for (const force of [[], ['--force']]) {
      const { code, err } = await hintmesh('keygen', '--tag', 'msk', '--out', folder.path, ...force);
      assert.equal(code, 1);
      assert.equal(err, `${folder.path} is a folder; name a file in it: --out ${at('identity.pem')}\n`);
    }
  });

  test('with --force replaces what a symbolic link leads to, and keeps the link', async () => {
    folder.write('target.pem', 'old');
    symlinkSync('target.pem', at('link.pem'));
    assert.equal((await hintmesh('keygen', '--tag', 'msk', '--out', at('link.pem'), '--force')).code, 0);
    assert.ok(lstatSync(at('link.pem')).isSymbolicLink());
    assert.deepEqual(loadIdentity(readFileSync(at('target.pem'), 'utf8')).names, ['msk']);

    symlinkSync('nowhere.pem', at('dangling.pem'));
    const { code, err } = await hintmesh('keygen', '--tag', 'msk', '--out', at('dangling.pem'), '--force');
    assert.equal(code, 1);
    assert.match(err, /cannot write .*dangling.pem: ENOENT/);
    assert.ok(lstatSync(at('dangling.pem')).isSymbolicLink());
  });

  test('says when it cannot write', async () => {
    const { code, err } = await hintmesh('keygen', '--tag', 'msk', '--out', at('none/d.pem'));
    assert.equal(code, 1);
    assert.match(err, /cannot write .*none\/d.pem: ENOENT/);
  });

  test('prints a line that another broker takes as it is, and with ZeroMQ', async () => {
    const other = newFolder();
    await hintmesh('keygen', '--tag', 'spb', '--out', join(other.path, 'spb.pem'));
    const { out } = await hintmesh('keygen', '--tag', 'msk', '--out', at('e.pem'), '--url', WSS);
    const peers = out.slice(out.indexOf('\npeers:') + 1);
    const file = other.write(
      'h.yaml',
      `tag: spb\nidentity_file: spb.pem\nami: { secret_file: secret }\n${peers}`,
    );
    const loaded = loadConfig(file, {}, { identify: loadIdentity, isFingerprint, isCurveKey });
    assert.deepEqual(loaded.ok ? [] : loaded.mistakes.map(formatFinding), []);
    const checked = await hintmesh('check', '-c', file);
    assert.equal(checked.code, 0);
    const { fingerprint, curve } = loadIdentity(readFileSync(at('e.pem'), 'utf8'));
    assert.ok(checked.out.includes(`peers     msk  websocket  ${WSS}  ${fingerprint}  gone: UNAVAILABLE\n`));
    other.write('h.yaml', readFileSync(file, 'utf8').replace(/ }\n$/, ', transport: zeromq }\n'));
    const zeromq = await hintmesh('check', '-c', file);
    assert.equal(zeromq.code, 0, zeromq.err);
    const line = `peers     msk  zeromq  ${WSS}  ${curve?.publicKey}  ${fingerprint}  gone: UNAVAILABLE\n`;
    assert.ok(zeromq.out.includes(line), zeromq.out);
  });
});

describe('fingerprint', () => {
  test('prints again what keygen printed, from the file or the config', async () => {
    const made = await hintmesh('keygen', '--tag', 'msk', '--out', at('f.pem'), '--url', WSS);
    const again = await hintmesh('fingerprint', '--identity', at('f.pem'), '--url', WSS);
    assert.deepEqual(again, { code: 0, out: made.out, err: '' });
    const config = folder.write('f.yaml', 'tag: msk\nidentity_file: f.pem\nami: { secret_file: secret }\n');
    assert.deepEqual(await hintmesh('fingerprint', '-c', config, '--url', WSS), again);
  });

  test('of an identity without a key for ZeroMQ says how to add one, and that is right', async () => {
    await hintmesh('keygen', '--tag', 'msk', '--out', at('whole.pem'));
    const [certificate = '', key = ''] =
      readFileSync(at('whole.pem'), 'utf8').match(/-----BEGIN[^-]+-----[^-]+-----END[^-]+-----\n/g) ?? [];
    // As other tools may leave it: without the last line's end.
    folder.write('part.pem', `${certificate}${key}`.trimEnd());
    const before = await hintmesh('fingerprint', '--identity', at('part.pem'));
    assert.deepEqual([before.code, before.err], [0, '']);
    const { fingerprint } = loadIdentity(certificate + key);
    assert.deepEqual(parse(before.out).peers, [{ tag: 'msk', fingerprint }]);
    assert.doesNotMatch(before.out, /curve_key:/);
    const [, command = ''] = /^# No curve_key, .* To add one: (openssl .*)$/m.exec(before.out) ?? [];
    const { status, stderr } = spawnSync('sh', ['-c', command], { encoding: 'utf8' });
    assert.equal(status, 0, stderr);
    const after = loadIdentity(readFileSync(at('part.pem'), 'utf8'));
    assert.equal(after.fingerprint, fingerprint);
    assert.ok(after.curve && isCurveKey(after.curve.publicKey));
    assert.deepEqual(parse((await hintmesh('fingerprint', '--identity', at('part.pem'))).out).peers, [
      { tag: 'msk', fingerprint, curve_key: after.curve.publicKey },
    ]);
  });

  test('says what is wrong with a file', async () => {
    const none = await hintmesh('fingerprint', '--identity', at('nowhere.pem'));
    assert.equal(none.code, 1);
    assert.match(none.err, /cannot read .*nowhere.pem: there is no such file/);
    const fake = await hintmesh('fingerprint', '--identity', at('identity.pem'));
    assert.equal(fake.code, 1);
    assert.match(fake.err, /identity.pem: identity: /);
  });
});

describe('check', () => {
  test('prints what it understood', async () => {
    await hintmesh('keygen', '--tag', 'msk', '--out', at('g.pem'));
    const config = folder.write(
      'g.yaml',
      `tag: msk
identity_file: g.pem
state_dir: state
ami: { secret_file: secret, host: pbx, tls: { enabled: true } }
listen: { host: "0.0.0.0" }
ca_file: ca.pem
export:
  - { context: ext-local, match: [_1XXX, 0100-0199] }
  - { channels: "DAHDI/{ext}", match: 30 }
  - { device: ["PJSIP/{ext}", "SIP/{ext}"], match: [${Array.from({ length: 10 }, (_, i) => `200${i}`).join(', ')}] }
peers:
  - { tag: spb, url: "wss://spb:7440", gone_state: BUSY }
  - { tag: nsk }
  - { tag: ekb, url: "tcp://ekb:7440", transport: zeromq, curve_key: "${'E'.repeat(40)}" }
`,
    );
    const { code, out, err } = await hintmesh('check', '--config', config);
    assert.deepEqual([code, err], [0, '']);
    const lines = out.split('\n').map((line) => line.trim());
    assert.equal(lines[0], `${config} is valid`);
    const { fingerprint } = loadIdentity(readFileSync(at('g.pem'), 'utf8'));
    for (const line of [
      'tag       msk',
      `identity  ${fingerprint}  ${at('g.pem')}`,
      'asterisk  pbx:5038 as hintmesh, over TLS',
      'listen    0.0.0.0:7440',
      'http      127.0.0.1:7441',
      `state_dir ${at('state')}`,
      'exports   hints of ext-local: _1XXX, 0100-0199',
      'channels of DAHDI/{ext}: 30',
      'PJSIP/{ext}, SIP/{ext}: 2000, 2001, 2002, 2003, 2004, 2005, 2006, 2007 and 2 more',
      'peers     spb  websocket  wss://spb:7440  by CA  gone: BUSY',
      'nsk  websocket  dials us  by CA  gone: UNAVAILABLE',
      `ekb  zeromq  tcp://ekb:7440  ${'E'.repeat(40)}  gone: UNAVAILABLE`,
    ]) {
      assert.ok(lines.includes(line), `${line}\nis not in\n${out}`);
    }
  });

  test('prints every reason on a line of its own, to stderr', async () => {
    const config = folder.write(
      'bad.yaml',
      'tag: M\nami: { port: x, secret_file: secret }\nidentity_file: g.pem\n',
    );
    const { code, out, err } = await hintmesh('check', '-c', config);
    assert.deepEqual([code, out], [1, '']);
    const lines = err.trimEnd().split('\n');
    assert.equal(lines.filter((line) => !line.includes(' warning: ')).length, 2);
    assert.match(lines[0] ?? '', /bad.yaml:1:6: tag "M" has an upper-case letter/);
    assert.match(lines[1] ?? '', /bad.yaml:2:14: ami.port is "x"/);
  });
});

describe('the command line', () => {
  test('knows its version and its help, with examples', async () => {
    const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
    assert.deepEqual(await hintmesh('--version'), { code: 0, out: `${version}\n`, err: '' });
    const help = await hintmesh('--help');
    assert.equal(help.code, 0);
    assert.match(help.out, /Examples:\n.*hintmesh keygen --tag msk/);
    const atFiles = ['run', 'check', 'keygen', 'fingerprint'];
    const atBroker = ['status', 'states', 'watch', 'reload', 'leave'];
    for (const command of [...atFiles, ...atBroker]) {
      assert.ok(help.out.includes(`\n  ${command} `), command);
      assert.equal((await hintmesh(command, '--help')).code, 0);
    }
  });

  test('gives 2 for what it does not understand', async () => {
    const nonsense = [[], ['frob'], ['keygen'], ['check', '--frob'], ['check', 'extra'], ['run', '-c']];
    for (const args of nonsense) {
      const { code, err, out } = await hintmesh(...args);
      assert.deepEqual([code, out], [2, ''], args.join(' '));
      assert.notEqual(err, '');
    }
  });
});

// `hintmesh reload` and `hintmesh leave`: whom they ask, with which token, and what they say of the answer.
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { BY_SIGNAL } from '../../src/cli/api-failures.ts';
import { newToken, readToken, TOKEN_FILE, writeToken } from '../../src/cli/token.ts';
import { newFolder } from '../config/folder.ts';
import { fakeBroker, json, peerOf, statusOf } from './fake-broker.ts';
import { hintmesh, hintmeshIn } from './in-process.ts';

const broker = await fakeBroker();
const folder = newFolder();
const token = newToken();
await writeToken(join(folder.path, 'state'), token, broker.url);
const CONFIG = folder.write('c.yaml', `state_dir: state\nhttp: { port: ${broker.port} }\n`);
const AT = ['-c', CONFIG];
const ESC = '\u001b';

function posts(): string[] {
  return broker.asked.filter(({ what }) => what.startsWith('POST')).map(({ what }) => what);
}

describe('reload', () => {
  test('shows the token of the state directory, and prints what changed', async () => {
    broker.answers.set('POST /api/reload', json({ ok: true, changes: ['peer nsk added', `x${ESC}y`] }));
    assert.deepEqual(await hintmesh('reload', ...AT), {
      code: 0,
      out: 'peer nsk added\nx\\u{1b}y\n',
      err: '',
    });
    assert.deepEqual(broker.asked.at(-1), { what: 'POST /api/reload', authorization: `Bearer ${token}` });
    broker.answers.set('POST /api/reload', json({ ok: true, changes: [] }));
    assert.equal((await hintmesh('reload', ...AT)).out, 'reloaded; nothing changed\n');
  });

  test('prints what may be a mistake in the new config, beside what changed', async () => {
    const answer = { ok: true, changes: [], warnings: ['c.yaml:1:2: peers: is empty', `x${ESC}`] };
    broker.answers.set('POST /api/reload', json(answer));
    assert.deepEqual(await hintmesh('reload', ...AT), {
      code: 0,
      out: 'reloaded; nothing changed\n',
      err: 'warning: c.yaml:1:2: peers: is empty\nwarning: x\\u{1b}\n',
    });
    const asJson = await hintmesh('reload', ...AT, '--json');
    assert.deepEqual([asJson.code, JSON.parse(asJson.out), asJson.err], [0, answer, '']);
  });

  test('prints every mistake of a config that is refused, and fails', async () => {
    const answer = { ok: false, mistakes: ['c.yaml:1:2: tag is wrong', `c.yaml:3:4: ${ESC}`] };
    broker.answers.set('POST /api/reload', json(answer, 409));
    assert.deepEqual(await hintmesh('reload', ...AT), {
      code: 1,
      out: '',
      err: 'c.yaml:1:2: tag is wrong\nc.yaml:3:4: \\u{1b}\n',
    });
    const asJson = await hintmesh('reload', ...AT, '--json');
    assert.deepEqual([asJson.code, JSON.parse(asJson.out), asJson.err], [1, answer, '']);
  });

  test('says so when the broker does not take the token, or answers something else', async () => {
    broker.answers.set('POST /api/reload', json({ error: 'no' }, 401));
    const refused = await hintmesh('reload', ...AT);
    assert.equal(refused.code, 1);
    assert.equal(
      refused.err,
      `${broker.url} does not take the token found in state_dir
  if state_dir was changed since the broker started, restart it
  if the broker could not write there, mend that and have it try again: ${BY_SIGNAL}
`,
    );
    assert.ok(!refused.err.includes(token));
    broker.answers.set('POST /api/reload', json({ ok: true }));
    assert.match((await hintmesh('reload', ...AT)).err, /is not understood \(changes\)/);
    broker.answers.set('POST /api/reload', json({ error: 'a mistake' }, 500));
    assert.match((await hintmesh('reload', ...AT)).err, /\/api\/reload is refused \(500\): a mistake\n$/);
  });

  test('says who may read the token, and when there is none', async () => {
    const none = folder.write('none.yaml', `state_dir: none\nhttp: { port: ${broker.port} }\n`);
    const before = posts().length;
    const { code, err } = await hintmesh('reload', '-c', none);
    assert.equal(code, 1);
    assert.equal(
      err,
      `cannot read the broker's token ${join(folder.path, 'none', TOKEN_FILE)}: there is no such file
  if the broker does not run, start it; if state_dir was changed since it started, restart it
  if the broker could not write there, mend that and have it try again: ${BY_SIGNAL}
`,
    );
    mkdirSync(join(folder.path, 'none'));
    writeFileSync(join(folder.path, 'none', TOKEN_FILE), `short${ESC}\n`);
    assert.match(
      (await hintmesh('reload', '-c', none)).err,
      /http.token holds no token; have the broker write it again: systemctl kill --kill-who=main -s HUP/,
    );
    assert.equal(posts().length, before);
  });

  test('takes another address from --url, but sends the token to a loopback address only', async () => {
    broker.answers.set('POST /api/reload', json({ ok: true, changes: [] }));
    const other = folder.write('other.yaml', 'state_dir: state\nhttp: { port: 1 }\n');
    assert.equal((await hintmesh('reload', '-c', other, '--url', broker.url)).code, 0);
    for (const url of ['http://192.0.2.1:7441', 'http://pbx.example.com:7441', 'http://[2001:db8::1]:1']) {
      for (const command of ['reload', 'leave']) {
        const { code, err } = await hintmesh(command, '-c', other, '--url', url);
        assert.equal(code, 2);
        assert.match(
          err,
          /^--url \S+: the token is only sent to a loopback address; write http:\/\/127.0.0.1:PORT/,
        );
      }
    }
  });
});

describe('the address of a command', () => {
  const state = (name: string) => join(folder.path, name);

  test('is the one the broker left beside its token, whatever the config says by now', async () => {
    broker.answers.set('POST /api/reload', json({ ok: true, changes: [] }));
    for (const http of ['{ port: 1 }', '{ host: 192.0.2.1 }', '{ enabled: false }', '{ port: many }']) {
      const file = folder.write('moved.yaml', `state_dir: state\nfrob: 1\nhttp: ${http}\n`);
      const { code, out, err } = await hintmesh('reload', '-c', file);
      assert.deepEqual([code, out, err], [0, 'reloaded; nothing changed\n', ''], http);
    }
  });

  test('is never taken from the config: a token without it goes nowhere', async () => {
    mkdirSync(state('old'));
    writeFileSync(join(state('old'), TOKEN_FILE), `${token}\n`);
    const file = folder.write('old.yaml', `state_dir: old\nhttp: { port: ${broker.port} }\n`);
    const asked = broker.asked.length;
    const { code, err } = await hintmesh('reload', '-c', file);
    assert.equal(code, 1);
    assert.match(err, /holds no token/);
    assert.equal(broker.asked.length, asked);
  });

  test('is explained when nobody answers there', async () => {
    await writeToken(state('over'), token, 'http://127.0.0.1:1');
    const file = folder.write('over.yaml', `state_dir: over\nhttp: { port: ${broker.port} }\n`);
    const { code, err } = await hintmesh('reload', '-c', file);
    assert.equal(code, 1);
    assert.equal(
      err,
      `no broker answers at http://127.0.0.1:1: connection refused
  the address is what the broker left in ${join(state('over'), TOKEN_FILE)}
  start the broker with: systemctl start hintmesh, or by hand: hintmesh run
  if it runs, and state_dir was changed since it started, restart it
`,
    );
  });

  test('is none where the broker serves no HTTP, and it is said what to do', async () => {
    await writeToken(state('deaf'), token);
    const file = folder.write('deaf.yaml', `state_dir: deaf\nhttp: { port: ${broker.port} }\n`);
    const begin = 'the broker was started with http.enabled: false, so it takes no';
    const reload = await hintmesh('reload', '-c', file);
    assert.deepEqual([reload.code, reload.err], [1, `${begin} reload; have it reload with: ${BY_SIGNAL}\n`]);
    const leave = await hintmesh('leave', '-c', file, '--yes');
    assert.deepEqual([leave.code, leave.err], [1, `${begin} leave; restart it with HTTP first\n`]);
  });

  test('cannot be had from a config that does not say where the token is, and --url is no way out', async () => {
    const file = folder.write('broken.yaml', 'state_dir: state\n  tag: [\n');
    for (const url of [[], ['--url', broker.url]]) {
      const { code, err } = await hintmesh('reload', '-c', file, ...url);
      assert.equal(code, 1);
      const [wrong, ...help] = err.split('\n');
      assert.match(wrong ?? '', /^\S+broken.yaml:\d+:\d+: [^;]+$/);
      assert.deepEqual(help, [
        '  the token for reload is in state_dir, and only the config says where that is',
        '  mend the file, put it back as it was, or name another with -c',
        `  to reload without it: ${BY_SIGNAL}`,
        '',
      ]);
    }
    const { err } = await hintmesh('leave', '-c', state('nowhere.yaml'), '--yes');
    assert.match(err, /^cannot read \S+nowhere.yaml: there is no such file\n {2}the token for leave /);
    assert.ok(!err.includes('HUP') && !err.includes('--url'));
  });
});

describe('leave', () => {
  broker.answers.set(
    'GET /api/status',
    json(statusOf({ peers: [peerOf(), peerOf({ peer: 'nsk' }), peerOf({ peer: 'old', former: true })] })),
  );
  broker.answers.set('POST /api/leave', json({ leaving: true }, 202));

  test('asks first, naming what happens, and leaves when the answer is yes', async () => {
    for (const yes of ['y', 'YES', ' yes ']) {
      const questions: string[] = [];
      const typed = (question: string) => {
        questions.push(question);
        return yes;
      };
      const { code, out, err } = await hintmeshIn({ typed }, 'leave', ...AT);
      assert.deepEqual([code, err], [0, '']);
      assert.equal(out, 'msk leaves: its peers are told, and the broker ends\n');
      assert.match(
        questions.join(),
        /^msk leaves for good: its lamps at 2 peers go to their gone_state at once/,
      );
      assert.deepEqual(broker.asked.at(-1), { what: 'POST /api/leave', authorization: `Bearer ${token}` });
    }
  });

  test('does nothing at any other answer', async () => {
    const before = posts().length;
    for (const no of ['', 'n', 'no', 'yep']) {
      const { code, out, err } = await hintmeshIn({ typed: () => no }, 'leave', ...AT);
      assert.deepEqual([code, out, err], [1, '', 'nothing was done\n']);
    }
    assert.equal(posts().length, before);
  });

  test('is refused by a broker that stands by for another one, as the PBX would not have left', async () => {
    const asterisk = { up: false, answers: false, standsBy: true };
    const well = broker.answers.get('GET /api/status');
    broker.answers.set('GET /api/status', json(statusOf({ asterisk, ready: false })));
    const before = posts().length;
    const { code, err } = await hintmesh('leave', ...AT, '--yes');
    assert.equal(code, 1);
    assert.match(
      err,
      /stands by for another one, which would stay: stop this one, then run leave where that one runs/,
    );
    assert.equal(posts().length, before);
    const status = await hintmesh('status', ...AT);
    assert.match(status.out, /asterisk {2}this broker stands by for another one\n/);
    assert.equal((await hintmesh('status', ...AT, '--wait', '5')).code, 0);
    assert.equal((await hintmesh('status', ...AT, '--check')).code, 1);
    if (well) broker.answers.set('GET /api/status', well);
  });

  test('does nothing when there is nobody to ask, unless it is told not to ask', async () => {
    const before = posts().length;
    const { code, out, err } = await hintmesh('leave', ...AT);
    assert.deepEqual([code, out], [2, '']);
    assert.match(err, /^msk leaves .* go to their gone_state at once; to do it, add --yes\n$/);
    assert.equal(posts().length, before);
    assert.equal((await hintmesh('leave', ...AT, '--yes')).code, 0);
    const asJson = await hintmesh('leave', ...AT, '--yes', '--json');
    assert.deepEqual(asJson, { code: 0, out: '{"leaving":true}\n', err: '' });
    assert.equal(posts().length, before + 2);
  });
});

test('a token is new each time, and the file that is read back has the one written last', async () => {
  const state = join(folder.path, 'made', 'here');
  const [first, second] = [newToken(), newToken()];
  assert.notEqual(first, second);
  assert.match(first, /^[A-Za-z0-9_-]{43}$/);
  await writeToken(state, first);
  await writeToken(state, second, 'http://[::1]:7441');
  const file = join(state, TOKEN_FILE);
  assert.deepEqual(readToken(state), { token: second, file, url: 'http://[::1]:7441' });
});

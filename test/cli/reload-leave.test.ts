// `hintmesh reload` and `hintmesh leave`: whom they ask, with which token, and what they say of the answer.
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { newToken, readToken, TOKEN_FILE, writeToken } from '../../src/cli/token.ts';
import { newFolder } from '../config/folder.ts';
import { fakeBroker, json, peerOf, statusOf } from './fake-broker.ts';
import { hintmesh, hintmeshIn } from './in-process.ts';

const broker = await fakeBroker();
const folder = newFolder();
const token = newToken();
await writeToken(join(folder.path, 'state'), token);
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
    assert.match(refused.err, /does not take the token found in state_dir: .*; restart it\n$/);
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
      `cannot read the broker's token ${join(folder.path, 'none', TOKEN_FILE)}: there is no such file; is the broker running, and with this state_dir?\n`,
    );
    mkdirSync(join(folder.path, 'none'));
    writeFileSync(join(folder.path, 'none', TOKEN_FILE), `short${ESC}\n`);
    assert.match((await hintmesh('reload', '-c', none)).err, /http.token holds no token; restart the broker/);
    assert.equal(posts().length, before);
  });

  test('takes another address from --url, but the token only to this machine', async () => {
    broker.answers.set('POST /api/reload', json({ ok: true, changes: [] }));
    const other = folder.write('other.yaml', 'state_dir: state\nhttp: { port: 1 }\n');
    assert.equal((await hintmesh('reload', '-c', other, '--url', broker.url)).code, 0);
    for (const url of ['http://192.0.2.1:7441', 'http://pbx.example.com:7441', 'http://[2001:db8::1]:1']) {
      for (const command of ['reload', 'leave']) {
        const { code, err } = await hintmesh(command, '-c', other, '--url', url);
        assert.equal(code, 2);
        assert.match(err, /is another machine; a broker takes reload and leave only from its own/);
      }
    }
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
        /^msk leaves for good: at 2 peers its lamps show the gone-state at once/,
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

  test('does nothing when there is nobody to ask, unless it is told not to ask', async () => {
    const before = posts().length;
    const { code, out, err } = await hintmesh('leave', ...AT);
    assert.deepEqual([code, out], [2, '']);
    assert.match(err, /to do it, add --yes\n$/);
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
  await writeToken(state, second);
  assert.equal(readToken(state), second);
});

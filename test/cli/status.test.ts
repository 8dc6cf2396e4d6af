// `hintmesh status`: what an admin sees, what a program gets, and what monitoring is told.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { conditionOf, fakeBroker, json, LINK, peerOf, statusOf } from './fake-broker.ts';
import { hintmesh, hintmeshIn } from './in-process.ts';

const broker = await fakeBroker();
const AT = ['--url', broker.url];
const ESC = '\u001b';

function answer(...overrides: Parameters<typeof statusOf>): void {
  broker.answers.set('GET /api/status', json(statusOf(...overrides)));
}

describe('status', () => {
  test('tells how the broker is, in aligned lines', async () => {
    answer({
      peers: [
        peerOf({ link: LINK, heardAgoSeconds: 0.4 }),
        peerOf({
          peer: 'b.example.com',
          belief: 'gone',
          url: 'wss://b:7440',
          heardAgoSeconds: 90_000,
          owed: 3,
          problem: { reason: 'unreachable', text: 'nothing listens there', agoSeconds: 3 },
        }),
        peerOf({ peer: 'old', belief: 'gone', former: true, extensions: 0 }),
        peerOf({ peer: 'ekb', belief: 'unheard', problem: { reason: 'x', text: 'y', agoSeconds: 130 } }),
        peerOf({
          peer: 'nsk',
          url: 'tcp://nsk:7440',
          heardAgoSeconds: 1,
          link: { ...LINK, transport: 'zeromq', dialled: true },
        }),
      ],
      conditions: [
        conditionOf(),
        conditionOf({
          code: 'asterisk-down',
          severity: 'error',
          subject: '',
          text: 'no AMI',
          cure: 'start it',
        }),
      ],
    });
    assert.deepEqual(await hintmesh('status', ...AT), {
      code: 0,
      err: '',
      out: `msk  hintmesh 1.2.3, up 2 d, ready
  asterisk  22.10.1, up
  exports   12 extensions
  lamps     34; 5 owed, 6 unanswered

PEER           BELIEF   TRANSPORT  ROUND TRIP       HEARD  EXTENSIONS  LAMPS  OWED  ADDRESS
spb            live     websocket       12 ms  400 ms ago           7      8     0  from 192.0.2.7:40000
b.example.com  gone     -                   -    25 h ago           7      8     3  wss://b:7440
  unreachable, 3 s ago: nothing listens there
old (former)   gone     -                   -       never           0      8     0  -
ekb            unheard  -                   -       never           7      8     0  dials us
  x, 2 min ago: y
nsk            live     zeromq          12 ms     1 s ago           7      8     0  to tcp://nsk:7440

warning peer-gone spb, for 61 s: nobody vouches for the lamps of spb
  look at the broker of that PBX
error asterisk-down, for 61 s: no AMI
  start it
`,
    });
  });

  test('tells what a broker that is not ready waits for, and that it has no peers', async () => {
    answer({
      ready: false,
      waitingFor: ['asterisk', 'first-sync'],
      asterisk: { up: false, answers: false, standsBy: false },
      exports: 1,
      uptimeSeconds: 0.25,
    });
    const { out } = await hintmesh('status', ...AT);
    assert.match(out, /up 250 ms, not ready: waits for Asterisk and a first word from every peer\n/);
    assert.match(out, /asterisk {2}down\n {2}exports {3}1 extension\n/);
    assert.match(out, /\nno peers\n$/);
    answer({ ready: false, asterisk: { up: true, answers: false, standsBy: false } });
    assert.match((await hintmesh('status', ...AT)).out, /asterisk {2}up, but does not answer\n/);
  });

  test('tells where a link goes that we dialled, and nothing of trouble that is over', async () => {
    const problem = { reason: 'unreachable', text: 'was', agoSeconds: 9 };
    answer({ peers: [peerOf({ url: 'wss://s:1', link: { ...LINK, dialled: true }, problem })] });
    const { out } = await hintmesh('status', ...AT);
    assert.match(out, / to wss:\/\/s:1\n/);
    assert.doesNotMatch(out, /was/);
  });

  test('exits with 0 when the broker answers; with --check only when it is ready', async () => {
    answer();
    assert.equal((await hintmesh('status', ...AT, '--check')).code, 0);
    answer({ ready: false });
    assert.equal((await hintmesh('status', ...AT)).code, 0);
    const checked = await hintmesh('status', ...AT, '--check');
    assert.deepEqual([checked.code, checked.err], [1, '']);
    assert.match(checked.out, /not ready/);
    assert.equal((await hintmesh('status', ...AT, '--check', '--json')).code, 1);
  });

  test('waits with --wait until the broker answers and is ready, then prints as usual', async () => {
    const { port } = broker;
    let asked = 0;
    broker.answers.set('GET /api/status', (response, request) => {
      asked += 1;
      if (asked === 1) response.destroy();
      else json(statusOf({ ready: asked > 2 }))(response, request);
    });
    const { code, out, err } = await hintmesh('status', '--url', `http://localhost:${port}`, '--wait');
    assert.deepEqual([code, err, asked], [0, '', 3]);
    assert.match(out, /, ready\n/);
  });

  test('fails with --wait when the time is over, with the status or why there is none', async () => {
    answer({ ready: false });
    const waited = await hintmesh('status', ...AT, '--wait', '1');
    assert.deepEqual([waited.code, waited.err], [1, '']);
    assert.match(waited.out, /not ready/);
    const none = await hintmesh('status', '--url', 'http://127.0.0.1:1', '--wait', '1');
    assert.deepEqual([none.code, none.out], [1, '']);
    assert.match(none.err, /^no broker answers at /);
  });

  test('takes no other time to wait than whole seconds', async () => {
    for (const time of ['0', '1.5', '-1', '86401', 'x\u001b']) {
      const { code, out, err } = await hintmesh('status', ...AT, `--wait=${time}`);
      assert.deepEqual([code, out], [2, ''], time);
      assert.match(err, /^--wait ".*" is no time; write whole seconds, 1 to 86400\n$/);
    }
  });

  test('gives the JSON of the broker with --json, also what this version does not know', async () => {
    const value = { ...statusOf(), invented: { later: [1, null, 'x'] } };
    broker.answers.set('GET /api/status', json(value));
    const { out } = await hintmesh('status', ...AT, '--json');
    assert.equal(out, `${JSON.stringify(value)}\n`);
  });

  test('colours belief and severity on a terminal, and nothing in a pipe, or where the reader wants none', async () => {
    answer({ peers: [peerOf()], conditions: [conditionOf({ severity: 'error' })] });
    const plain = await hintmesh('status', ...AT);
    assert.ok(!plain.out.includes(ESC));
    const coloured = await hintmeshIn({ terminal: true }, 'status', ...AT);
    for (const seen of [
      `${ESC}[32mlive${ESC}[0m `,
      `${ESC}[31merror${ESC}[0m `,
      `${ESC}[32mready${ESC}[0m`,
    ]) {
      assert.ok(coloured.out.includes(seen), seen);
    }
    assert.equal(coloured.out.replaceAll(/\u001b\[\d+m/g, ''), plain.out);
    for (const env of [{ NO_COLOR: '1' }, { TERM: 'dumb' }]) {
      assert.equal((await hintmeshIn({ terminal: true, env }, 'status', ...AT)).out, plain.out);
    }
    const empty = await hintmeshIn({ terminal: true, env: { NO_COLOR: '' } }, 'status', ...AT);
    assert.equal(empty.out, coloured.out);
  });

  test('lets no text of the broker or a peer act on the terminal, neither as lines nor as JSON', async () => {
    const evil = `a${ESC}]0;b\u0007\u009b2Jc\nd\u202ee\u{e0001}`;
    const status = statusOf({
      pbx: evil,
      version: evil,
      asterisk: { up: true, answers: true, standsBy: false, version: evil },
      waitingFor: [evil as 'asterisk'],
      ready: false,
      peers: [
        peerOf({
          peer: evil,
          belief: evil as 'live',
          url: evil,
          problem: { reason: evil, text: evil, agoSeconds: 1 },
        }),
        peerOf({ link: { ...LINK, transport: evil, remote: evil } }),
      ],
      conditions: [
        conditionOf({
          code: evil as 'peer-gone',
          severity: evil as 'error',
          subject: evil,
          text: evil,
          cure: evil,
        }),
      ],
    });
    broker.answers.set('GET /api/status', json(status));
    const { out } = await hintmesh('status', ...AT);
    assert.doesNotMatch(out, /(?!\n)[\p{Cc}\p{Cf}]/u);
    // As many lines as it would have without.
    assert.equal(out.split('\n').length, 13);
    assert.ok(out.includes('a\\u{1b}]0;b\\u{7}\\u{9b}2Jc\\u{a}d\\u{202e}e\\u{e0001}'));
    const asJson = await hintmesh('status', ...AT, '--json');
    assert.doesNotMatch(asJson.out.trimEnd(), /[\p{Cc}\p{Cf}]/u);
    assert.deepEqual(JSON.parse(asJson.out), status);
  });
});

// `hintmesh states`: which extensions are meant, and what is said of each and of its lamp.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { StateRow } from '../../src/http/contract.ts';
import { fakeBroker, json, peerOf, statusOf } from './fake-broker.ts';
import { hintmesh } from './in-process.ts';

const broker = await fakeBroker();
const AT = ['--url', broker.url];

function lampOf(pbx: string, extension: string, [desired, written]: (StateRow['state'] | undefined)[] = []) {
  const state = desired ?? null;
  return {
    pbx,
    kind: 'device' as const,
    extension,
    state,
    lamp: { name: `${extension}*${pbx}`, desired: state, written: written ?? null },
  };
}

const ROWS: readonly StateRow[] = [
  { pbx: 'msk', kind: 'device', extension: '1001', state: 'INUSE' },
  { pbx: 'msk', kind: 'device', extension: '99', state: null },
  lampOf('spb', '1001', ['RINGING', 'RINGING']),
  lampOf('spb', '2001', ['RINGING', 'NOT_INUSE']),
  lampOf('b.example.com', '*76100', ['BUSY']),
  { ...lampOf('nsk', '3001', [null, 'INUSE']), state: 'INUSE' },
  lampOf('nsk', '3002'),
];
broker.answers.set('GET /api/states', json(ROWS));
broker.answers.set('GET /api/status', json(statusOf({ peers: [peerOf(), peerOf({ peer: 'silent' })] })));

async function extensions(...args: string[]): Promise<string[]> {
  const { code, out } = await hintmesh('states', ...AT, '--json', ...args);
  assert.equal(code, 0);
  return (JSON.parse(out) as StateRow[]).map(({ pbx, extension }) => `${extension}*${pbx}`);
}

describe('states', () => {
  test('tells each extension, ours first, and its lamp, and where Asterisk has something else', async () => {
    assert.deepEqual(await hintmesh('states', ...AT), {
      code: 0,
      err: '',
      out: `PBX            EXTENSION  STATE     LAMP
msk            99         not told  -
msk            1001       INUSE     -
b.example.com  *76100     BUSY      should be BUSY; Asterisk's state is not known
nsk            3001       INUSE     stays INUSE
nsk            3002       not told  stays as it is
spb            1001       RINGING   RINGING
spb            2001       RINGING   should be RINGING; is NOT_INUSE
`,
    });
  });

  test('tells a presence beside its phone, and the plain lamp of an extension by its name', async () => {
    const plain = { name: '2001', desired: 'INUSE', written: 'INUSE' };
    const presence = { name: '2001*spb', desired: 'away,,back at 2', written: 'away,,back at 2' };
    const rows: readonly StateRow[] = [
      { pbx: 'msk', kind: 'presence', extension: '1001', state: 'dnd' },
      lampOf('spb', '2001', ['INUSE', 'INUSE']),
      { ...lampOf('spb', '2001', ['INUSE', 'INUSE']), lamp: plain },
      { pbx: 'spb', kind: 'presence', extension: '2001', state: 'away,,back at 2', lamp: presence },
    ];
    broker.answers.set('GET /api/states', json(rows));
    const { out } = await hintmesh('states', ...AT);
    const one = await hintmesh('states', ...AT, '--json', '2001*spb');
    broker.answers.set('GET /api/states', json(ROWS));
    assert.equal(
      out,
      `PBX  EXTENSION         STATE            LAMP
msk  1001 presence     dnd              -
spb  2001              INUSE            INUSE
spb  2001 (lamp 2001)  INUSE            INUSE
spb  2001 presence     away,,back at 2  away,,back at 2
`,
    );
    assert.deepEqual(
      (JSON.parse(one.out) as StateRow[]).map(({ kind, lamp }) => [kind, lamp?.name]),
      [
        ['device', '2001*spb'],
        ['presence', '2001*spb'],
      ],
    );
  });

  test('means the extensions of one PBX, of patterns as in the config, and lamps by name', async () => {
    assert.deepEqual(await extensions('--pbx', 'spb'), ['1001*spb', '2001*spb']);
    assert.deepEqual(await extensions('1001'), ['1001*msk', '1001*spb']);
    assert.deepEqual(await extensions('_[23]XXX', '99'), ['99*msk', '2001*spb', '3001*nsk', '3002*nsk']);
    assert.deepEqual(await extensions('1000-1999', '--pbx', 'msk'), ['1001*msk']);
    assert.deepEqual(await extensions('1001*spb', '*76100*b.example.com'), [
      '1001*spb',
      '*76100*b.example.com',
    ]);
    assert.deepEqual(await extensions('*76100'), ['*76100*b.example.com']);
    assert.equal((await extensions()).length, ROWS.length);
  });

  test('says so when nothing matches, by the name of what was asked for', async () => {
    for (const [args, words] of [
      [['4711'], 'no extension matches "4711"'],
      [['4711', '_9XXX', '--pbx', 'spb'], 'no extension of spb matches "4711" "_9XXX"'],
      [['--pbx', 'silent'], 'no extension of silent is known'],
    ] as const) {
      assert.deepEqual(await hintmesh('states', ...AT, ...args), { code: 0, out: '', err: `${words}\n` });
    }
    assert.equal((await hintmesh('states', ...AT, '4711', '--json')).out, '[]\n');
    broker.answers.set('GET /api/states', json([]));
    const none = await hintmesh('states', ...AT);
    broker.answers.set('GET /api/states', json(ROWS));
    assert.deepEqual(none, { code: 0, out: '', err: 'no extension is known\n' });
  });

  test('says that there is no such peer, and which there are', async () => {
    for (const more of [[], ['1001'], ['--json']]) {
      const { code, out, err } = await hintmesh('states', ...AT, '--pbx', 'sbp', ...more);
      assert.deepEqual([code, out], [1, '']);
      assert.equal(err, 'there is no peer sbp: this PBX is msk, and its peers are spb, silent\n');
    }
  });

  test('explains its words in its help', async () => {
    const { out } = await hintmesh('states', '--help');
    for (const words of ['"not told"', 'should be BUSY; is INUSE', 'stays INUSE', ' -  ']) {
      assert.ok(out.includes(words), words);
    }
  });

  test('asks nothing for a pattern or a tag that is none', async () => {
    const before = broker.asked.length;
    for (const [args, why] of [
      [['10-1'], /^"10-1" has 2 digits on one side/],
      [['ok', '_1[XX'], /^"_1\[XX" /],
      [['\u001b[2J'], /^"\\u001b\[2J" is not an extension/],
      [['--pbx', 'MSK'], /^--pbx "MSK" has an upper-case letter/],
    ] as const) {
      const { code, out, err } = await hintmesh('states', ...AT, ...args);
      assert.deepEqual([code, out], [2, '']);
      assert.match(err, why);
    }
    assert.equal(broker.asked.length, before);
  });
});

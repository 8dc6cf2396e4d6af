// `hintmesh prune`: which rows it takes for left behind, which it keeps and why, and that it changes nothing else.
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { TAGS_FILE } from '../../src/config/tags.ts';
import type { StateRow, Status } from '../../src/http/contract.ts';
import { newFolder } from '../config/folder.ts';
import { DEFAULT_USER, SimulatedAsterisk } from '../sim/asterisk.ts';
import { brokerFiles, PEER } from './broker-files.ts';
import { fakeBroker, json, peerOf, statusOf } from './fake-broker.ts';
import { hintmesh, hintmeshIn } from './in-process.ts';
import { freePorts } from './ports.ts';

const SECRET = 'the-secret-of-pruning';
const { sim: port } = await freePorts('sim');
const pbx = new SimulatedAsterisk({
  port,
  bootMs: 10,
  refusalMs: 10,
  users: [DEFAULT_USER, { username: 'pruner', secret: SECRET, read: 'system', write: 'system,call' }],
  hints: { '1002*old': 'Custom:1002*old', 600: 'PJSIP/600&Custom:2004*spb' },
});
const folder = newFolder();
const SECRET_FILE = folder.write('pruner.secret', `${SECRET}\n`);
const AS_PRUNER = ['--ami-username', 'pruner', '--ami-secret-file', SECRET_FILE];
const files = await brokerFiles({ amiPort: port });
const CONFIG = ['-c', files.file];
const broker = await fakeBroker();
const AT = [...CONFIG, '--url', broker.url];

function row(name: string, state: StateRow['state'], desired = state, written = desired): StateRow {
  const [extension = '', tag = ''] = name.split('*');
  return { pbx: tag, kind: 'device', extension, state, lamp: { name, desired, written } };
}

const STATUS = statusOf({
  peers: [
    peerOf(),
    peerOf({ peer: 'nsk', belief: 'suspect' }),
    peerOf({ peer: 'ekb', belief: 'gone' }),
    peerOf({ peer: 'old', belief: 'gone', former: true }),
  ],
});
const STATES: readonly StateRow[] = [
  { pbx: 'msk', kind: 'device', extension: '1001', state: 'INUSE' },
  row('1001*old', null, 'UNAVAILABLE'),
  row('1002*old', null, 'UNAVAILABLE'),
  row('1003*old', null, null, 'INUSE'),
  row('1004*old', null, 'BUSY'),
  row('2001*spb', 'INUSE'),
  row('2002*spb', null, 'INVALID'),
  row('2003*spb', null, 'INVALID', 'INUSE'),
  row('2004*spb', null, 'INVALID'),
  row('3001*nsk', null, 'INVALID'),
  row('3002*ekb', null, 'UNAVAILABLE'),
];
/** Rows of the family CustomDevstate; 1003*old as with `gone_state: hold`, 1004*old as with BUSY. */
const ROWS = {
  '1001': 'INUSE',
  DND1001: 'INUSE',
  '1001*9': 'INUSE',
  '1001*OLD': 'INUSE',
  '1001*old': 'UNAVAILABLE',
  '1002*old': 'UNAVAILABLE',
  '1003*old': 'INUSE',
  '1004*old': 'BUSY',
  '2001*spb': 'INUSE',
  '2002*spb': 'INVALID',
  '2003*spb': 'INUSE',
  '2004*spb': 'INVALID',
  '3001*nsk': 'INVALID',
  '3002*ekb': 'UNAVAILABLE',
  '4001*xyz': 'INUSE',
  '4002*xyz': 'UNAVAILABLE',
  '5001*msk': 'INUSE',
};

let writes: string[] = [];

beforeEach(async () => {
  pbx.pbx.astdb.clear();
  for (const [key, value] of Object.entries(ROWS)) pbx.pbx.astdb.set(key, value);
  writes = [];
  pbx.onSetvar = (device, word) => writes.push(`${device}=${word}`);
  broker.answers.set('GET /api/status', json(STATUS));
  broker.answers.set('GET /api/states', json(STATES));
  await pbx.start();
  await pbx.whenBooted();
});

afterEach(() => pbx.stop());

function removed(): string[] {
  return Object.keys(ROWS).filter((key) => !pbx.pbx.astdb.has(key));
}

function isUntouched(): void {
  assert.deepEqual([removed(), writes], [[], []]);
}

function broken(status: Partial<Status>): void {
  broker.answers.set('GET /api/status', json({ ...STATUS, ...status }));
}

const KEPT = `kept: 1 lamp of ekb: ekb is not live, and only then it is known which extensions it has
kept: 1 lamp of msk: msk is this PBX: no broker wrote these
kept: 1 lamp of nsk: nsk is not live, and only then it is known which extensions it has
kept: 1 lamp of spb: the broker is just writing them, or has not looked at them yet; try again in a minute
kept: 2 lamps of xyz: no peer of that name is remembered; if it was one: --tag xyz
kept: 1002*old: the hint 1002*old@ext-local names it
kept: 2004*spb: the hint 600@ext-local names it
`;

describe('prune', () => {
  test('shows what was left behind and why, and what is kept and why, and changes nothing', async () => {
    assert.deepEqual(await hintmesh('prune', ...AT), {
      code: 0,
      err: '',
      out: `LAMP      SHOWS        WHY
1001*old  UNAVAILABLE  old is no peer any more
1003*old  INUSE        old is no peer any more
1004*old  BUSY         old is no peer any more
2002*spb  INVALID      spb is live and has no 2002
${KEPT}4 rows left behind; nothing was changed
to take them out of Asterisk's database: --apply, as a manager user with write=system
`,
    });
    isUntouched();
  });

  test('tells programs the same, one row each', async () => {
    const { code, out } = await hintmesh('prune', ...AT, '--json');
    const { left, kept } = JSON.parse(out);
    assert.equal(code, 0);
    assert.deepEqual(
      left.filter(({ extension }: { extension: string }) => /^[12]00[23]$/.test(extension)),
      [
        {
          kind: 'device',
          name: '1003*old',
          pbx: 'old',
          extension: '1003',
          state: 'INUSE',
          why: 'former-peer',
          removed: false,
        },
        {
          kind: 'device',
          name: '2002*spb',
          pbx: 'spb',
          extension: '2002',
          state: 'INVALID',
          why: 'not-told',
          removed: false,
        },
      ],
    );
    assert.deepEqual(
      kept.map(({ name, why }: { name: string; why: string }) => `${name} ${why}`),
      [
        '3002*ekb not-live',
        '5001*msk own-tag',
        '3001*nsk not-live',
        '1002*old hint',
        '2003*spb unsettled',
        '2004*spb hint',
        '4001*xyz unknown-tag',
        '4002*xyz unknown-tag',
      ],
    );
    assert.equal(kept.find(({ why }: { why: string }) => why === 'hint').hint, '1002*old@ext-local');
    isUntouched();
  });

  test('removes them as a user who may, and writes no lamp that the broker keeps', async () => {
    const { code, out, err } = await hintmesh('prune', ...AT, '--apply', ...AS_PRUNER);
    assert.deepEqual([code, err], [0, '']);
    assert.match(out, /\n4 rows removed\n$/);
    assert.match(out, /^1001\*old {2}UNAVAILABLE {2}old is no peer any more$/m);
    assert.deepEqual(removed(), ['1001*old', '1003*old', '1004*old', '2002*spb']);
    // The broker leaves this one as it is, and until Asterisk restarts it would go on showing what is not so.
    assert.deepEqual(writes, ['Custom:1003*old=INVALID']);

    // Asterisk lists the devices still: what has no row is not left behind.
    const again = await hintmesh('prune', ...AT);
    assert.match(again.out, /\nnothing can be removed\n$/);
    assert.doesNotMatch(again.out, /1001|1003|1004|2002/);
  });

  test('says which right is missing, and where, before anything is changed', async () => {
    const { code, out, err } = await hintmesh('prune', ...AT, '--apply');
    assert.deepEqual([code, out], [1, '']);
    assert.equal(
      err,
      `the manager user may not do DBDel, for which Asterisk wants the class system; write write=call,reporting,system in section [hintmesh] of manager.conf
  nothing else of Hintmesh needs that: better a second manager user for it alone, as in deploy/manager-prune.conf,
  named with --ami-username and --ami-secret-file; or take the right away again afterwards
  nothing was removed
`,
    );
    isUntouched();
  });

  test('takes also the lamps of a tag that is named, which then show nobody there', async () => {
    const dry = await hintmesh('prune', ...AT, '--tag', 'xyz', 'abc');
    assert.match(dry.out, /^4001\*xyz {2}INUSE {8}--tag xyz$/m);
    isUntouched();
    const { code, out } = await hintmesh('prune', ...AT, '--tag', 'xyz', '--apply', ...AS_PRUNER, '--json');
    assert.equal(code, 0);
    const { left } = JSON.parse(out);
    assert.ok(left.every((each: { removed: boolean }) => each.removed));
    assert.deepEqual(removed(), ['1001*old', '1003*old', '1004*old', '2002*spb', '4001*xyz', '4002*xyz']);
    assert.deepEqual(writes.sort(), ['Custom:1003*old=INVALID', 'Custom:4001*xyz=INVALID']);
    assert.equal(pbx.pbx.deviceState('Custom:4001*xyz'), 'INVALID');
    assert.equal(pbx.pbx.deviceState('Custom:4002*xyz'), 'UNAVAILABLE');
  });

  test('refuses a --tag that is none, or that of somebody who is there', async () => {
    for (const [tag, code, why] of [
      ['XYZ', 2, /^--tag "XYZ" has an upper-case letter/],
      ['msk', 1, /^--tag msk is this PBX itself/],
      ['nsk', 1, /^--tag nsk is a peer; take it out of peers: and reload first/],
    ] as const) {
      const said = await hintmesh('prune', ...AT, '--tag', tag, '--apply', ...AS_PRUNER);
      assert.deepEqual([said.code, said.out], [code, '']);
      assert.match(said.err, why);
    }
    isUntouched();
  });

  test('tells how far it came when Asterisk goes away meanwhile', async () => {
    pbx.onSetvar = () => pbx.drop();
    const { code, out, err } = await hintmesh('prune', ...AT, '--apply', ...AS_PRUNER);
    assert.equal(code, 1);
    assert.match(out, /\n1 row removed\n$/);
    assert.match(
      err,
      /^1003\*old was not removed: Setvar: the session ended: .*\n3 rows left behind: try again\n$/,
    );
    assert.deepEqual(removed(), ['1001*old']);
  });

  test('says so when nothing was left behind', async () => {
    pbx.pbx.astdb.clear();
    await pbx.stop({ wipe: true });
    await pbx.start();
    await pbx.whenBooted();
    assert.deepEqual(await hintmesh('prune', ...AT), { code: 0, out: 'nothing was left behind\n', err: '' });
    assert.equal((await hintmesh('prune', ...AT, '--apply')).out, '0 rows removed\n');
  });
});

describe('prune, where no broker answers', () => {
  const NONE = `no broker can be asked (nobody listens at ${files.http}): lamps of peers are all kept, as only a broker knows which extensions they have
  if one runs, stop it first: it would write what is taken away again
`;

  test('goes by the config and by what the state directory remembers, and takes no lamp of a peer', async () => {
    files.write(`peers:\n  - ${PEER}\n`);
    mkdirSync(files.stateDir, { recursive: true });
    writeFileSync(
      join(files.stateDir, TAGS_FILE),
      JSON.stringify({ version: 1, tags: ['spb', 'old', 'msk'] }),
    );
    const { code, out, err } = await hintmesh('prune', ...CONFIG, '--apply', ...AS_PRUNER);
    assert.deepEqual([code, err], [0, NONE]);
    assert.match(
      out,
      /^kept: 4 lamps of spb: spb is a peer, and no broker can be asked which extensions it has$/m,
    );
    assert.match(out, /^kept: 1 lamp of nsk: no peer of that name is remembered; if it was one: --tag nsk$/m);
    assert.deepEqual(removed(), ['1001*old', '1003*old', '1004*old']);
    assert.deepEqual(writes, ['Custom:1003*old=INVALID', 'Custom:1004*old=INVALID']);
  });

  test('says so when it serves no HTTP', async () => {
    files.changeHttp('{ enabled: false }');
    const { code, err } = await hintmesh('prune', ...CONFIG);
    assert.equal(code, 0);
    assert.match(err, /^no broker can be asked \(http.enabled is false\): lamps of peers are all kept/m);
    files.write('');
  });

  test('takes a memory that is damaged for none, and says so', async () => {
    writeFileSync(join(files.stateDir, TAGS_FILE), 'x');
    const { out, err } = await hintmesh('prune', ...CONFIG);
    assert.match(err, /^warning: \S+tags.json is damaged and taken for empty/m);
    assert.match(out, /^kept: 4 lamps of old: no peer of that name is remembered/m);
    assert.match(out, /\nnothing can be removed\n$/);
  });
});

describe('prune assumes nothing', () => {
  const apply = () => hintmesh('prune', ...AT, '--apply', ...AS_PRUNER);

  test('of a broker that says something else, or nothing it understands', async () => {
    for (const [change, why] of [
      [
        { pbx: 'spb' },
        /^the broker that answers is spb, but the tag in \S+ is msk; name its own config with -c/,
      ],
      [
        { asterisk: { up: false, answers: false, standsBy: false } },
        /^the broker at \S+ has no session with Asterisk, so it does not know its lamps/,
      ],
    ] as const) {
      broken(change);
      const { code, out, err } = await apply();
      assert.deepEqual([code, out], [1, '']);
      assert.match(err, why);
    }
    broken({});
    broker.answers.set('GET /api/states', json({ error: 'busy' }, 503));
    assert.match((await apply()).err, /\/api\/states is refused \(503\): busy/);
    broker.answers.set('GET /api/states', json([{}]));
    assert.match((await apply()).err, /is not understood/);
    isUntouched();
  });

  test('of a lamp that somebody else wrote, and that the broker is about to mend', async () => {
    pbx.pbx.writeCustom('Custom:2002*spb', 'RINGING');
    const { code, out } = await apply();
    assert.equal(code, 0);
    assert.match(out, /^kept: 2 lamps of spb: the broker is just writing them/m);
    assert.ok(pbx.pbx.astdb.has('2002*spb'));
  });

  test('of a lamp that the broker has not told of', async () => {
    broker.answers.set('GET /api/states', json([]));
    const { code, out } = await apply();
    assert.equal(code, 0);
    assert.match(
      out,
      /^kept: 4 lamps of old: the broker is just writing them, or has not looked at them yet/m,
    );
    assert.match(out, /\n0 rows removed\n$/);
    isUntouched();
  });

  test('of an Asterisk that is down, refuses the user, or is just booting', async () => {
    folder.write('wrong.secret', 'wrong\n');
    const wrong = [...AS_PRUNER.slice(0, -1), join(folder.path, 'wrong.secret')];
    const refused = await hintmesh('prune', ...AT, '--apply', ...wrong);
    assert.deepEqual([refused.code, refused.out], [1, '']);
    assert.match(refused.err, /^Asterisk refused the login of manager user "pruner"/);
    await pbx.stop();
    const down = await apply();
    assert.deepEqual([down.code, down.out], [1, '']);
    assert.match(down.err, /^cannot reach Asterisk's manager port 127.0.0.1:\d+ \(ECONNREFUSED\)/);

    // Before FullyBooted there are no hints to be seen, and one of them may name a lamp.
    await pbx.start();
    assert.equal((await apply()).code, 0);
    assert.equal(pbx.booted, true);
    assert.ok(pbx.pbx.astdb.has('1002*old'));
    assert.deepEqual(removed(), ['1001*old', '1003*old', '1004*old', '2002*spb']);
  });

  test('of a config with mistakes', async () => {
    files.write('frob: 1\n');
    const { code, out, err } = await apply();
    files.write('');
    assert.deepEqual([code, out], [1, '']);
    assert.match(err, /frob/);
    isUntouched();
  });
});

describe('the secret of prune', () => {
  test('comes from a file or a variable, and is shown nowhere', async () => {
    const env = { HINTMESH_AMI_USERNAME: 'pruner', HINTMESH_AMI_SECRET: SECRET };
    const byVariable = await hintmeshIn({ env }, 'prune', ...AT, '--apply');
    assert.deepEqual([byVariable.code, byVariable.err], [0, '']);
    assert.deepEqual(removed(), ['1001*old', '1003*old', '1004*old', '2002*spb']);
    // An option goes before a variable.
    const byFile = await hintmeshIn(
      { env: { HINTMESH_AMI_SECRET: 'wrong' } },
      'prune',
      ...AT,
      '--apply',
      ...AS_PRUNER,
    );
    assert.deepEqual([byFile.code, byFile.err], [0, '']);
    const missing = await hintmesh('prune', ...AT, '--ami-secret-file', join(folder.path, 'nowhere'));
    assert.equal(missing.code, 1);
    assert.match(missing.err, /^HINTMESH_AMI_SECRET_FILE: .*nowhere": there is no such file/);
    for (const said of [byVariable, byFile, missing]) {
      assert.ok(!`${said.out}${said.err}`.includes(SECRET));
    }
  });
});

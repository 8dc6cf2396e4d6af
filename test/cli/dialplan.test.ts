// `hintmesh dialplan`: which names of the running broker and of the config are in what it prints, and when it prints
// nothing because too little is known.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { StateRow } from '../../src/http/contract.ts';
import { newFolder } from '../config/folder.ts';
import { brokerFiles, PEER } from './broker-files.ts';
import { fakeBroker, json, peerOf, statusOf } from './fake-broker.ts';
import { hintmesh } from './in-process.ts';
import { freePorts } from './ports.ts';

const broker = await fakeBroker();
const files = await brokerFiles();
const folder = newFolder();
const AT = ['-c', files.file, '--url', broker.url];

const ours = (extension: string, more: Partial<StateRow> = {}): StateRow => ({
  pbx: 'msk',
  kind: 'device',
  extension,
  state: 'NOT_INUSE',
  ...more,
});
const lampOf = (extension: string, more: Partial<StateRow> = {}): StateRow => ({
  ...ours(extension),
  pbx: 'spb',
  lamp: { name: `${extension}*spb`, desired: 'NOT_INUSE', written: null },
  ...more,
});

const CONFIG = `
export:
  - { context: phones, match: [_1XXX, front] }
  - { context: phones, match: _2XX, as: "7{ext:1}" }
  - { mailbox: default, match: _1XXX }
peers: [${PEER}]
import:
  - { from: spb, match: _3XXX, as: "8{ext:1}" }
  - { from: spb, match: [_XXX, _vmXXX] }
plain_lamps:
  - { from: spb, match: [_30X, "333"] }
`;
const ROWS = [
  ours('1001'),
  ours('front'),
  ours('701'),
  ours('vm1001'),
  ours('1002', { state: null }),
  lampOf('301'),
  lampOf('301', { kind: 'presence', state: 'away,,' }),
  lampOf('301', { lamp: { name: '301', desired: null, written: null } }),
  lampOf('8001'),
  lampOf('vm301'),
  // A phone watches it, and the peer has none.
  lampOf('99', { state: null }),
];

function answers(rows: readonly unknown[] = ROWS, status = statusOf({ peers: [peerOf()] })): void {
  broker.answers.set('GET /api/states', json(rows));
  broker.answers.set('GET /api/status', json(status));
}

/** What is printed, less the comments. */
async function printed(...args: string[]): Promise<string[]> {
  const { code, out, err } = await hintmesh('dialplan', ...AT, ...args);
  assert.deepEqual([code, err], [0, '']);
  return out.split('\n').filter((line) => line !== '' && !line.startsWith(';'));
}

const hints = (lines: readonly string[]) => lines.filter((line) => line.includes(',hint,'));

describe('dialplan', () => {
  test('prints the names that the running broker knows, as the config calls them', async () => {
    files.write(CONFIG);
    answers();
    const lines = await printed('--no-pickup');
    assert.deepEqual(hints(lines), [
      'exten => hintmesh,hint,Custom:hintmesh',
      'exten => _7XX*msk,hint,${HINT(2${EXTEN:1:-${LEN(*msk)}}@from-internal)}',
      'exten => _XXXX*msk,hint,${HINT(${EXTEN:0:-${LEN(*msk)}}@from-internal)}',
      'exten => _vmXXXX*msk,hint,MWI:${STRREPLACE(EXTEN,-):2:-${LEN(*msk)}}@default',
      'exten => _fro[n]t*msk,hint,${HINT(front@from-internal)}',
      'exten => _XXX*spb,hint,Custom:${STRREPLACE(EXTEN,-)},CustomPresence:${STRREPLACE(EXTEN,-)}',
      'exten => _8XXX*spb,hint,Custom:${STRREPLACE(EXTEN,-)}',
      'exten => _vmXXX*spb,hint,Custom:${STRREPLACE(EXTEN,-)}',
      'exten => 301,hint,Custom:301,CustomPresence:301',
    ]);
    assert.ok(lines.includes(' same => 1,Dial(PJSIP/3${EXTEN:1:-${LEN(*spb)}}@trunk-spb)'));
    assert.ok(lines.includes('exten => _7XX,1,Goto(from-internal,2${EXTEN:1},1)'));
    assert.ok(
      hints(await printed('--no-pickup', '--lengths', '5')).some((line) =>
        line.startsWith('exten => _XXXXX*spb,'),
      ),
    );
  });

  test('tells the command in its head, less what is usual, and no time', async () => {
    files.write(CONFIG);
    answers();
    const trunks = ['--trunk', 'spb=SIP/{ext}@a', '--trunk', 'PJSIP/{ext}@b,30'];
    const { out } = await hintmesh('dialplan', ...AT, ...trunks, '--voicemail', '*98{ext}', '--pickup', '**');
    const command = `;   hintmesh dialplan -c ${files.file} --url ${broker.url} --trunk 'PJSIP/{ext}@b,30' --trunk 'spb=SIP/{ext}@a' --voicemail '*98{ext}'`;
    assert.equal(out.split('\n')[1], command);
    assert.ok(!out.includes(String(new Date().getFullYear())));
  });

  test('nothing from outside that is no name gets into the dialplan', async () => {
    files.write(`peers: [${PEER}]`);
    const evil = '1,1,System(x)\nexten => 9';
    const bad = { ...lampOf(evil), lamp: { name: `${evil}*spb`, desired: null, written: null } };
    answers([
      bad,
      { ...ours('1001'), extension: evil },
      lampOf('301'),
      { ...lampOf('302'), pbx: 'evil\n[x]' },
    ]);
    const lines = await printed();
    assert.ok(!lines.some((line) => /System|evil|\[x\]/.test(line)));
    assert.deepEqual(hints(lines).length, 2);
  });

  test('a plain lamp that would take calls of an extension here is left out, and said', async () => {
    files.write(CONFIG);
    answers([...ROWS, ours('301')]);
    const { code, out, err } = await hintmesh('dialplan', ...AT);
    assert.equal(code, 0);
    assert.ok(!out.includes('\nexten => 301,'));
    assert.match(
      err,
      /^warning: the plain lamp 301 of spb is left out: this PBX exports an extension of that name/,
    );
  });

  test('prints the peers that the broker runs with, and says if the config has others', async () => {
    files.write(CONFIG);
    const peers = [peerOf(), peerOf({ peer: 'nsk' }), peerOf({ peer: 'old', former: true })];
    answers(
      [...ROWS, lampOf('5', { pbx: 'nsk', lamp: { name: '5*nsk', desired: null, written: null } })],
      statusOf({ peers }),
    );
    const { code, out, err } = await hintmesh('dialplan', ...AT);
    assert.equal(code, 0);
    assert.match(
      err,
      /^warning: the broker runs with the peers nsk, spb, the config has spb; .*hintmesh reload\n$/,
    );
    assert.ok(out.includes('\nexten => _X*[n]sk,hint,Custom:'));
    assert.ok(!out.includes('hintmesh-old'));
  });

  test('a plain lamp is not called as Asterisk calls what it goes to by itself', async () => {
    files.write(CONFIG.replace('match: [_30X, "333"] }', 'match: "301", as: "{ext:0:0}h" }'));
    answers();
    const { out, err } = await hintmesh('dialplan', ...AT);
    assert.match(err, /the plain lamp h of spb is left out: Asterisk has a use of its own/);
    assert.ok(!out.includes('\nexten => h,'));
  });

  test('a name that looks like a pickup is left out with a warning, and the rest is printed', async () => {
    files.write(`peers: [${PEER}]`);
    answers([lampOf('2001'), lampOf('**2001')]);
    const { code, out, err } = await hintmesh('dialplan', ...AT);
    assert.equal(code, 0);
    assert.match(err, /^warning: \*\*2001 of spb is left out: with the pickup prefix \*\*, .*\n$/);
    assert.ok(out.includes('\nexten => _XXXX*spb,hint,'));
    assert.ok(!out.includes('\nexten => _**XXXX*spb,hint,'));
  });

  test('a peer chooses no name that is dialled here: open patterns of plain_lamps make lamps alone', async () => {
    const names = ['301', '112', '911', '*97', '#', '2001', 'x1'];
    const printedFor = async (match: string) => {
      files.write(`peers: [${PEER}]\nplain_lamps:\n  - { from: spb, match: ${match} }\n`);
      answers([...names.map((name) => lampOf(name)), lampOf('911', { kind: 'presence', state: 'away,,' })]);
      const { code, out, err } = await hintmesh('dialplan', ...AT, '--no-pickup');
      assert.equal(code, 0);
      const lines = out.slice(out.indexOf('\n[hintmesh-plain-lamps]')).split('\n');
      const called = lines.flatMap((line, at) =>
        lines[at + 1]?.startsWith(' same => 1,Dial(') ? [/^exten => (.*),hint,/.exec(line)?.[1]] : [],
      );
      const lit = lines.flatMap((line) => /^exten => (.*),hint,/.exec(line)?.[1] ?? []);
      return { called, lit, err };
    };
    const all = ['#', '*97', '112', '301', '911', '2001', 'x1'];
    const open = await printedFor('[_30X, "_[*#0-9].", "_[#]!", "2001", "112-119", /^x/]');
    assert.deepEqual(open.lit.toSorted(), all.toSorted());
    assert.deepEqual(open.called, ['112', '301', '2001']);
    assert.match(
      open.err,
      /^warning: .*b1\.yaml:\d+:\d+: lamps without calls: \*97, #, 911, x1 of spb; an open pattern or a regular .*\n$/,
    );
    const closed = await printedFor('[_XXX, _XXXX]');
    assert.deepEqual([closed.called, closed.err], [['112', '301', '911', '2001'], '']);
  });

  test('a plain lamp is left out once, whatever its kinds', async () => {
    files.write(`peers: [${PEER}]\nplain_lamps: [{ from: spb, match: _X }, { from: spb, match: h }]\n`);
    answers([lampOf('h'), lampOf('h', { kind: 'presence', state: 'away,,' })]);
    const { err } = await hintmesh('dialplan', ...AT);
    assert.match(err, /^warning: the plain lamp h of spb is left out: [^\n]*\n$/);
  });

  test('rows of a kind that this version does not know make no keys', async () => {
    files.write(`peers: [${PEER}]`);
    answers([lampOf('301'), { ...lampOf('fax1'), kind: 'fax' }, { ...ours('1001'), kind: 'fax' }]);
    assert.deepEqual(hints(await printed()), [
      'exten => hintmesh,hint,Custom:hintmesh',
      'exten => _XXX*spb,hint,Custom:${STRREPLACE(EXTEN,-)}',
    ]);
  });

  test('prints nothing while too little is known', async () => {
    files.write(CONFIG);
    const asterisk = { up: true, answers: true, standsBy: false };
    for (const [status, rows, why] of [
      [
        { peers: [peerOf({ belief: 'unheard' })] },
        ROWS.slice(0, 3),
        /^nothing is known of spb yet.*\n.*\n.*--lengths 3-6/,
      ],
      [{ peers: [peerOf()], waitingFor: ['asterisk'] }, ROWS, /had no Asterisk yet/],
      [
        { peers: [peerOf()], asterisk: { ...asterisk, standsBy: true } },
        ROWS,
        /stands by for another one of msk/,
      ],
      [{ pbx: 'nsk' }, ROWS, /is the broker of nsk, and .*b1\.yaml is the config of msk/],
    ] as const) {
      answers(rows, statusOf(status as Parameters<typeof statusOf>[0]));
      const { code, out, err } = await hintmesh('dialplan', ...AT);
      assert.deepEqual([code, out], [1, '']);
      assert.match(err, why);
    }
    answers(ROWS.slice(0, 3), statusOf({ peers: [peerOf({ belief: 'unheard' })] }));
    assert.ok(hints(await printed('--lengths', '3')).some((line) => line.startsWith('exten => _XXX*spb,')));
    // What a peer told before it was gone is still known.
    answers([lampOf('301', { state: null })], statusOf({ peers: [peerOf({ belief: 'gone' })] }));
    assert.ok(hints(await printed()).some((line) => line.startsWith('exten => _XXX*spb,')));
  });

  test('without a broker it says so, and what there is instead: the config alone', async () => {
    files.write(CONFIG.replace('"333"]', '"333", 8000-8001]'));
    const { none } = await freePorts('none');
    const at = ['-c', files.file, '--url', `http://127.0.0.1:${none}`];
    const refused = await hintmesh('dialplan', ...at);
    assert.deepEqual([refused.code, refused.out], [1, '']);
    assert.match(
      refused.err,
      /no broker answers at .*connection refused[\s\S]*print it from the config alone: hintmesh dialplan --offline/,
    );

    const { code, out, err } = await hintmesh('dialplan', ...at, '--offline', '--lengths', '4');
    assert.equal(code, 0);
    assert.match(err, /warning: import: gives extensions of spb other names/);
    assert.match(
      err,
      /warning: .*b1\.yaml:\d+:\d+: the running broker alone knows which plain lamps this makes/,
    );
    assert.deepEqual(
      hints(out.split('\n')).map((line) => line.split(',')[0]),
      [
        'exten => hintmesh',
        'exten => _XXXX*msk',
        'exten => _*XXXXXX*msk',
        'exten => _XXXX*spb',
        'exten => _*XXXXXX*spb',
        'exten => 333',
        'exten => 8000',
        'exten => 8001',
      ],
    );
    assert.ok(out.includes('\nexten => 8001,hint,Custom:8001\n same => 1,Dial(PJSIP/3001@trunk-spb)\n'));
    assert.match(out, /\nexten => _XXXX,1,Goto\(from-internal,\$\{EXTEN\},1\)\n/);
  });

  test('--check compares, and shows where a file differs', async () => {
    files.write(CONFIG);
    answers();
    const { out } = await hintmesh('dialplan', ...AT);
    const file = folder.write('made.conf', out);
    assert.deepEqual(await hintmesh('dialplan', ...AT, '--check', file), {
      code: 0,
      out: `${file} is as it should be\n`,
      err: '',
    });
    folder.write(
      'made.conf',
      out.replace('exten => _vmXXX*spb', 'exten => _vmXX*spb').replace('\ninclude => hintmesh-spb', ''),
    );
    const { code, err } = await hintmesh('dialplan', ...AT, '--check', file);
    assert.equal(code, 1);
    assert.match(
      err,
      /is not what would be printed now:\nfrom line 10 on:\n- ;|is not what would be printed now:\nfrom line \d+ on:\n/,
    );
    assert.match(err, /\n\+ include => hintmesh-spb\n/);
    assert.match(err, /\n[-+] … \d+ more\n/);
    const missing = await hintmesh('dialplan', ...AT, '--check', join(folder.path, 'no.conf'));
    assert.match(missing.err, /^cannot read .*no\.conf: /);
    assert.equal(missing.code, 1);
  });

  test('options that would be something else in a dialplan are refused, and nothing is asked', async () => {
    const before = broker.asked.length;
    for (const [args, why] of [
      [['--context', 'a b'], /^--context "a b" is no context/],
      [['--pickup', '*8x'], /^--pickup "\*8x" is no prefix/],
      [['--pickup', ''], /^--pickup "" is no prefix/],
      [['--voicemail', '*97,1'], /^--voicemail "\*97,1" is no number/],
      [['--voicemail', ''], /^--voicemail "" is no number/],
      [['--trunk', 'PJSIP/trunk'], /^--trunk "PJSIP\/trunk" is no way to call/],
      [['--trunk', 'PJSIP/{ext}@{host}'], /is no way to call/],
      [['--trunk', 'PJSIP/{ext})\nexten => 1,1,System(x'], /is no way to call/],
      [['--trunk', 'PJSIP/${SHELL(x)}{ext}'], /is no way to call/],
      [['--trunk', 'PJSIP/{ext};x'], /is no way to call/],
      [['--trunk', 'a/{ext}', '--trunk', 'b/{ext}'], /is the second one for all peers/],
      [['--trunk', 'x=b/{ext}'], /begins with x=, which is no tag/],
      [['--hint', 'PJSIP/1001'], /^--hint "PJSIP\/1001" is no hint/],
      [['--hint', 'PJSIP/{ext}@{tag}'], /is no hint/],
      [['--lengths', '6-3'], /^--lengths "6-3" are no lengths/],
      [['--lengths', '3-99'], /are no lengths/],
      [['--lengths', ''], /are no lengths/],
    ] as const) {
      const { code, out, err } = await hintmesh('dialplan', ...AT, ...args);
      assert.deepEqual([code, out], [2, ''], args.join(' '));
      assert.match(err, why);
    }
    assert.equal(broker.asked.length, before);
    files.write(CONFIG);
    answers();
    const { code, err } = await hintmesh('dialplan', ...AT, '--trunk', 'nsk=a/{ext}');
    assert.equal(code, 2);
    assert.match(err, /^--trunk "nsk=a\/\{ext\}" is for nsk, which is no peer; the peers are spb/);
  });

  test('a config that is wrong is told as by check', async () => {
    files.write('peers: 7');
    const { code, out, err } = await hintmesh('dialplan', ...AT);
    assert.deepEqual([code, out], [1, '']);
    assert.match(err, /peers/);
  });
});

// What `hintmesh prune --plain` does with lamps without a tag: nothing unless it is named, and nothing to one in use.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lampRow, pruneScene, type Told, whys } from './prune-scene.ts';

const scene = await pruneScene();
const { prune, apply } = scene;

const FOLLOW = ['--plain', '2001', '--plain', '_2XXX'];
const ROWS = {
  lamps: {
    DND1001: 'INUSE',
    '1001': 'INUSE',
    '2001': 'INUSE',
    '2002': 'INVALID',
    '2003': 'INUSE',
    '2004': 'INVALID',
    '2005': 'UNAVAILABLE',
    '2006': 'INUSE',
    '2007': 'RINGING',
    '2008': 'BUSY',
    '2001*spb': 'INUSE',
  },
  presences: {
    '1001': 'away',
    '2001': 'dnd',
    '2002': 'not_set,,,e',
    '2003': 'away',
    '2006': 'xa',
    '2009': 'chat',
  },
};
const HINTS = { '601': 'PJSIP/601&custom:2006', '602': 'PJSIP/602,CustomPresence:2009' };
/** What the broker has of lamps without a tag; all of them are told, those of a line that was taken out too. */
const STATES = [
  lampRow('device 2001*spb', 'INUSE'),
  lampRow('device 2003 spb', 'INUSE'),
  lampRow('presence 2003 spb', 'away'),
  lampRow('device 2004 spb', 'INUSE', 'INVALID'),
  lampRow('device 2005 nsk', 'INUSE', 'UNAVAILABLE'),
  lampRow('device 2007 spb', 'RINGING', 'INVALID', 'RINGING'),
];

function all(): { lamps: string[]; presences: string[] } {
  return { lamps: Object.keys(ROWS.lamps), presences: Object.keys(ROWS.presences) };
}

test('without --plain nothing without a tag is even shown', async () => {
  await scene.begin(ROWS, [lampRow('device 2001*spb', 'INUSE')]);
  assert.deepEqual(await prune(...apply), { code: 0, out: '0 rows removed\n', err: '' });
  assert.deepEqual(scene.rows(), all());
});

test('those that are named and nobody lights are shown, with why others stay', async () => {
  await scene.begin(ROWS, STATES, { hints: HINTS });
  assert.deepEqual(await prune(...FOLLOW), {
    code: 0,
    err: '',
    out: `LAMP           SHOWS    WHY
2001           INUSE    --plain, and no line of plain_lamps: gives it
2001 presence  dnd      --plain, and no line of plain_lamps: gives it
2002           INVALID  --plain, and no line of plain_lamps: gives it
2002 presence  not_set  --plain, and no line of plain_lamps: gives it
2004           INVALID  --plain, and no line of plain_lamps: gives it
2006 presence  xa       --plain, and no line of plain_lamps: gives it
2008           BUSY     --plain, and no line of plain_lamps: gives it
kept: 2 lamps and 1 presence without a tag: plain_lamps: gives them, or the running broker lights them; if not for good, take the line out and reload first
kept: 1 lamp without a tag: the broker is just writing them, or has not looked at them yet; try again in a minute
kept: 2006: the hint 601@ext-local names it
kept: 2009 presence: the hint 602@ext-local names it
7 rows left behind; nothing was changed
to take them out of Asterisk's database: --apply, as a manager user with write=system
`,
  });
  assert.deepEqual([scene.rows(), scene.writes], [all(), []]);
});

test('they are removed, made dark first where a broker does not keep them', async () => {
  await scene.begin(ROWS, STATES, { hints: HINTS });
  const { code, out, err } = await prune(...FOLLOW, ...apply, '--json');
  assert.deepEqual([code, err], [0, '']);
  const { left, kept }: Told = JSON.parse(out);
  assert.ok(left.every(({ removed }) => removed));
  assert.deepEqual(Object.keys(left[0] ?? {}), ['kind', 'name', 'extension', 'state', 'why', 'removed']);
  assert.deepEqual(whys(kept), [
    'device 2003 plain-lamp',
    'presence 2003 plain-lamp',
    'device 2005 plain-lamp',
    'device 2006 hint',
    'device 2007 unsettled',
    'presence 2009 hint',
  ]);
  assert.deepEqual(scene.rows(), {
    lamps: ['1001', '2003', '2005', '2006', '2007', 'DND1001', '2001*spb'],
    presences: ['1001', '2003', '2009'],
  });
  assert.deepEqual(scene.writes, [
    'Custom:2001=INVALID',
    'CustomPresence:2001=not_set,,,e',
    'CustomPresence:2006=not_set,,,e',
    'Custom:2008=INVALID',
  ]);
});

test('what the config gives, or exports, stays, whether a broker runs or not', async () => {
  scene.files.write(`peers:
  - { tag: spb, fingerprint: "sha256:${'Q'.repeat(43)}" }
plain_lamps:
  - { from: spb, match: _8003, as: "{ext:-3}" }
  - { from: spb, match: _200X, except: [2001, 2002] }
export:
  - { device: "Custom:{ext}", match: 2001 }
  - { presence: "CustomPresence:{ext}", match: 2002 }
`);
  const KEPT = [
    'device 2001 exported',
    'presence 2002 exported',
    ...['2003', '2004', '2005', '2006', '2007', '2008'].flatMap((name) => [
      `device ${name} plain-lamp`,
      ...(name in ROWS.presences ? [`presence ${name} plain-lamp`] : []),
    ]),
    'presence 2009 plain-lamp',
  ];
  for (const run of [scene.alone, prune]) {
    await scene.begin({ ...ROWS, presences: { ...ROWS.presences, '2002': 'away' } });
    const { code, out } = await run(...FOLLOW, '--plain', '/^1/', ...apply, '--json');
    assert.equal(code, 0);
    const { left, kept }: Told = JSON.parse(out);
    assert.deepEqual(
      whys(kept).filter((line) => !line.includes('*')),
      KEPT,
    );
    assert.deepEqual(whys(left), [
      'device 1001 plain',
      'presence 1001 plain',
      'presence 2001 plain',
      'device 2002 plain',
    ]);
  }
  scene.files.write('');
});

test('what is no name, or has a tag, is refused', async () => {
  await scene.begin(ROWS, STATES);
  for (const [item, why] of [
    ['2001*spb', /^--plain "2001\*spb" has a tag; all that is left of that PBX goes by --tag spb$/m],
    ['Custom:2001', /^--plain "Custom:2001" is not an extension; allowed are/],
    ['_', /^--plain "_" /],
    ['2009-2000', /^--plain "2009-2000" runs backwards/],
  ] as const) {
    const { code, out, err } = await prune('--plain', item, ...apply);
    assert.deepEqual([code, out], [2, '']);
    assert.match(err, why);
  }
  assert.deepEqual([scene.rows(), scene.writes], [all(), []]);
});

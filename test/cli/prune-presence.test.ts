// What `hintmesh prune` does with the rows of presences: found, kept and removed as those of lamps are.
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { TAGS_FILE } from '../../src/config/tags.ts';
import { lampRow, pruneScene, type Told, whys } from './prune-scene.ts';

const scene = await pruneScene();
const { prune, apply } = scene;

const LONG = `${'9'.repeat(60)}*old`;
/** All that Asterisk lists of a longer name after the boot; taken for itself it would be a lamp's of old. */
const CUT = `${'8'.repeat(60)}*old`;

/** A lamp may have this name, and no presence that a broker wrote. */
const NO_PRESENCE = `${'7'.repeat(62)}*old`;

const ROWS = {
  lamps: {
    '1001*old': 'UNAVAILABLE',
    [NO_PRESENCE]: 'UNAVAILABLE',
    '2001*spb': 'INUSE',
    '2002*spb': 'INVALID',
    '2006*spb': 'INVALID',
  },
  presences: {
    '1001': 'away',
    '1001*old': 'unavailable',
    '1002*old': 'dnd,,at lunch',
    '1003*old': 'away',
    [LONG]: 'unavailable',
    [`${CUT}est`]: 'unavailable',
    [NO_PRESENCE]: 'away',
    '2001*spb': 'away',
    '2002*spb': 'not_set,,,e',
    '2003*spb': 'chat',
    '2004*spb': 'away',
    '2006*spb': 'not_set,,,e',
    '3001*nsk': 'unavailable',
    '4001*xyz': 'dnd',
    '5001*msk': 'dnd',
  },
};
const HINTS = {
  '1003*old': 'Custom:1003*old,custompresence:1003*old',
  '2006*spb': ',CustomPresence:2006*spb',
};
const STATES = [
  lampRow('device 1001*old', null, 'UNAVAILABLE'),
  lampRow(`device ${NO_PRESENCE}`, null, 'UNAVAILABLE'),
  lampRow('device 2001*spb', 'INUSE'),
  lampRow('device 2002*spb', null, 'INVALID'),
  lampRow('device 2006*spb', null, 'INVALID'),
  lampRow('presence 1001*old', null, 'unavailable'),
  // As with `gone_state: hold`.
  lampRow('presence 1002*old', null, null, 'dnd,,at lunch'),
  lampRow('presence 1003*old', null, 'unavailable'),
  lampRow(`presence ${LONG}`, null, 'unavailable'),
  lampRow(`presence ${CUT}`, null, 'unavailable'),
  lampRow('presence 2001*spb', 'away'),
  lampRow('presence 2003*spb', null, 'not_set', 'not_set'),
  lampRow('presence 2004*spb', null, 'not_set'),
  lampRow('presence 3001*nsk', null, 'unavailable'),
];

/** As it was when 2003*spb was written `not_set` after the boot, and 1003*old by the gone-state. */
async function begin(options = {}): Promise<void> {
  await scene.begin(ROWS, STATES, { hints: HINTS, ...options });
  scene.pbx.pbx.writePresence('CustomPresence:2003*spb', 'not_set,,,e');
  scene.pbx.pbx.writePresence('CustomPresence:1003*old', 'unavailable,,,e');
}

const GONE = ['1001*old', '1002*old', LONG, '2002*spb', '2003*spb'];

test('those of former peers and extensions are shown beside the lamps, and what is kept is counted', async () => {
  await begin();
  const { code, out, err } = await prune();
  assert.deepEqual([code, err], [0, '']);
  const lines = out.split('\n').map((line) => line.replace(/ {2,}/g, '  '));
  for (const line of [
    '1001*old  UNAVAILABLE  old is no peer any more',
    '1001*old presence  unavailable  old is no peer any more',
    '1002*old presence  dnd,,at lunch  old is no peer any more',
    '2002*spb presence  not_set  spb is live and tells no presence of 2002',
    '2003*spb presence  not_set  spb is live and tells no presence of 2003',
    'kept: 1 presence of nsk: nsk is not live, and only then it is known which extensions it has',
    'kept: 1 presence of msk: msk is this PBX: no broker wrote these',
    'kept: 1 presence of xyz: no peer of that name is remembered; if it was one: --tag xyz',
    'kept: 1 presence of spb: the broker is just writing them, or has not looked at them yet; try again in a minute',
    'kept: 1003*old presence: the hint 1003*old@ext-local names it',
    'kept: 2006*spb presence: the hint 2006*spb@ext-local names it',
    '9 rows left behind; nothing was changed',
  ]) {
    assert.ok(lines.includes(line), `${line}\nis not in\n${out}`);
  }
  assert.deepEqual(scene.writes, []);
  assert.equal(scene.rows().presences.length, Object.keys(ROWS.presences).length);
});

test('they are removed, and only what somebody could still believe is written not_set before', async () => {
  await begin();
  const { code, out, err } = await prune(...apply, '--json', '--tag', 'xyz');
  assert.deepEqual([code, err], [0, '']);
  const { left, kept }: Told = JSON.parse(out);
  assert.deepEqual(
    left.filter(({ kind }) => kind === 'presence').map(({ name, why }) => `${name} ${why}`),
    [
      '1001*old former-peer',
      '1002*old former-peer',
      `${LONG} former-peer`,
      '2002*spb not-told',
      '2003*spb not-told',
      '4001*xyz named',
    ],
  );
  assert.ok(left.every(({ removed }) => removed));
  assert.equal(left.find(({ name }) => name === '1002*old')?.state, 'dnd,,at lunch');
  assert.ok(whys(kept).includes('presence 1003*old hint'), whys(kept).join('\n'));
  const gone = new Set([...GONE, '4001*xyz']);
  assert.deepEqual(
    scene.rows().presences,
    Object.keys(ROWS.presences).filter((name) => !gone.has(name)),
  );
  assert.deepEqual(scene.writes, [
    'CustomPresence:1002*old=not_set,,,e',
    'CustomPresence:4001*xyz=not_set,,,e',
  ]);
  assert.deepEqual(JSON.parse((await prune('--json')).out).left, []);
});

test('where no broker answers, those of former peers go and those of peers stay', async () => {
  await begin();
  scene.files.write(`peers:\n  - { tag: spb, fingerprint: "sha256:${'Q'.repeat(43)}" }\n`);
  mkdirSync(scene.files.stateDir, { recursive: true });
  writeFileSync(join(scene.files.stateDir, TAGS_FILE), JSON.stringify({ version: 1, tags: ['spb', 'old'] }));
  const { code, out } = await scene.alone(...apply);
  assert.equal(code, 0);
  assert.match(out, /^kept: 3 lamps and 3 presences of spb: spb is a peer, and no broker can be asked/m);
  const { presences } = scene.rows();
  assert.ok(presences.includes('2002*spb') && presences.includes('1003*old'));
  assert.ok(!presences.includes('1001*old') && !presences.includes('1002*old'));
  scene.files.write('');
});

test('an Asterisk without a list of presences: lamps only, and it is said', async () => {
  await begin({ presenceStateModule: false });
  const { code, out, err } = await prune(...apply);
  assert.equal(code, 0);
  assert.match(err, /^this Asterisk has no PresenceStateList .*: presences are not looked at\n$/);
  assert.doesNotMatch(out, /presence/);
  assert.match(out, /^4 rows removed$/m);
  assert.equal(scene.rows().presences.length, Object.keys(ROWS.presences).length);
});
